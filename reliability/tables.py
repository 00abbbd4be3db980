"""What a run has found, printed, and kept for the documentation."""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tables import processor
from native import ROOT

FIGURES = ROOT / "docs" / "figures"
TESTS = ROOT / "tests"


class CheckError(Exception):
    """A run has found a bug; says which, and how to reproduce it."""


@dataclass
class Table:
    """Figures of one run; `name` is that of the file that keeps them."""

    name: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        """The table as Markdown, and under it when, where and by which command it was made."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        text = "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)
        return f"{text}\n{self.note}{' ' if self.note else ''}({datetime.date.today()}, {machine()})\n"

    def record(self) -> Path:
        """Write the file that the documentation includes."""
        path = FIGURES / f"{self.name}.md"
        path.write_text(self.markdown())
        return path


def machine() -> str:
    """Describe the processor in a few words."""
    return f"{os.cpu_count()} processors, {processor()}"
