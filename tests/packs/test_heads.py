"""Heads of a pack: parity with torch for every size, and the same files from the same inputs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scenograph.nn.text_bank import TextBank
from scenograph.packs.build.heads import HEAD_RECIPES, Head
from scenograph.packs.build.modelling import export_checked
from scenograph.packs.store import file_digest


class WordVectors:
    """Any unit vectors, the same for the same word: for what a head computes the words do not matter."""

    def array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=384) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def unit(rows: int, seed: int) -> torch.Tensor:
    vectors = np.random.default_rng(seed).normal(size=(rows, 384))
    return torch.from_numpy((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def bank() -> TextBank:
    return TextBank(unit(1000, 1), unit(80, 2), unit(50, 3), unit(40, 4), unit(80, 5))


def feeds(head: Head, work: Path) -> Sequence[dict[str, NDArray[np.float32]]]:
    if head.name != "image_head":  # whose own feeds come from the vision models
        return [dict(batch) for batch in head.feeds(work, WordVectors())]
    rng = np.random.default_rng(5)
    return [
        {
            "class_probs": rng.dirichlet(np.ones(1000), rows).astype(np.float32),
            "object_scores": rng.random((rows, 80), dtype=np.float32),
        }
        for rows in (3, 1, 2)
    ]


@pytest.mark.parametrize("head", HEAD_RECIPES, ids=lambda head: head.name)
def test_same_inputs_give_the_same_file(head: Head, tmp_path: Path) -> None:
    digests = set()
    for run in ("first", "second"):
        exported = export_checked(
            head.name,
            head.make(bank()),
            tmp_path / run,
            outputs=head.outputs,
            dynamic=head.dynamic,
            feeds=feeds(head, tmp_path),
            on=head.on,
            limit=head.limit,
        )
        assert exported.parity[0].max_abs_error <= 1e-5
        digests.add(file_digest(tmp_path / run / exported.file))
    assert len(digests) == 1
