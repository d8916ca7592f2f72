"""The curves of a training: a CSV file and, where TensorBoard is installed, its event files."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

FILE = "curves.csv"


def write_csv(folder: Path, history: Sequence[dict[str, float]]) -> None:
    """One row an epoch; a column that an epoch has no value for stays empty."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    (folder / FILE).write_text(text.getvalue(), encoding="utf-8")


class Events:
    """TensorBoard's events below `folder`; nothing where TensorBoard is not installed."""

    def __init__(self, folder: Path | None, first_epoch: int) -> None:
        self._writer = None
        if folder is not None and importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "events"), purge_step=first_epoch)

    def add(self, epoch: int, row: dict[str, float]) -> None:
        """One epoch's values."""
        if self._writer is not None:
            for name, value in row.items():
                if name != "epoch":
                    self._writer.add_scalar(name, value, epoch)

    def close(self) -> None:
        """Write what is pending."""
        if self._writer is not None:
            self._writer.close()
