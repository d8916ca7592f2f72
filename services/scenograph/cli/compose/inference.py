"""The inference app of a pack: the models of the services that its process serves, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenograph.cli.compose.process import WITH_MODELS

if TYPE_CHECKING:
    from scenograph.cli.compose.apps import Apps
    from scenograph.inference.app import InferenceApp
    from scenograph.inference.models import Servable

ROWS, QUEUE_ROWS = 16, 4096  # of models that see no pixels; for the others there are settings


def inference(apps: Apps) -> InferenceApp:
    """Makes the app, and notes its models as needed."""
    from scenograph.inference.app import InferenceApp

    process = apps.parts.process
    models = [*_onnx_models(apps), *_composed(apps)]
    return InferenceApp(models, apps.parts.sessions, lambda: process.ready())


def _onnx_models(apps: Apps) -> list[Servable]:
    from scenograph.encoder.app import HEADS
    from scenograph.hashing.app import MODEL as HASH
    from scenograph.inference.models import OnnxModel
    from scenograph.matching.app import MODEL as MATCHER
    from scenograph.matching.learned import MODEL as UNIT_MATCHER
    from scenograph.runtime.texts import MODEL as TEXT
    from scenograph.runtime.units import MODEL as UNITS
    from scenograph.runtime.vision import MODELS as VISION

    run_by = {
        "encoder": (TEXT, *VISION, *HEADS),
        "hashing": (HASH,),
        "matching": (TEXT, UNITS, MATCHER, UNIT_MATCHER),
    }
    parts = apps.parts
    names = {name for service in WITH_MODELS.intersection(parts.process.services) for name in run_by[service]}
    names = set(filter(parts.has, names))
    parts.needs(*names)
    chosen = parts.settings.sessions
    wait_s = chosen.batch_wait_ms / 1000
    return [
        OnnxModel(
            name,
            parts.sessions,
            max_rows=chosen.batch_rows if name in VISION else ROWS,
            max_queue=chosen.max_queue if name in VISION else QUEUE_ROWS,
            wait_s=wait_s if name in VISION else 0.0,
        )
        for name in names
    ]


def _composed(apps: Apps) -> list[Servable]:
    from scenograph.inference.composed import encode_image, encode_text, hash_embedding

    models: list[Servable] = []
    manifest, services = apps.parts.pack.manifest.models, apps.parts.process.services
    if "encoder" in services:
        size = int(manifest["text_head"].outputs[0].shape[-1])
        models += [encode_text(apps.encoder, size), encode_image(apps.encoder, size)]
    if "hashing" in services:
        size = int(manifest["hash_head"].inputs[0].shape[-1])
        models.append(hash_embedding(apps.hashing, size))
    return models
