"""`build_default_pack`: all stages, then the manifest, then one atomic rename."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scenograph.onnx.export import OPSET
from scenograph.packs.build.heads import HEADS
from scenograph.packs.build.levels import LEVELS
from scenograph.packs.build.matcher import MATCHER_STAGES
from scenograph.packs.build.region_heads import REGION_STAGES
from scenograph.packs.build.scene_parser import build_scene_parser
from scenograph.packs.build.sources import check_sources
from scenograph.packs.build.stage import Progress, Record, Stage, recipe_digest, run_stages
from scenograph.packs.build.text import build_parser, build_text_encoder, build_tokenizer
from scenograph.packs.build.vision import build_backbone, build_detector
from scenograph.packs.build.vocabulary import build_label_vectors, build_vocabulary
from scenograph.packs.golden import FILE_NAME as GOLDEN
from scenograph.packs.golden import Golden, write_golden
from scenograph.packs.manifest import FORMAT, Manifest, Source, write_manifest
from scenograph.packs.store import Pack, file_digest, open_pack, packs_root, verify_pack
from scenograph.packs.weights import RankingWeights, read_weights
from scenograph.prep import PREP_VERSION
from scenograph.scene.errors import PackBuildFailed, PackCorrupt, PackNotFound

NAME = "default"
VERSION = "0.1.0"

STAGES: tuple[Stage, ...] = (
    Stage("tokenizer", "Copying the tokenizer", 0.1, build_tokenizer),
    Stage("text_encoder", "Exporting the text encoder", 20, build_text_encoder),
    Stage("parser", "Copying the text parser", 0.2, build_parser),
    Stage("vocabulary", "Writing the vocabulary", 0.1, build_vocabulary),
    Stage("detector", "Exporting the object detector", 15, build_detector),
    Stage("backbone", "Exporting the image backbone", 12, build_backbone),
    Stage("label_vectors", "Encoding the labels", 7, build_label_vectors),
    *HEADS,
    Stage("scene_parser", "Exporting the scene parser", 8, build_scene_parser),
    *MATCHER_STAGES,
    *REGION_STAGES,
)


def build_default_pack(
    root: Path | None = None, progress: Progress | None = None, *, stages: Sequence[Stage] = STAGES
) -> Pack:
    """Build the pack "default" under `root` and open it; the newest build is the one that serves.

    `progress(what, part done in [0, 1])` is called as stages begin. Nothing is done where the newest pack
    comes from the same recipe and sources; where only the ranking's weights are others, only the manifest is
    made anew. An interrupted build goes on where it stopped. The same sources, code and tools give the same
    files and the same version.
    Errors: PackBuildFailed (a source package is missing or changed, a model strays from its reference,
    another build is running).
    """
    folder = (root or packs_root()) / NAME
    with _work_folder(folder) as work:
        sources = check_sources()
        recipe, weights = recipe_digest(stages), read_weights()
        pack = _already_built(folder, recipe, sources)
        if pack is not None and not _weighed(pack.manifest, weights):
            manifest = _reweighed(pack, work, weights)
            pack = _install(work, folder / manifest.version, manifest)
        if pack is None:
            records, golden = run_stages(stages, work, recipe, sources, progress)
            if progress:
                progress("Writing the manifest", 0.99)
            manifest = _manifest(work, recipe, sources, records, golden, weights)
            pack = _install(work, folder / manifest.version, manifest)
    if progress:
        progress("Done", 1.0)
    return pack


def _already_built(folder: Path, recipe: str, sources: Sequence[Source]) -> Pack | None:
    """The newest pack, where it is sound and was built from the same recipe and sources."""
    try:
        pack = open_pack(NAME, folder.parent)
    except (PackNotFound, PackCorrupt):
        return None
    return pack if (pack.manifest.recipe, pack.manifest.sources) == (recipe, list(sources)) else None


def _weighed(manifest: Manifest, weights: RankingWeights) -> bool:
    return (manifest.fusion, manifest.match) == (weights.fusion, weights.match)


def _reweighed(pack: Pack, work: Path, weights: RankingWeights) -> Manifest:
    """The pack's files, put into the work folder, with a manifest of other weights."""
    for file in pack.manifest.files:
        (work / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pack.folder / file, work / file)
    return msgspec.structs.replace(
        pack.manifest,
        version=_version(pack.manifest.files, pack.manifest.sources, weights),
        built_at=datetime.now(UTC),
        fusion=weights.fusion,
        match=weights.match,
    )


def _manifest(
    work: Path,
    recipe: str,
    sources: Sequence[Source],
    records: dict[str, Record],
    golden: Golden,
    weights: RankingWeights,
) -> Manifest:
    write_golden(work / GOLDEN, golden)
    files = {file: digest for record in records.values() for file, digest in record.files.items()}
    all_files = dict(sorted({**files, GOLDEN: file_digest(work / GOLDEN)}.items()))
    return Manifest(
        format=FORMAT,
        name=NAME,
        version=_version(all_files, sources, weights),
        built_at=datetime.now(UTC),
        recipe=recipe,
        opset=OPSET,
        preprocessing=PREP_VERSION,
        fusion=weights.fusion,
        match=weights.match,
        levels=list(LEVELS),
        labels={"objects": 80, "classes": 1000},
        sources=list(sources),
        models={name: model for record in records.values() for name, model in record.models.items()},
        files=all_files,
    )


def _version(files: Mapping[str, str], sources: Sequence[Source], weights: RankingWeights) -> str:
    """Ends in a digest of what decides a pack's answers: files, their sources, preprocessing, weights."""
    lines = [f"{file} {digest}" for file, digest in sorted(files.items()) if file != GOLDEN]
    lines += sorted(f"{source.package} {source.version} {source.part} {source.sha256}" for source in sources)
    lines += [
        f"format {FORMAT}",
        f"preprocessing {PREP_VERSION}",
        f"opset {OPSET}",
        f"fusion {sorted(weights.fusion.items())}",
        f"match {sorted(weights.match.items())}",
        f"levels {LEVELS}",
    ]
    return f"{VERSION}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:8]}"


def _install(work: Path, target: Path, manifest: Manifest) -> Pack:
    """Move the work folder to its place; where the same version is there, sound, only its date is renewed."""
    if target.exists():
        try:
            verify_pack(open_pack(f"{NAME}@{manifest.version}", target.parents[1], verify=False))
            write_manifest(target, manifest)
            shutil.rmtree(work)
        except PackCorrupt:
            shutil.rmtree(target)
    if not target.exists():
        shutil.rmtree(work / ".stages", ignore_errors=True)
        for stray in set(work.rglob("*")) - {work / file for file in manifest.files}:
            if stray.is_file():
                stray.unlink()
        write_manifest(work, manifest)
        work.rename(target)
    return open_pack(f"{NAME}@{manifest.version}", target.parents[1])


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """The folder of an unfinished build, held by one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PackBuildFailed(f"another build of the default pack is running in {folder}") from None
        work = folder / ".work"
        work.mkdir(exist_ok=True)
        yield work
