"""Cases: a photograph, a true caption and a false one; made from captions, or read from files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.generate import negatives
from scenograph.data.compositional.negative import KINDS
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import SceneGraph

# SugarCrepe's files, by the kind that they hold (https://github.com/RAIVNLab/sugar-crepe, data/).
SUGARCREPE = {
    "swap_obj.json": "swap_object",
    "swap_att.json": "swap_attribute",
    "replace_obj.json": "replace_object",
    "replace_att.json": "replace_attribute",
    "replace_rel.json": "replace_relation",
    "add_obj.json": "add_object",
    "add_att.json": "add_attribute",
}


@dataclass(frozen=True, slots=True)
class Case:
    """`photo` is the file's name; `before` and `after` the words that changed, where that is known."""

    kind: str
    photo: str
    caption: str
    negative: str
    before: str = ""
    after: str = ""


def make_cases(
    photos: Sequence[str],
    captions: Sequence[Sequence[str]],
    graphs: Sequence[Sequence[SceneGraph]],
    corpus: Corpus,
    *,
    seed: int = 0,
    per_kind: int = 500,
) -> list[Case]:
    """At most `per_kind` cases of each kind, drawn by `seed` over all captions; `graphs[i][k]` parses
    `captions[i][k]`. The photo's other captions keep what is true out of the negatives.
    """
    found: dict[str, list[Case]] = defaultdict(list)
    for row, (photo, sentences) in enumerate(zip(photos, captions, strict=True)):
        for place, caption in enumerate(sentences):
            rng = np.random.default_rng([seed, row, place])
            also = [graph for other, graph in enumerate(graphs[row]) if other != place]
            for item in negatives(caption, graphs[row][place], rng, corpus, also=also):
                case = Case(item.kind, photo, caption, item.text, item.before, item.after)
                found[item.kind].append(case)
    rng = np.random.default_rng(seed)
    chosen: list[Case] = []
    for kind in KINDS:
        rows = sorted(rng.permutation(len(found[kind]))[:per_kind].tolist())
        chosen += [found[kind][row] for row in rows]
    return chosen


def write_cases(file: Path, cases: Iterable[Case]) -> None:
    """One case a line."""
    text = "".join(json.dumps(asdict(case), ensure_ascii=False) + "\n" for case in cases)
    file.write_text(text, encoding="utf-8")


def read_cases(file: Path) -> list[Case]:
    """Cases that `write_cases` wrote. Errors: InvalidInput with the number of a wrong line; OSError."""
    names = {field.name for field in fields(Case)}
    cases = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            cases.append(Case(**{name: str(value[name]) for name in names & value.keys()}))
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"{file}, line {number}: not a case: {error}") from error
    return cases


def read_sugarcrepe(folder: Path) -> list[Case]:
    """The cases of those of SugarCrepe's files that are in the folder.

    Errors: InvalidInput (none is there; an entry without filename, caption and negative_caption).
    """
    cases = []
    for name, kind in SUGARCREPE.items():
        if (folder / name).exists():
            cases += _sugarcrepe(folder / name, kind)
    if not cases:
        raise InvalidInput(f"{folder} holds none of SugarCrepe's files: {', '.join(SUGARCREPE)}")
    return cases


def _sugarcrepe(file: Path, kind: str) -> list[Case]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        entries = list(value.values()) if isinstance(value, dict) else list(value)
        return [
            Case(kind, entry["filename"], entry["caption"], entry["negative_caption"]) for entry in entries
        ]
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{file} is not SugarCrepe's JSON: {error}") from error
    except KeyError as error:
        raise InvalidInput(f"{file}: an entry has no {error}") from error
