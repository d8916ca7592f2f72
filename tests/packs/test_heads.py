"""Heads of a pack: parity with torch for every size, and the same files from the same inputs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scenograph.nn.image_head import SIZES
from scenograph.packs.build.heads import HEAD_RECIPES, Head
from scenograph.packs.build.modelling import export_checked
from scenograph.packs.store import file_digest


class WordVectors:
    """Any unit vectors, the same for the same word: for what a head computes the words do not matter."""

    def array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=384) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def feeds(head: Head, work: Path) -> Sequence[dict[str, NDArray[Any]]]:
    """Made-up inputs for heads whose own come from the pack's models."""
    rng = np.random.default_rng(5)

    def numbers(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=shape).astype(np.float32)

    match head.name:
        case "image_head":
            return [
                {
                    "class_probs": rng.dirichlet(np.ones(1000), rows).astype(np.float32),
                    "object_scores": rng.random((rows, 80), dtype=np.float32),
                    "features": numbers(rows, 5120),
                    "detector_features": numbers(rows, 2560),
                }
                for rows in (3, 1, 2)
            ]
        case "text_head":
            return [
                {
                    "tokens": numbers(rows, tokens, 384),
                    "middle": numbers(rows, tokens, 384),
                    "attention_mask": np.tri(rows, tokens, tokens - rows, dtype=np.int64),
                }
                for rows, tokens in ((3, 7), (1, 4), (2, 30))
            ]
        case "hash_head":
            return [{"embedding": numbers(rows, sum(SIZES))} for rows in (3, 1, 2)]
    return [dict(batch) for batch in head.feeds(work, WordVectors())]


@pytest.mark.parametrize("head", HEAD_RECIPES, ids=lambda head: head.name)
def test_same_inputs_give_the_same_file(head: Head, tmp_path: Path) -> None:
    digests = set()
    for run in ("first", "second"):
        exported = export_checked(
            head.name,
            head.make(),
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
