"""Reports: the page stands alone, and every number is on screen, in the JSON and on the page."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from tests.support import sample_photo

from scenograph.cli.reports.files import write_report
from scenograph.cli.reports.page import THUMBNAIL
from scenograph.cli.reports.report import (
    Bars,
    Curves,
    Example,
    Examples,
    Item,
    Report,
    Section,
    Series,
    Table,
    best_rows,
)
from scenograph.cli.reports.screen import show_report

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Checks that elements close as they opened, and collects what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "data", "srcset", "action"}:
                self.references.append(value or "")
            self.references += re.findall(r"url\((.*?)\)", value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words += data


def report() -> Report:
    photo = sample_photo("chelsea.png").read_bytes()
    hits = (Item(photo=photo, right=True, note="0.71"), Item("two <b>dogs</b>", right=False))
    curve = Series("CCA", (0.0, 0.5, 1.0), (0.9, 0.4, 0.1))
    return Report(
        "Hashing on wikipedia & co",
        {"command": "scenograph evaluate hashing --bits 16", "seed": "0", "pack": ""},
        (
            Section(
                "MAP",
                (
                    Table(
                        ("method", "MAP"), (("cca", 0.24561), ("cmfh", 0.31), ("none", None)), best=("MAP",)
                    ),
                    Curves("PR", "recall", "precision", (curve, Series("CMFH", curve.x, (0.7, 0.6, 0.2)))),
                    Bars(
                        "R@k", "per cent", (Series("float", ("R@1", "R@5"), (12.3, 45.6)),), note="per query"
                    ),
                ),
                text="First paragraph.\nSecond paragraph.",
            ),
            Section("Hits", (Examples("Three hits", (Example(Item("a cat"), hits),)),)),
        ),
        summary="2 methods",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(report(), tmp_path_factory.mktemp("report")).parent


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    parsed = Page()
    parsed.feed((folder / "report.html").read_text(encoding="utf-8"))
    parsed.close()
    return parsed


def test_the_page_parses_and_needs_nothing_but_itself(page: Page, folder: Path) -> None:
    assert not page.open
    assert page.references
    ids = {f"#{name}" for name in page.ids}
    for reference in page.references:
        assert reference.startswith("data:image/jpeg;base64,") or reference in ids, reference
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"@import|<script|<link", (folder / "report.html").read_text(encoding="utf-8"))


def test_every_number_and_fact_is_on_the_page(page: Page) -> None:
    for words in (
        "0.246",
        "0.310",
        "12.3",
        "45.6",
        "precision",
        "CMFH",
        "scenograph evaluate hashing --bits 16",
    ):
        assert words in page.words
    assert "two <b>dogs</b>" in page.words
    assert "pack" not in page.words


def test_thumbnails_are_small(folder: Path) -> None:
    import base64

    text = (folder / "report.html").read_text(encoding="utf-8")
    [found] = re.findall(r"data:image/jpeg;base64,([^\"]+)", text)
    with Image.open(io.BytesIO(base64.b64decode(found))) as image:
        assert max(image.size) == THUMBNAIL
    assert len(found) < 12_000


def test_the_best_stands_out(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert re.search(r'<td class="number best">0\.310</td>', text)
    assert re.search(r'<td class="number">0\.246</td>', text)
    tie = Table(("a",), ((0.12341,), (0.12339,), (None,)), best=("a",))
    assert best_rows(tie, "a") == {0, 1}


def test_json_has_all_but_the_pictures(folder: Path) -> None:
    value = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    table, curves = value["sections"][0]["blocks"][:2]
    assert table["rows"] == [["cca", 0.24561], ["cmfh", 0.31], ["none", None]]
    assert curves["series"][0]["y"] == [0.9, 0.4, 0.1]
    hit = value["sections"][1]["blocks"][0]["examples"][0]["hits"][0]
    assert hit["right"] is True and "photo" not in hit


def test_plots_take_the_page_s_colour(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert "currentColor" in text
    assert "prefers-color-scheme: dark" in text


def test_tables_are_shown_on_the_screen() -> None:
    console = Console(file=io.StringIO(), width=100)
    show_report(report(), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(words in shown for words in ("cca", "0.246", "0.310", "2 methods"))


def test_the_same_report_is_the_same_page(folder: Path, tmp_path: Path) -> None:
    again = write_report(report(), tmp_path / "deep" / "er")
    assert again.read_text(encoding="utf-8") == (folder / "report.html").read_text(encoding="utf-8")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        Table(("one",), ((1, 2),))
    with pytest.raises(ValueError, match="of y"):
        Series("s", (1.0, 2.0), (1.0,))
