"""WebDataset shards: tars in which files of the same key, side by side, are one record.

`key.jpg` (or .jpeg, .png, .webp) is its image, `key.txt` has a sentence a line, `key.json` its fields.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scenograph.bulk.records import TEXTS, Rejected, Shard, item_of, shard_id, stamp
from scenograph.client import Item

SUFFIXES = (".tar", ".tar.gz", ".tgz")
IMAGES = ("jpg", "jpeg", "png", "webp")


@dataclass(frozen=True, slots=True)
class Tar:
    """Reads one tar from front to back (records.Reader). `name`: what ids of records begin with."""

    path: Path
    name: str

    def read(self) -> Iterator[Item | Rejected]:
        try:
            for key, parts in self._samples():
                record = f"{self.name}/{key}"
                try:
                    yield _item(record, parts)
                except ValueError as error:
                    yield Rejected(record, "INVALID_RECORD", str(error))
        except (tarfile.TarError, EOFError) as error:
            raise ValueError(f"{self.path} is damaged: {error}") from error

    def _samples(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        """Keys, and their files by extension; files that follow each other with the same key."""
        last, parts = "", dict[str, bytes]()
        with tarfile.open(self.path, "r|*") as tar:
            for member in tar:
                content = tar.extractfile(member)
                folder, slash, file = member.name.removeprefix("./").rpartition("/")
                stem, _, extension = file.partition(".")
                if content is None or not stem:
                    continue
                key = folder + slash + stem
                if key != last and parts:
                    yield last, parts
                    parts = {}
                last = key
                parts[extension.lower()] = content.read()
        if parts:
            yield last, parts


def tar_shards(paths: Mapping[str, Path]) -> Iterator[Shard]:
    """A shard for each tar, by its name below the source. Errors: OSError."""
    for name, path in sorted(paths.items()):
        for suffix in SUFFIXES:
            stem = name.removesuffix(suffix)
            if stem != name:
                break
        yield Shard(shard_id("tar", name, stamp(path)), name, None, Tar(path, stem))


def _item(record: str, parts: Mapping[str, bytes]) -> Item:
    fields = json.loads(parts.get("json", b"{}"))
    if not isinstance(fields, dict):
        raise ValueError("its .json is not an object")
    own = fields.pop("id", None)
    if "txt" in parts and not any(name in fields for name in TEXTS):
        lines = parts["txt"].decode().splitlines()
        fields[TEXTS[0]] = [line.strip() for line in lines if line.strip()]
    image = next((parts[kind] for kind in IMAGES if kind in parts), None)
    return item_of(record if own is None else str(own), image, fields)
