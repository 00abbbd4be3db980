"""What a run has found, printed, and kept for the documentation."""

import datetime
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"
TESTS = ROOT / "tests"


class Fault(Exception):  # noqa: N818
    """A run has found what must not be; says what, and how to see it again."""


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
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{os.cpu_count()} processors, {model}"
