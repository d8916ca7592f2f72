"""Reads the tables of `data/`: indented trees, nearness lists, pairs and name lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import permutations


@dataclass(slots=True)
class Entry:
    """One concept of a tree: its other names, what it is a kind of, and the relation it says ("> on")."""

    name: str
    synonyms: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    marked: bool = False
    says: str = ""


def read_lines(name: str) -> list[str]:
    """The lines of a table that hold something."""
    text = files("scenograph.scene.vocabulary").joinpath("data", name).read_text(encoding="utf-8")
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def parse_tree(lines: list[str]) -> dict[str, Entry]:
    """Entries by name, in order. A name met again gains parents.

    A line: two spaces a level, "!" for a marked entry, name, " = synonyms", " < parents", " > says".
    """
    entries: dict[str, Entry] = {}
    path: list[str] = []
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        body, _, says = line.strip().partition(" > ")
        body, _, parents = body.partition(" < ")
        body, _, synonyms = body.partition(" = ")
        name = body.removeprefix("!").strip()
        del path[depth:]
        entry = entries.setdefault(name, Entry(name))
        entry.marked = entry.marked or body.startswith("!")
        entry.says = entry.says or says.strip()
        entry.synonyms += split(synonyms)
        entry.parents += [parent for parent in [*path[-1:], *split(parents)] if parent not in entry.parents]
        path.append(name)
    return entries


def read_tree(name: str) -> dict[str, Entry]:
    """The entries of a tree file."""
    return parse_tree(read_lines(name))


def read_near(name: str) -> list[tuple[str, str, float]]:
    """Ordered pairs of concepts with how near they are."""
    pairs = []
    for line in read_lines(name):
        score, _, members = line.partition(":")
        pairs += [(a, b, float(score)) for a, b in permutations(split(members), 2)]
    return pairs


def read_imagenet(entries: dict[str, Entry]) -> tuple[str, ...]:
    """The nouns of the 1000 classes; those that `entries` lack are added to it."""
    names = []
    for line in read_lines("imagenet.tsv"):
        _, name, parents, synonyms = [*line.split("\t"), "", ""][:4]
        if name not in entries:
            entries[name] = Entry(name, split(synonyms), split(parents))
        names.append(name)
    return tuple(names)


@lru_cache(maxsize=1)
def read_coco() -> tuple[str, ...]:
    """The 80 object names."""
    return tuple(read_lines("coco.txt"))


def split(text: str) -> list[str]:
    """The parts between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
