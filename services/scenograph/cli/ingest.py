"""`scenograph ingest`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from scenograph.bulk.records import identified
from scenograph.cli.captions import Captioned, read_captions
from scenograph.cli.connection import connect
from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server
from scenograph.cli.output import err, out, print_error, print_json, progress
from scenograph.client import Client, IngestStatus, Item
from scenograph.client.errors import CollectionExists

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def ingest(
    collection: Annotated[str, typer.Argument(help="The collection; it is made where there is none.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Photos, or folders of them.")
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help='Sentences: {"image": path, "captions": [...]} a line.'),
    ] = None,
    split: Annotated[str, typer.Option(help="Only this split of the captions file.")] = "",
    access: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Only who holds it sees the photos; may be given more than once."),
    ] = None,
    blur_faces: Annotated[
        bool, typer.Option("--blur-faces", help="Blur faces; nothing else of them is used or kept.")
    ] = False,
    server: Server = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Store photos, with their sentences if there are any.

    Run it again after a failure: what is stored already is acknowledged at once and not written twice.
    """
    photos = find_photos(paths or [], captions, split)
    if not photos:
        raise ValueError("no photos found (.jpg, .jpeg, .png, .webp); give a folder, or --captions")
    with connect(server) as client:
        make_collection(client, collection)
        failures, replayed = store(client, collection, photos, access or (), blur_faces=blur_faces)
    stored = len(photos) - len(failures)
    if as_json:
        failed = [{"id": status.item_id, "error": status.error} for status in failures]
        print_json({"stored": stored, "known_already": replayed, "failed": failed})
    else:
        known = f" ({replayed} of them already)" if replayed else ""
        out.print(f"{stored} of {len(photos)} stored in {collection}{known}")
        for status in failures:
            print_error(f"{status.item_id}: {status.error}")
    if failures:
        raise typer.Exit(1)


def make_collection(client: Client, name: str) -> None:
    """Make the collection where there is none."""
    try:
        client.create_collection(name)
    except CollectionExists:
        return
    err.print(f"made collection {name}", highlight=False)


def store(
    client: Client,
    collection: str,
    photos: list[Captioned],
    access: Sequence[str] = (),
    *,
    blur_faces: bool = False,
) -> tuple[list[IngestStatus], int]:
    """Ingest with a progress bar; the failures, and how many were known already."""
    failures: list[IngestStatus] = []
    replayed = 0
    with progress() as bar:
        task = bar.add_task("ingest", total=len(photos))
        for status in client.ingest(collection, _read(photos, tuple(access), blur_faces)):
            bar.advance(task)
            replayed += status.replayed
            if not status.ok:
                failures.append(status)
    return failures, replayed


def find_photos(paths: Iterable[Path], captions: Path | None, split: str = "") -> list[Captioned]:
    """Photos under the paths, with the captions file's sentences; without paths, all that the file names.

    A photo's name is its path below the folder given. Errors: OSError for a path that is not there.
    """
    known = list(read_captions(captions, split)) if captions else []
    if not paths:
        return known
    sentences = {photo.path.resolve(): photo for photo in known}
    found = []
    for name, path in _walk(paths):
        if photo := sentences.get(path.resolve()):
            found.append(Captioned(name, path, photo.captions, photo.split, photo.metadata))
        elif not split:
            found.append(Captioned(name, path, ()))
    return found


def _walk(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            yield from ((file.relative_to(path).as_posix(), file) for file in inside if file.is_file())
        else:
            path.stat()
            yield path.name, path


def photo_metadata(photo: Captioned) -> dict[str, Any]:
    """What is stored with a photograph beside its sentences."""
    metadata = {**photo.metadata, "path": str(photo.path)}
    return {**metadata, "split": photo.split} if photo.split else metadata


def _read(
    photos: Iterable[Captioned], access: tuple[str, ...] = (), blur_faces: bool = False
) -> Iterator[Item]:
    """Items whose request id is the digest of all they hold: stored once, and anew where changed."""
    for photo in photos:
        metadata = photo_metadata(photo)
        try:
            image = photo.path.read_bytes()
        except OSError:
            yield Item(photo.name, photo.path)  # the client tells it among the failures
            continue
        item = Item(photo.name, image, photo.captions, metadata, access_labels=access, blur_faces=blur_faces)
        yield identified(item)
