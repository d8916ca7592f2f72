"""Programs that packages of Python's index carry, and the Dockerfile as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.metadata import files
from pathlib import Path

from tests.support import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
SERVICES = ("gateway", "visual", "textual", "encoder", "hashing", "matching", "index")


def program(package: str, name: str) -> str:
    """A program that a package installed."""
    found = [Path(str(file.locate())) for file in files(package) or () if file.name == name]
    return next(str(path.resolve()) for path in found if path.exists())


@dataclass
class Stage:
    """A stage of the Dockerfile: what it starts from, and its instructions."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def get(self, word: str) -> str:
        """The arguments of an instruction that is there once."""
        (found,) = (rest for name, rest in self.instructions if name == word)
        return found

    def copied_from(self) -> set[str]:
        """The stages that files come from."""
        told = [re.match(r"--from=(\S+)", rest) for name, rest in self.instructions if name == "COPY"]
        return {match[1] for match in told if match}


def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE))
    found: dict[str, Stage] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = Stage(base)
        elif found:
            list(found.values())[-1].instructions.append((word, rest))
    return found
