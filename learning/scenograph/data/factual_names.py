"""What the training captions teach of names: words that say them in another way, and the commonest forms."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from scenograph.data.factual import Caption
from scenograph.data.factual_forms import Surfaces
from scenograph.data.factual_labels import IMPLIED, Labeller, Labels, Saying
from scenograph.scene.parsing.neural_names import NO_RELATION, PREPOSITIONS, VERB, Names

MIN_FORM = 3
"""How often a relation's form must be seen to be learnt."""
ROUNDS = 2
_PAIRED = ("feet", "hands", "legs", "ears", "eyes", "arms", "wings", "horns", "shoes", "skis", "gloves")
_COUNTS = "zero one two three four five six seven eight nine ten eleven twelve"
_KNOWN = {
    **{str(number): (word,) for number, word in enumerate(_COUNTS.split())},
    "2": ("two", "both", "couple", "pair", *_PAIRED),
    "4": ("four", "legs"),
    "wooden": ("wood",),
    "multi-colored": ("multicolored", "multi colored", "multi-color"),
}
_Counts = defaultdict[str, Counter[str]]


def learn_names(captions: Sequence[Caption]) -> tuple[Labeller, Names]:
    """The labeller of these captions, and the names that its labels stand for."""
    saying = Saying(attributes=_KNOWN)
    for _ in range(ROUNDS):
        saying = _also(saying, captions)
    seen: Counter[str] = Counter()
    for labels in _labelled(Labeller(saying), captions):
        seen.update(said.form for said in labels.relations.values())
    forms = [form for form, count in seen.most_common() if count >= MIN_FORM]
    labeller = Labeller(saying, forms)
    objects, attributes, verbs = _counts(), _counts(), _counts()
    for labels in _labelled(labeller, captions):
        for counts, spans in ((objects, labels.objects), (attributes, labels.attributes)):
            for (start, end), name in spans.items():
                counts[" ".join(labels.words[start:end])][name] += 1
        for said in labels.relations.values():
            if said.verb >= 0:
                verbs[labels.words[said.verb]][said.base] += 1
    plain = Names((NO_RELATION, *forms))
    return labeller, Names(
        plain.forms,
        {words: name for words, name in _majority(objects).items() if plain.object(words) != name},
        {words: name for words, name in _majority(attributes).items() if plain.attribute(words) != name},
        {word: base for word, base in _majority(verbs).items() if plain.verb(word) != base},
    )


def _labelled(labeller: Labeller, captions: Sequence[Caption]) -> list[Labels]:
    return [labeller.label(caption.text, caption.facts) for caption in captions]


def _also(saying: Saying, captions: Sequence[Caption]) -> Saying:
    """The same, with words that go along with names which no word of their captions said."""
    objects, attributes, verbs = _counts(), _counts(), _counts()
    seen: Counter[str] = Counter()
    for labels in _labelled(Labeller(saying), captions):
        words = labels.words
        runs = [(i, i + size) for size in (1, 2, 3) for i in range(len(words) - size + 1)]
        seen.update({" ".join(words[i:j]) for i, j in runs})
        taken = {place for start, end in labels.objects for place in range(start, end)}
        for kind, name in sorted(set(labels.missing)):
            if kind == "object" and " within " not in name:
                objects[name].update(" ".join(words[i:j]) for i, j in runs if taken.isdisjoint(range(i, j)))
            elif kind == "attribute" and " within " not in name:
                attributes[name].update(" ".join(words[i:j]) for i, j in runs)
        for said in labels.relations.values():
            base = said.form.split()[0]
            if base != VERB and base not in PREPOSITIONS and base not in IMPLIED:
                verbs[base].update(set(words))
    by_word: dict[str, tuple[str, ...]] = {word: tuple(bases) for word, bases in saying.verbs.items()}
    for base, counts in sorted(verbs.items()):
        for word in _telling(counts, seen, times=2, share=0.3):
            by_word[word] = (*by_word.get(word, ()), base)
    return Saying(
        _joined(saying.objects, objects, seen), _joined(saying.attributes, attributes, seen), by_word
    )


def _joined(known: Surfaces, counts: _Counts, seen: Counter[str]) -> dict[str, tuple[str, ...]]:
    joined = {name: tuple(words) for name, words in known.items()}
    for name, words in sorted(counts.items()):
        told = (*joined.get(name, ()), *_telling(words, seen, times=3, share=0.12))
        if told:
            joined[name] = tuple(dict.fromkeys(told))
    return joined


def _telling(counts: Counter[str], seen: Counter[str], *, times: int, share: float) -> list[str]:
    """The words that, where they stand, most often go along with what was counted; few and short ones."""
    rated = [
        (count / (seen[words] + 5) / (1 + words.count(" ")), count, words)
        for words, count in counts.items()
        if count >= times
    ]
    return [words for rate, _, words in sorted(rated, reverse=True)[:6] if rate >= share]


def _majority(counts: _Counts) -> dict[str, str]:
    return {words: max(sorted(names), key=names.__getitem__) for words, names in sorted(counts.items())}


def _counts() -> _Counts:
    return defaultdict(Counter)
