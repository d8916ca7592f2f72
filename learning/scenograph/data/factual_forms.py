"""Which words of a caption can say a name of its graph: the same word inflected, joined, cut or misspelt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scenograph.scene.parsing.neural_words import split_words

Range = tuple[int, int]
Surfaces = Mapping[str, Sequence[str]]
"""Words that say a name in another way ("person": guy, someone), likeliest first."""

IRREGULAR = {
    base: forms.split()
    for base, forms in (
        line.split(": ")
        for line in """\
be: is are was were
bend: bent
bite: bitten
blow: blown blew
break: broken
build: built
catch: caught
choose: chosen
cling: clung
dig: dug
draw: drawn
drive: driven drove
eat: eaten ate
fall: fallen fell
feed: fed
fly: flown flew
get: got
give: gave given
go: went gone
grow: grown
hang: hung
have: has had having
hide: hidden
hold: held
keep: kept
kneel: knelt
lay: lying lies laid lie lays
lead: led
leave: left
light: lit
lean: leant
make: made
ride: ridden rode
run: ran
see: seen
sell: sold
shine: shone
show: shown
sit: sat sits sitting
sleep: slept
slide: slid
spin: spun
stand: stood
stick: stuck
string: strung
swim: swam
swing: swung
take: taken took
tear: torn
throw: thrown threw
tie: tying
wear: worn wore
wind: wound
write: written""".splitlines()
    )
}
_BASES = {form: base for base, forms in IRREGULAR.items() for form in forms}
_ENDINGS = ("ing", "ed", "es", "s", "d", "er", "ers")


def verb_bases(word: str) -> list[str]:
    """Verbs that a word may be a form of, likeliest first."""
    bases = [_BASES[word]] if word in _BASES else []
    bases.append(word)
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1:
            bases += [stem, stem + "e"]
            if len(stem) > 2 and stem[-1] == stem[-2]:
                bases.append(stem[:-1])
            if stem.endswith("i"):
                bases.append(stem[:-1] + "y")
    if "-" in word:
        bases += [base for part in word.split("-") if part for base in verb_bases(part)]
    return bases


def find_name(name: str, words: Sequence[str], surfaces: Surfaces) -> list[Range]:
    """Where a caption says the name, by the surest way that finds it at all."""
    spoken = [token.text for token in split_words(name)]
    for form in (spoken, *(surface.split() for surface in surfaces.get(name, ()))):
        if found := _places(words, len(form), lambda run, form=form: list(run) == form):  # type: ignore[misc]
            return found
    joined = _join(spoken)
    tests: list[tuple[int, Callable[[str], bool]]] = [
        (4, lambda run: run == joined),
        (4, lambda run: joined in numbers(run)),
    ]
    if len(joined) > 3:
        slips = 1 if len(joined) < 6 else 2
        tests.append((3, lambda run: len(run) > 3 and edits(run, joined) <= slips))
    for longest, test in tests:
        for size in range(1, longest + 1):
            if found := _places(words, size, lambda run, test=test: test(_join(run))):  # type: ignore[misc]
                return found
    return []


def numbers(word: str) -> set[str]:
    """The word, and what it may be in the other number."""
    forms = {word, word + "s", word + "es", word.removesuffix("s"), word.removesuffix("es")}
    return forms | ({word[:-3] + "y"} if word.endswith("ies") else set())


def edits(one: str, other: str, most: int = 2) -> int:
    """Letters to insert, drop or change (Levenshtein); most + 1 where the lengths alone differ by more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last, row[0] = row[0], i
        for j, against in enumerate(other, start=1):
            last, row[j] = row[j], min(last + (letter != against), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def _places(words: Sequence[str], size: int, test: Callable[[Sequence[str]], bool]) -> list[Range]:
    ranges = ((start, start + size) for start in range(len(words) - size + 1))
    return [(start, end) for start, end in ranges if test(words[start:end])]


def _join(words: Sequence[str]) -> str:
    return "".join(words).replace("-", "")
