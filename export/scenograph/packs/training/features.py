"""What the default pack's frozen models say of captioned photographs, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scenograph.data.cache import FeatureCache, Progress
from scenograph.data.contracts import CaptionSplit
from scenograph.data.tokens import TextFeatures, TokenStates
from scenograph.data.views import FLIP, ORIGINAL, Pixels, View, random_crop
from scenograph.nn.backbone import EfficientNetLite2, load_backbone
from scenograph.nn.detector import load_detector
from scenograph.nn.text_encoder import SentenceEncoder, load_text_encoder
from scenograph.onnx.export import export
from scenograph.onnx.parity import OnnxModel
from scenograph.packs.build.sources import BACKBONE, DETECTOR, TEXT_ENCODER, SourcePackage
from scenograph.packs.training.roles import token_roles
from scenograph.prep import PREP_VERSION, Tokenizer, backbone_input, detector_input
from scenograph.scene.visual_detection import object_scores
from scenograph.scene.vocabulary.tables import read_coco
from scenograph.train.tower_data import PhotoView, TowerData

WHOLE = (ORIGINAL, FLIP)
PARTS = tuple(random_crop(seed) for seed in range(2, 6))
"""Parts of photographs; mirrored where the seed is odd."""
_HALF, _SINGLE = np.float16, np.float32


class _Taps(nn.Module):
    """What training reads of the backbone: the tuned stage's input, its own pooled features, its classes."""

    def __init__(self, backbone: EfficientNetLite2) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        probs, features, _, _ = self.backbone(image)
        return self.backbone.states(image).permute(0, 2, 3, 1), features[:, : features.shape[1] // 2], probs


@dataclass(frozen=True, slots=True)
class FrozenModels:
    """Answers of the frozen models, kept in `cache`; `progress(what, done, total)` tells of what is
    missing.
    """

    cache: FeatureCache
    progress: Callable[[str, int, int], None] = lambda what, done, total: None

    def tower_data(self, split: CaptionSplit, *, parts: Sequence[View] = PARTS) -> TowerData:
        """Photographs in all views with their captions, of which each has the same number.

        The detector looks at whole photographs alone, mirrored where the view is: a part of a photograph has
        its whole one's detector features.
        """
        each = len(split.captions[0])
        captions = [caption for own in split.captions for caption in own]
        seen = self._seen_by_backbone(split.images, (*WHOLE, *parts))
        found = self._seen_by_detector(split.images)
        views = [
            PhotoView(
                states=seen[view.name]["states"],
                backbone=seen[view.name]["features"],
                detector=found[WHOLE[number % 2].name]["features"],
                classes=seen[view.name]["probs"],
                objects=found[WHOLE[number % 2].name]["objects"],
            )
            for number, view in enumerate((*WHOLE, *parts))
        ]
        tokens, middle = self._read(captions, "tokens"), self._read(captions, "middle")
        roles = token_roles(captions, self._tokenizer())
        return TowerData(views, tokens, middle.states, roles, self._label_names(), each)

    def _seen_by_backbone(
        self, images: Sequence[Path], views: Sequence[View]
    ) -> dict[str, dict[str, NDArray[Any]]]:
        def make() -> nn.Module:
            return _Taps(load_backbone(BACKBONE.file("weights")))

        model = self._exported("backbone_taps", make, 260, ("states", "features", "probs"), BACKBONE)

        def infer(pixels: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
            told = model({"image": np.stack([backbone_input(image) for image in pixels])})
            return {
                "states": told["states"].astype(_HALF),
                "features": told["features"].astype(_HALF),
                "probs": told["probs"].astype(_SINGLE),
            }

        return self.cache.compute(
            images, _name("backbone taps", BACKBONE), infer, views, progress=self._report("backbone")
        )

    def _seen_by_detector(self, images: Sequence[Path]) -> dict[str, dict[str, NDArray[Any]]]:
        outputs = ("boxes", "scores", "features", "map")
        model = self._exported(
            "detector", lambda: load_detector(DETECTOR.file("frozen graph")), 300, outputs, DETECTOR
        )

        def infer(pixels: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
            told = model({"image": np.stack([detector_input(image) for image in pixels])})
            return {
                "features": told["features"].astype(_HALF),
                "objects": np.stack([object_scores(scores) for scores in told["scores"]]).astype(_SINGLE),
            }

        return self.cache.compute(
            images, _name("detector", DETECTOR), infer, WHOLE, progress=self._report("detector")
        )

    def _read(self, captions: Sequence[str], states: str) -> TokenStates:
        encoder: SentenceEncoder = load_text_encoder(TEXT_ENCODER.file("weights"))
        tokenizer = self._tokenizer()

        def infer(texts: Sequence[str]) -> TextFeatures:
            tokens = tokenizer.encode_batch(texts)
            with torch.inference_mode():
                sentence, last, _, middle = encoder(
                    torch.from_numpy(tokens.input_ids), torch.from_numpy(tokens.attention_mask)
                )
            kept = last if states == "tokens" else middle
            return TextFeatures(tokens.input_ids, tokens.attention_mask, kept.numpy(), sentence.numpy())

        name = _name(f"text encoder, {states}", TEXT_ENCODER)
        return self.cache.compute_tokens(captions, name, infer, progress=self._report("text encoder"))

    def _label_names(self) -> NDArray[np.float32]:
        """The sentence vectors of the labels' names, with all their synonyms.  Shape: (1080, 384)."""
        classes = DETECTOR.file("ImageNet class names").read_text("utf-8").splitlines()
        names = [f"a photo of a {name.strip()}" for name in (*classes, *read_coco())]
        return self._read(names, "tokens").sentence

    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(TEXT_ENCODER.file("tokenizer"))

    def _exported(
        self,
        name: str,
        make: Callable[[], nn.Module],
        side: int,
        outputs: Sequence[str],
        source: SourcePackage,
    ) -> OnnxModel:
        path = self.cache.folder / "models" / f"{name}-{source.version()}.onnx"
        if not path.exists():
            example = {"image": torch.zeros(2, side, side, 3, dtype=torch.uint8)}
            export(make(), example, path, outputs=outputs, dynamic={"image": {0: "batch"}})
        return OnnxModel(path, threads=1)

    def _report(self, what: str) -> Progress:
        return lambda done, total: self.progress(what, done, total)


def _name(what: str, source: SourcePackage) -> str:
    digests = " ".join(digest for _, digest in source.files.values())
    return f"{what} {source.package} {digests} preprocessing {PREP_VERSION}"
