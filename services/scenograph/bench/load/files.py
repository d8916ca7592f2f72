"""Files that a config names."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

FILE = "@file"


def find_file(name: str, folder: Path) -> Path:
    """A file that a config in `folder` names: from the working directory, as for ghz, else from `folder`."""
    return Path(name) if Path(name).exists() else folder / name


def with_files(value: Any, folder: Path) -> Any:
    """The same JSON, a file's bytes in base64 in the place of each {"@file": "path"}.  Errors: OSError."""
    if isinstance(value, dict):
        if set(value) == {FILE}:
            return base64.b64encode(find_file(str(value[FILE]), folder).read_bytes()).decode()
        return {key: with_files(part, folder) for key, part in value.items()}
    if isinstance(value, list):
        return [with_files(part, folder) for part in value]
    return value
