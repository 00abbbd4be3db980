"""The picture of the sweep: time of an element against the length of a row or column."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from benchmarks.cases import NAMES
from benchmarks.contenders import OWN
from benchmarks.measure import Measured
from benchmarks.plot import MARKS

DRAWN = ("pure read", "pure copy", "SciPy", "NumPy", "jax", "torch", "lse")  # the last on top


def lines_of(panel: list[Measured]) -> dict[str, tuple[list[int], list[float]]]:
    """Lengths and nanoseconds for an element of each contender, on its most threads."""
    lines: dict[str, tuple[list[int], list[float]]] = {}
    for measured in sorted(panel, key=lambda one: one.case.length):
        most = {name: max(used for other, used in measured.seconds if other == name) for name, _ in measured.seconds}
        for name, threads in most.items():
            lengths, times = lines.setdefault(name, ([], []))
            lengths.append(measured.case.length)
            times.append(measured.median((name, threads)) / measured.case.size * 1e9)
    return lines


def line_of(name: str, lengths: list[int], times: list[float]) -> Line2D:
    """One contender, in its colour and with its mark."""
    marker, colour = MARKS[name]
    if marker == "|":
        return Line2D(lengths, times, color="0.6", linestyle=":")
    ours = name == "lse"
    return Line2D(
        lengths, times, color=colour, marker=marker, linewidth=2.2 if ours else 1.2, markersize=3.5 if ours else 2.5
    )


def draw_panel(axes, panel: list[Measured], title: str) -> None:
    """One operation, type and direction."""
    lines = lines_of(panel)
    for name in DRAWN:
        if name in lines:
            axes.add_line(line_of(name, *lines[name]))
    axes.autoscale()
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def draw_legend(figure, results: list[Measured]) -> None:
    """Name those that took part, with their threads."""
    handles = {}
    for name in reversed(DRAWN):
        used = [threads for measured in results for other, threads in measured.seconds if other == name]
        if not used:
            continue
        threads = "own threads" if max(used) == OWN else f"{max(used)} thread{'s' * (max(used) > 1)}"
        label = "pure read or copy" if name.startswith("pure") else f"{name} ({threads})"
        handles[label] = line_of(name, [], [])
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), frameon=False)


def plot(results: list[Measured], path: Path, subtitle: str) -> None:
    """Write the picture: operations side by side, types and directions below each other; the suffix says the format."""
    across = list(dict.fromkeys(measured.case.operation for measured in results))
    down = list(dict.fromkeys((measured.case.dtype, measured.case.direction) for measured in results))
    size = (4.2 * len(across) + 0.6, 2.7 * len(down) + 1.2)
    figure, grid = plt.subplots(
        len(down), len(across), figsize=size, layout="constrained", sharex=True, sharey="row", squeeze=False
    )
    for (dtype, direction), row in zip(down, grid, strict=True):
        for operation, axes in zip(across, row, strict=True):
            wanted = (operation, dtype, direction)
            panel = [one for one in results if (one.case.operation, one.case.dtype, one.case.direction) == wanted]
            draw_panel(axes, panel, f"{operation}, {NAMES[dtype].__name__}, {direction}")
        row[0].set_ylabel("ns per element")
    for axes in grid[-1]:
        axes.set_xlabel("length of a row or column")
    draw_legend(figure, results)
    figure.suptitle(f"Median time of an element; lower is faster\n{subtitle}", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)
