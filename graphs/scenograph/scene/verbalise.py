"""Words for graphs: a scene graph as short English, to show it and to embed it."""

from __future__ import annotations

from scenograph.scene.graph import Node, SceneGraph

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# Nouns without an article: "snow", "a dog in water".
_UNCOUNTED = (
    "water snow sand grass sky hair dirt mud ice air rain food clothing smoke fog sunlight luggage furniture",
    "wood traffic equipment gravel hay rice bread meat cheese fruit coffee tea milk beer wine fur jewelry",
    "graffiti people someone somebody everyone everybody cattle",
)
UNCOUNTED = frozenset(word for line in _UNCOUNTED for word in line.split())
IRREGULAR = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "mouse": "mice",
    "sheep": "sheep",
    "deer": "deer",
    "fish": "fish",
    "ox": "oxen",
    "leaf": "leaves",
    "knife": "knives",
    "wolf": "wolves",
    "shelf": "shelves",
    "scarf": "scarves",
}
MAX_DEPTH = 40


def describe(graph: SceneGraph) -> str:
    """The graph in words: "a dog on a red sofa, two cats"; an image without objects by its tags."""
    if not graph.nodes:
        return ", ".join(tag.label for tag in graph.tags)
    return _Telling(graph).run()


def noun_phrase(node: Node) -> str:
    """A node in words: "two small dogs", "a sofa that is not red", "no cat", "a group of people"."""
    said = [item.name for item in node.attributes if not item.negated]
    before = [name for name in said if name.endswith(" of")]
    before += [name for name in said if " " not in name]
    after = [name for name in said if name not in before]
    denied = [item.name for item in node.attributes if item.negated]
    plural = node.count > 1 or _is_plural(node)
    noun = pluralise(node.name) if node.count > 1 else node.label if _is_plural(node) else node.name
    words = " ".join([*before, noun])
    if node.negated:
        words = f"no {words}"
    elif node.count:
        words = f"{NUMBERS[node.count] if node.count < len(NUMBERS) else node.count} {words}"
    elif before[:1] and before[0].endswith(" of"):
        words = f"a {words}"
    elif not plural and node.name.split()[-1:] and node.name.split()[-1] not in UNCOUNTED:
        words = f"{'an' if words[:1].lower() in 'aeiou' else 'a'} {words}"
    clauses = [*after, *(f"that {'are' if plural else 'is'} not {name}" for name in denied)]
    return " ".join([words, *clauses]).strip()


def pluralise(noun: str) -> str:
    """The plural of a noun or compound."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last = last if last.endswith("s") and not last.endswith("ss") else last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last not in UNCOUNTED:
        last += "s"
    return f"{head} {last}".strip()


def _is_plural(node: Node) -> bool:
    return bool(node.lemma) and node.label != node.lemma and node.label == pluralise(node.lemma)


class _Telling:
    """Walks the graph from its subjects; a thing met again is "the dog"."""

    def __init__(self, graph: SceneGraph) -> None:
        self._graph = graph
        self._told: set[int] = set()
        self._leaving: dict[int, list[int]] = {}
        for index, edge in enumerate(graph.edges):
            self._leaving.setdefault(edge.subject, []).append(index)

    def run(self) -> str:
        targets = {edge.object for edge in self._graph.edges if edge.subject != edge.object}
        everyone = range(len(self._graph.nodes))
        order = [*(index for index in everyone if index not in targets), *everyone]
        return ", ".join(
            self._tell(index, 0) for index in order if index not in self._told or self._leaving.get(index)
        )

    def _tell(self, index: int, depth: int) -> str:
        node = self._graph.nodes[index]
        words = f"the {node.label}" if index in self._told else noun_phrase(node)
        self._told.add(index)
        if depth >= MAX_DEPTH:
            return words
        parts = []
        while leaving := self._leaving.get(index):
            edge = self._graph.edges[leaving.pop(0)]
            relation = f"not {edge.predicate}" if edge.negated else edge.predicate
            parts.append(f"{relation} {self._tell(edge.object, depth + 1)}")
        return " ".join([words, " and ".join(parts)]).strip()
