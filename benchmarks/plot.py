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
    ours = [max(set(m.counts()) & {threads}, default=0) for m in results]
    for y, (measured, count) in enumerate(zip(results, ours, strict=True)):
        scale = 1e9 if measured.case.small else 1e9 / measured.case.size
        for (name, used), _ in measured.seconds.items():
            if name not in MARKS or measured.rival_count(used) != count:
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


def panels(results: list[Measured]) -> list[tuple[list[Measured], int, str, str]]:
    """What stands beneath each other: small calls, then one panel for each count of threads."""
    small = [measured for measured in results if measured.case.small]
    large = [measured for measured in results if not measured.case.small and measured.case.kind != "ascending"]
    counts = sorted({count for measured in large for count in measured.counts()})
    wanted = []
    for count in counts:
        plural = "s" if count > 1 else ""
        wanted.append((large, count, f"{count} thread{plural}", "nanoseconds per element"))
    if small:
        wanted.append((small, small[0].counts()[0], "Small calls", "nanoseconds per call"))
    return wanted


def plot(results: list[Measured], path: Path, subtitle: str) -> None:
    """Write the picture, in the format that the suffix says."""
    wanted = panels(results)
    heights = [1.2 + 0.36 * len(cases) for cases, *_ in wanted]
    figure, axes = plt.subplots(
        len(wanted), 1, figsize=(10, sum(heights) + 1.2), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for panel, one in zip(axes[:, 0], wanted, strict=True):
        draw_panel(panel, *one)
    present = {name for measured in results for name, _ in measured.seconds}
    handles = [
        Line2D(
            [], [], color=colour, marker=marker, linestyle="", markersize=9, markeredgewidth=2 if marker == "|" else 0
        )
        for marker, colour in (MARKS[name] for name in MARKS if name in present)
    ]
    figure.suptitle(f"Time, medians; further left is faster\n{subtitle}", fontsize=10)
    labels = [f"{name} (own threads)" if name == "jax" else name for name in MARKS if name in present]
    figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(labels)), frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
