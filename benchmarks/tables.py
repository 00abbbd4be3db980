"""The tables."""

import contextlib
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

import lse
from benchmarks.contenders import OWN, PEERS
from benchmarks.measure import Key, Measured, show
from benchmarks.targets import Verdict
from lse._benchmark import aligned, processor

HEADINGS = ("contender", "threads", "time", "time / ours", "ns/element", "GB/s", "read / time")


def environment() -> dict[str, str]:
    """Of what the numbers depend on."""
    return {
        "lse": lse.__version__,
        "kernel": lse.show_config(mode="dict")["kernel"],
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        **versions(),
        "machine": f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors",
    }


def versions() -> dict[str, str]:
    """Of the peers that are installed."""
    found = {}
    for name, module in PEERS.items():
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(module)
    return found


def subtitle(described: dict[str, str]) -> str:
    """The environment in one line, for pictures."""
    return f"lse {described['lse']} ({described['kernel']}), {described['machine']}"


def duration(seconds: float) -> str:
    """With a unit that suits."""
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{show(seconds / scale)} {unit}"
    return f"{show(seconds / 1e-9)} ns"


def row_of(measured: Measured, key: Key) -> tuple[str, ...]:
    """One contender's line; small calls have no use for elements."""
    name, threads = key
    case, seconds = measured.case, measured.median(key)
    count = measured.rival_count(threads)
    against_ours = "" if key == ("lse", count) else str(measured.ratio(key, ("lse", count)))
    cells = (name, "own" if threads == OWN else str(threads), duration(seconds), against_ours)
    if case.small:
        return cells
    read = measured.ratio(("pure read", count), key)
    moved = case.read if name == "pure read" else case.moved
    of_read = show(read.median) if read and name != "pure read" else ""
    return (*cells, show(seconds / case.size * 1e9), show(moved / seconds / 1e9), of_read)


def case_table(measured: Measured) -> str:
    """Of one case, fastest first among each count of threads."""
    keys = sorted(measured.seconds, key=lambda key: (key[1] or math.inf, measured.median(key)))
    rows = [row_of(measured, key) for key in keys]
    lines = aligned([HEADINGS[: len(rows[0])], *rows])
    return "\n".join([f"## {measured.case.name}", *lines, ""])


def verdict_table(found: list[Verdict]) -> str:
    """What lse is held to."""
    rows = [("held to (times)", "case", "threads", "measured (quartiles)", "")]
    for one in found:
        verdict = "met" if one.met else "MISSED"
        rows.append((one.target.wording, one.case, str(one.threads), str(one.ratio), verdict))
    missed = sum(not one.met for one in found)
    return "\n".join(["## Held to", *aligned(rows, 2), "", f"{len(found) - missed} met, {missed} missed"])


def held_to(found: list[Verdict]) -> list[dict]:
    """What lse is held to, for the file."""
    return [
        {
            "target": one.target.wording,
            "case": one.case,
            "threads": one.threads,
            "bound": one.target.bound,
            "measured": one.ratio.median,
            "quartiles": [one.ratio.low, one.ratio.high],
            "met": one.met,
        }
        for one in found
    ]
