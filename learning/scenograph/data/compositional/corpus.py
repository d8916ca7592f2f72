"""What a set of captions says of what: the words that negatives are made of, and where they stand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache

from scenograph.data.compositional.relations import Relation, find_relation
from scenograph.data.compositional.sentence import Phrase, Sentence, determiner_class, is_plural
from scenograph.scene.graph import SceneGraph
from scenograph.scene.vocabulary import Vocabulary

_KINDS = (
    "person",
    "animal",
    "body part",
    "clothing",
    "headgear",
    "food",
    "drink",
    "vehicle",
    "furniture",
    "sports equipment",
    "toy",
    "musical instrument",
    "electronics",
    "tool",
    "container",
    "structure",
    "building",
    "place",
    "plant",
    "nature",
    "activity",
)

SEEN = 3  # a label said less often is left alone: it may be a slip of the parser
RARE = 0.005  # share of a noun's attributes below which one is a slip or a joke
FEW = 50  # attributes of a noun said less often say little: those of its kind are asked
_VAGUE = (
    "adult grown older younger other same different teenage middle seated covered filled surrounded several",
    "single lone nearby",
)
VAGUE = frozenset(word for line in _VAGUE for word in line.split())
HAIR = frozenset(("blonde", "blond", "brunette", "redheaded"))


class Corpus:
    """Counts over captions and their graphs. Build it from training captions; it is read-only after."""

    def __init__(self, words: Vocabulary | None = None) -> None:
        self.words = words or Vocabulary.load()
        self.labels: Counter[str] = Counter()
        self.lemmas: dict[str, str] = {}
        self.determiners: dict[str, Counter[str]] = defaultdict(Counter)
        self.attributes: dict[str, Counter[str]] = defaultdict(Counter)
        self.kind_attributes: dict[str, Counter[str]] = defaultdict(Counter)
        self.verbs: set[str] = set()
        self.seen_with: dict[str, Counter[str]] = defaultdict(Counter)
        self.relations: Counter[str] = Counter()
        self.objects: dict[str, Counter[str]] = defaultdict(Counter)
        self.subjects: dict[str, Counter[str]] = defaultdict(Counter)
        self.frames: Counter[tuple[str, str, str]] = Counter()
        self.forms: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.said: dict[str, Counter[str]] = defaultdict(Counter)
        self.triples: Counter[tuple[str, str, str]] = Counter()
        # Asked of the same words again and again.
        self.kind = cache(self._kind)
        self.similar = cache(self._similar)  # how near two nouns are, the nearer way; 1 where not known
        self.alike = cache(self._alike)  # the same of two relations
        self.contradicts = cache(self.words.contradicts)
        self.by_kind: dict[tuple[str, bool], list[str]] = defaultdict(list)

    @classmethod
    def of(
        cls, captions: Iterable[str], graphs: Iterable[SceneGraph], words: Vocabulary | None = None
    ) -> Corpus:
        """The counts of these captions, each with its graph."""
        corpus = cls(words)
        for caption, graph in zip(captions, graphs, strict=True):
            corpus.add(caption, graph)
        corpus.close()
        return corpus

    def add(self, caption: str, graph: SceneGraph) -> None:
        """Count one caption."""
        sentence = Sentence(caption, graph)
        names = sorted({node.name for node in graph.nodes})
        for phrase in sentence.phrases:
            if phrase is not None:
                self._count(sentence, phrase)
        for one in names:
            self.seen_with[one].update(other for other in names if other != one)
        for edge in graph.edges:
            subject, target = graph.nodes[edge.subject], graph.nodes[edge.object]
            self.objects[edge.predicate][target.name] += 1
            self.subjects[edge.predicate][subject.name] += 1
            self.triples[subject.name, edge.predicate, target.name] += 1
            self.frames[self.kind(subject.name), edge.predicate, self.kind(target.name)] += 1
            relation = find_relation(sentence, edge)
            if relation is not None:
                self._count_relation(sentence, relation)

    def close(self) -> None:
        """Sort the labels by kind and number, once all captions are counted."""
        self.by_kind.clear()
        for label in sorted(label for label, count in self.labels.items() if count >= SEEN):
            self.by_kind[self.kind(self.lemmas[label]), is_plural(label)].append(label)

    def _similar(self, one: str, other: str) -> float:
        near = (self.words.label_similarity(one, other), self.words.label_similarity(other, one))
        return 1.0 if any(value != value for value in near) else max(near)

    def _alike(self, one: str, other: str) -> float:
        similarity = self.words.predicate_similarity
        near = (similarity(one, other), similarity(other, one))
        return 1.0 if any(value != value for value in near) else max(near)

    def is_colour(self, attribute: str) -> bool:
        """Whether the attribute is a colour."""
        return attribute == "red" or self.contradicts(attribute, "red") or self.contradicts(attribute, "blue")

    def is_noun(self, word: str) -> bool:
        """Whether captions say the word as a noun, and not as a verb."""
        return self.labels[word] >= SEEN and word not in self.verbs

    def usual(self, noun: str, attribute: str) -> bool:
        """Whether captions say the attribute of such a noun more than by chance, and it is no remark on a
        person's colour.
        """
        seen = self.attributes[noun]
        if seen.total() < FEW:
            seen = self.kind_attributes[self.kind(noun)]
        if seen[attribute] < max(2, RARE * seen.total()) or attribute in VAGUE or attribute.endswith("ing"):
            return False
        return self.kind(noun) != "person" or not self.is_colour(attribute) or attribute in HAIR

    def _count(self, sentence: Sentence, phrase: Phrase) -> None:
        node = sentence.graph.nodes[phrase.node]
        label = node.label.lower()
        self.labels[label] += 1
        self.lemmas[label] = node.name
        self.determiners[label][determiner_class(phrase.determiner)] += 1
        for name in phrase.attributes:
            self.attributes[node.name][name] += 1
            self.kind_attributes[self.kind(node.name)][name] += 1

    def _count_relation(self, sentence: Sentence, relation: Relation) -> None:
        self.relations[relation.predicate] += 1
        self.said[sentence.graph.nodes[relation.object].name][relation.predicate] += 1
        if relation.form:
            verb, _, _ = relation.predicate.partition(" ")
            self.forms[verb, relation.form][relation.verb] += 1
            self.verbs.add(relation.verb)

    def _kind(self, name: str) -> str:
        return next((kind for kind in _KINDS if self.words.is_a(name, kind)), "")
