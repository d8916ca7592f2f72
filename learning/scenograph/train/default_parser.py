"""The task that trains the neural scene-graph parser on captions with their facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from scenograph.components import tasks
from scenograph.data.factual import Caption
from scenograph.data.factual_labels import Labels
from scenograph.metrics.parsing import Fact, score_parser
from scenograph.nn.scene_parser import SceneParser
from scenograph.scene.parsing.neural_decode import BEGIN, INSIDE, WordScores, decode
from scenograph.scene.parsing.neural_names import Names
from scenograph.train.averaging import AveragedWeights
from scenograph.train.precision import half_where_fast
from scenograph.train.task import RowArray, Task

MODEL = "scene_parser"
FAR = 0.1
"""Weight of pairs of words that name nothing, against pairs of objects."""
ALIKE = 40
"""Batches are cut from this many batches' worth of rows, sorted by length."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A caption as the text encoder read it.

    Shapes: states (T, 384) float16, after the encoder's lower layers; words (W, T), see `piece_weights`.
    """

    states: NDArray[np.float16]
    words: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """A caption with its labels, if these say all of its facts."""

    caption: Caption
    labels: Labels
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class ParserData:
    """Captions to train on and captions held out, and the names that their labels stand for."""

    names: Names
    train: Sequence[Example]
    held: Sequence[Example]


@tasks("default_parser.v1")
class DefaultParser(Task):
    """Roles, owners, relations and verbs by cross-entropy, summed over a caption's words and pairs.

    Not trained on: captions whose facts the labels cannot all say, and those of more than `longest` words.
    `layers` are the text encoder's own, from which the parser's start; `encoder_rate` is the share of the
    learning rate that they get. `averaging` is the old weights' share in the average that is kept.
    `bfloat16` computes the model in half the precision.
    """

    def __init__(
        self,
        data: ParserData,
        layers: Sequence[nn.Module],
        /,
        *,
        relation_width: int = 256,
        owner_width: int = 96,
        verb_width: int = 96,
        dropout: float = 0.1,
        encoder_rate: float = 0.2,
        averaging: float = 0.998,
        batch: int = 96,
        longest: int = 40,
        bfloat16: bool = True,
    ) -> None:
        self.names, self.held = data.names, data.held
        self.train = [
            each for each in data.train if not each.labels.missing and len(each.labels.words) <= longest
        ]
        self.rows = len(self.train)
        self.parser = SceneParser(
            len(data.names.forms),
            relation_width=relation_width,
            owner_width=owner_width,
            verb_width=verb_width,
            dropout=dropout,
        )
        self.parser.start_from(layers)
        self.module = self.parser
        self.average = AveragedWeights(averaging)
        self.hooks = (self.average,)
        self.encoder_rate, self.size, self.bfloat16 = encoder_rate, batch, bfloat16
        self._forms = {form: number for number, form in enumerate(data.names.forms)}

    def order(self, rng: np.random.Generator) -> RowArray:
        """Shuffled, then captions of like length side by side."""
        rows = rng.permutation(self.rows)
        chunks: list[RowArray] = []
        for start in range(0, self.rows, self.size * ALIKE):
            near = rows[start : start + self.size * ALIKE]
            sizes = [self.train[row].sentence.words.shape[::-1] for row in near]
            near = near[sorted(range(len(near)), key=sizes.__getitem__)]
            chunks += [near[at : at + self.size] for at in range(0, len(near), self.size)]
        whole = [chunk for chunk in chunks if len(chunk) == self.size]
        rest = [chunk for chunk in chunks if len(chunk) < self.size]
        return np.concatenate([*(whole[place] for place in rng.permutation(len(whole))), *rest])

    def batch(self, rows: RowArray, rng: np.random.Generator) -> dict[str, Tensor]:
        examples = [self.train[row] for row in rows]
        return read_batch([each.sentence for each in examples]) | self._targets(examples)

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        size = len(batch["lower"])
        with half_where_fast(batch["lower"].device.type, wanted=self.bfloat16):
            scores = self.module(batch["lower"], batch["attention_mask"], batch["words"])
        objects, attributes, owners, relations, verbs = (score.float() for score in scores)
        words = batch["is_word"]
        pairs = words[:, :, None] & words[:, None, :]
        heads = batch["is_object"][:, :, None] & batch["is_object"][:, None, :]
        ownable = batch["is_attribute"][:, :, None] & batch["is_object"][:, None, :]
        owned = functional.binary_cross_entropy_with_logits(owners, batch["owners"], reduction="none")
        related = functional.cross_entropy(
            relations.flatten(0, 2), batch["relations"].flatten(), reduction="none"
        )
        caption, subject, target, verb = batch["verbs"].unbind(1)
        told = verbs[caption, subject, target].masked_fill(~words[caption], torch.finfo(verbs.dtype).min)
        return {
            "objects": _sum(
                functional.cross_entropy(objects[words], batch["objects"][words], reduction="none"), size
            ),
            "attributes": _sum(
                functional.cross_entropy(attributes[words], batch["attributes"][words], reduction="none"),
                size,
            ),
            "owners": _sum(owned * _weights(pairs, ownable), size),
            "relations": _sum(related.view_as(pairs) * _weights(pairs, heads), size),
            "verbs": _sum(functional.cross_entropy(told, verb, reduction="none"), size),
        }

    def validate(self) -> dict[str, float]:
        """Set Match and SPICE-style F1 of the held-out captions, without lemmas and synonyms."""
        if not self.held:
            return {}
        with self.average.weights(self.parser):
            found = parse_examples(self.parser, self.names, self.held)
        score = score_parser(found, [each.caption.facts for each in self.held])
        return {"set_match": score.set_match, "spice_f1": score.spice_f1}

    def save(self, out: Path) -> list[Path]:
        """The averaged weights, half precision, and the names."""
        with self.average.weights(self.parser):
            weights = {name: value.half().contiguous() for name, value in self.parser.state_dict().items()}
        save_file(weights, out / f"{MODEL}.safetensors")
        self.names.save(out / f"{MODEL}.json")
        return [out / f"{MODEL}.safetensors", out / f"{MODEL}.json"]

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The encoder's layers learn more slowly than what is new."""
        tuned = [value for name, value in self.module.named_parameters() if name.startswith("layers.")]
        new = [value for name, value in self.module.named_parameters() if not name.startswith("layers.")]
        return [{"params": tuned, "lr": lr * self.encoder_rate}, {"params": new, "lr": lr}]

    def _targets(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        count, longest = len(examples), max(len(each.labels.words) for each in examples)
        tags = {kind: torch.zeros(count, longest, dtype=torch.long) for kind in ("objects", "attributes")}
        ends = {kind: torch.zeros(count, longest, dtype=torch.bool) for kind in ("objects", "attributes")}
        is_word = torch.zeros(count, longest, dtype=torch.bool)
        owners = torch.zeros(count, longest, longest)
        relations = torch.zeros(count, longest, longest, dtype=torch.long)
        verbs: list[tuple[int, int, int, int]] = []
        for row, example in enumerate(examples):
            labels = example.labels
            is_word[row, : len(labels.words)] = True
            for kind, spans in (("objects", labels.objects), ("attributes", labels.attributes)):
                for start, end in spans:
                    tags[kind][row, start:end] = INSIDE
                    tags[kind][row, start] = BEGIN
                    ends[kind][row, end - 1] = True
            for attribute, owner in labels.owned:
                owners[row, attribute[1] - 1, owner[1] - 1] = 1.0
            for said in labels.relations.values():
                subject, target = said.subject[1] - 1, said.object[1] - 1
                relations[row, subject, target] = self._forms[said.form]
                if said.verb >= 0:
                    verbs.append((row, subject, target, said.verb))
        return {
            **tags,
            "is_object": ends["objects"],
            "is_attribute": ends["attributes"],
            "is_word": is_word,
            "owners": owners,
            "relations": relations,
            "verbs": torch.tensor(verbs, dtype=torch.long).reshape(-1, 4),
        }


def read_batch(sentences: Sequence[Sentence]) -> dict[str, Tensor]:
    """The parser's inputs for these sentences, padded to the longest."""
    longest = max(len(each.states) for each in sentences)
    words = max(len(each.words) for each in sentences)
    lower = torch.zeros(len(sentences), longest, sentences[0].states.shape[1])
    mask = torch.zeros(len(sentences), longest, dtype=torch.long)
    weights = torch.zeros(len(sentences), words, longest)
    for row, each in enumerate(sentences):
        lower[row, : len(each.states)] = torch.from_numpy(each.states.astype(np.float32))
        mask[row, : len(each.states)] = 1
        weights[row, : len(each.words), : len(each.states)] = torch.from_numpy(each.words)
    return {"lower": lower, "attention_mask": mask, "words": weights}


@torch.inference_mode()
def parse_examples(
    parser: SceneParser, names: Names, examples: Sequence[Example], *, batch: int = 64
) -> list[frozenset[Fact]]:
    """The facts that the parser finds in each caption, in order."""
    parser.eval()
    facts: list[frozenset[Fact]] = [frozenset()] * len(examples)
    order = sorted(range(len(examples)), key=lambda place: len(examples[place].sentence.states))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        scores = parser(**read_batch([examples[place].sentence for place in places]))
        for row, place in enumerate(places):
            words = examples[place].labels.words
            size = len(words)
            objects, attributes, owners, relations, verbs = (each[row].numpy() for each in scores)
            found = WordScores(
                objects[:size],
                attributes[:size],
                owners[:size, :size],
                relations[:size, :size],
                verbs[:size, :size, :size],
            )
            facts[place] = decode(words, found, names).facts()
    return facts


def _weights(pairs: Tensor, near: Tensor) -> Tensor:
    return near + FAR * (pairs & ~near)


def _sum(values: Tensor, size: int) -> Tensor:
    return values.sum() / size
