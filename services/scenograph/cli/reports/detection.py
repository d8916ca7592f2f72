"""The report of a detector: mean average precision, and each class."""

from __future__ import annotations

from scenograph.cli.detection import DetectorResult
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.report import Report, Section, Table


def detector_report(result: DetectorResult) -> Report:
    """Average precision in per cent."""
    total = Table(
        ("photos", "classes", "mAP@0.5", "mAP@0.5:0.95"),
        ((result.photos, len(result.by_class), 100 * result.map_50, 100 * result.map_50_95),),
        digits=2,
    )
    ordered = sorted(result.by_class, key=lambda row: -row[1])
    classes = Table(
        ("class", "true boxes", "AP@0.5"),
        tuple((name, count, 100 * value) for name, value, count in ordered),
        title="By class",
        digits=1,
    )
    text = "Interpolated at 101 recalls, as the COCO challenge does; classes without a true box are left out."
    return Report(
        "Object detector",
        run_facts(pack=result.pack),
        (Section("Mean average precision", (total, classes), text),),
        f"{result.photos} photos, {result.pack}",
    )
