"""What kind of source a path is, and its files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from scenograph.bulk import webdataset


class Format(StrEnum):
    """Kinds of sources."""

    AUTO = "auto"
    FOLDER = "folder"
    PARQUET = "parquet"
    WEBDATASET = "webdataset"


_SUFFIXES = {Format.PARQUET: (".parquet",), Format.WEBDATASET: webdataset.SUFFIXES}


def format_of(source: Path) -> Format:
    """By the names of its files: Parquet, else tars, else photographs. Errors: OSError."""
    for kind in _SUFFIXES:
        if source_files(source, kind):
            return kind
    return Format.FOLDER


def source_files(source: Path, kind: Format) -> dict[str, Path]:
    """The files of a kind, by their names below the source; the source itself where it is one.

    Errors: OSError.
    """
    suffixes = _SUFFIXES[kind]
    if source.is_dir():
        files = (path for path in source.rglob("*") if path.name.endswith(suffixes) and path.is_file())
        return {path.relative_to(source).as_posix(): path for path in files}
    source.stat()
    return {source.name: source} if source.name.endswith(suffixes) else {}
