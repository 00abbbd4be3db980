"""What the programs of numerics/ have seen: run on all processors, and merged."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import native
from reliability import constants
from reliability.tables import ROOT

NUMERICS = ROOT / "reliability" / "numerics"
FLAGS = ["-O2", "-march=native", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function"]
DISPATCH = native.SOURCES / "kernels" / "dispatch.c"
EXP = [*(NUMERICS / f"exp_{name}.c" for name in ("avx512", "avx2", "neon", "scalar")), DISPATCH]


def compiled(folder: Path, name: str, others: Iterable[Path]) -> Path:
    """Compile a program of numerics/ with other sources."""
    target = folder / name
    target.mkdir()
    constants.header(target)
    compiler = native.installed("gcc", "clang")[0]
    return native.program(target, compiler, [*others, NUMERICS / f"{name}.c"], *FLAGS, f"-I{target}")


@dataclass
class Seen:
    """What was printed, merged: for each name its greatest value, or its count, and what showed it first."""

    greatest: dict[str, tuple[float, str]] = field(default_factory=dict)
    count: dict[str, tuple[int, str]] = field(default_factory=dict)
    kernels: set[str] = field(default_factory=set)
    undecided: list[tuple[float, float]] = field(default_factory=list)

    def add(self, printed: str) -> None:
        """Merge in the lines of one program."""
        for kind, *words in map(str.split, printed.splitlines()):
            if kind == "greatest":
                name, value, witness = words[0], float(words[1]), words[2]
                if not value <= self.greatest.get(name, (-1.0, ""))[0]:  # NaN is greater than all
                    self.greatest[name] = value, witness
            elif kind == "count":
                name, times, witness = words[0], int(words[1]), words[2]
                before = self.count.get(name, (0, witness))
                self.count[name] = before[0] + times, before[1] if before[0] else witness
            elif kind == "kernel":
                self.kernels.add(words[0])
            else:
                self.undecided.append((float.fromhex(words[0]), float.fromhex(words[1])))


def all_of(program: Path, parts: Iterable[Iterable[object]]) -> Seen:
    """Run a program once for each of these arguments, on all processors."""
    seen = Seen()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for printed in pool.map(lambda words: native.output([program, *words]), parts):
            seen.add(printed)
    return seen


def spans(first: int, last: int, least: int = 1) -> Iterator[tuple[int, int]]:
    """Cut a range into some dozens of ranges."""
    step = max(least, -(-(last - first) // 64))
    for at in range(first, last, step):
        yield at, min(at + step, last)
