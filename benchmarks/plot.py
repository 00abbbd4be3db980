"""The picture: time of each contender for each case."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from benchmarks.measure import Measured

MARKS = {
    "pure read": ("|", "0.35"),
    "pure copy": ("|", "0.65"),
    "empty call": ("|", "0.35"),
    "lse": ("o", "#c1121f"),
    "jax": ("s", "#2a6fbb"),
    "torch": ("D", "#e07b00"),
    "NumPy": ("^", "#2e8b57"),
    "numba": ("v", "#7b52ab"),
    "SciPy": ("P", "#8c6d46"),
    "a.max()": ("<", "#30a5a5"),
    "np.max(a)": (">", "#77b5d9"),
}


def draw_panel(axes, results: list[Measured], threads: int, title: str, unit: str) -> None:
    """Cases downwards, one mark for each contender on this count of threads or on its own."""
    for y, measured in enumerate(results):
        scale = 1e9 if measured.case.small else 1e9 / measured.case.size
        for name, used in measured.seconds:
            if name not in MARKS or measured.rival_count(used) != threads:
                continue
            marker, colour = MARKS[name]
            limit = marker == "|"
            axes.plot(
                measured.median((name, used)) * scale,
                y,
                marker,
                color=colour,
                markersize=15 if limit else 9 if name == "lse" else 7,
                markeredgewidth=2.5 if limit else 0.6,
                markeredgecolor=colour if limit else "white",
                zorder=4 if name == "lse" else 3,
            )
    axes.set_xscale("log")
    axes.set_yticks(range(len(results)), [measured.case.name for measured in results])
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(unit)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.grid(axis="x", which="major", color="0.85")
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def split(results: list[Measured]) -> tuple[list[Measured], list[Measured]]:
    """Large and small cases; ascending input is left to the table."""
    small = [measured for measured in results if measured.case.small]
    return [one for one in results if not one.case.small and one.case.kind != "ascending"], small


def draw_legend(figure, results: list[Measured]) -> None:
    """Name those that took part."""
    present = {name for measured in results for name, _ in measured.seconds}
    names = [name for name in MARKS if name in present]
    styles = {"linestyle": "", "markersize": 9}
    handles = [
        Line2D([], [], color=colour, marker=marker, markeredgewidth=2.5 if marker == "|" else 0, **styles)
        for marker, colour in (MARKS[name] for name in names)
    ]
    spacing = {"columnspacing": 1.3, "handletextpad": 0.2}
    labels = ["jax (own threads)" if name == "jax" else name for name in names]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, **spacing)


def plot(results: list[Measured], path: Path, subtitle: str) -> None:
    """Write the picture: a panel for each count of threads, small calls below them; the suffix says the format."""
    large, small = split(results)
    counts = sorted({count for measured in large for count in measured.counts()})
    heights = [1 + 0.34 * len(cases) for cases in (large, small) if cases]
    figure = plt.figure(figsize=(13, sum(heights) + 1.6), layout="constrained")
    grid = figure.add_gridspec(len(heights), max(1, len(counts)), height_ratios=heights)
    first = None
    for column, count in enumerate(counts):
        axes = figure.add_subplot(grid[0, column], sharex=first, sharey=first)
        draw_panel(axes, large, count, f"{count} thread{'s' if count > 1 else ''}", "nanoseconds per element")
        if first is None:
            first = axes
        else:
            axes.tick_params(labelleft=False)
    if small:
        axes = figure.add_subplot(grid[-1, :])
        draw_panel(axes, small, small[0].counts()[0], "Small calls", "nanoseconds per call")
    figure.suptitle(f"Median time; further left is faster\n{subtitle}", fontsize=10)
    draw_legend(figure, results)
    figure.savefig(path, dpi=150)
    plt.close(figure)
