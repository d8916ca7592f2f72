"""What README and quickstart show works as it is written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from scenograph.client import Client
from tests.e2e.conftest import Deployment
from tests.support import ROOT, sample_photo


@pytest.mark.parametrize("document", ["README.md", "docs/guides/quickstart.md"])
def test_python_examples(
    document: str, together: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(sample_photo("chelsea.png"), tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert examples
    try:
        for example in examples:
            exec(example.replace("localhost:7700", together.gateway), {})
    finally:
        with Client(together.gateway) as client:
            if "photos" in {collection.name for collection in client.list_collections()}:
                client.delete_collection("photos")


def test_links_between_documents() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        missing = [target for target in targets if not (document.parent / target).exists()]
        assert missing == [], document.name


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
