"""What is slower than a peer, as a list in Markdown."""

from benchmarks.measure import Measured, multiple
from benchmarks.sweep import Best, best


def runs(chosen: list[int], among: list[int]) -> str:
    """Lengths, with those that follow each other in what was measured joined: 1-10, 17."""
    parts: list[list[int]] = []
    for before, n in zip([None, *among], among, strict=False):
        if n in chosen:
            if parts and parts[-1][-1] == before:
                parts[-1].append(n)
            else:
                parts.append([n])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def item(group: list[Best]) -> str:
    """One operation, type and direction, on whatever threads."""
    first = group[0].case
    below = sorted({one.case.length for one in group if one.below})
    among = sorted({one.case.length for one in group})
    worst = min((one for one in group if one.below), key=lambda one: one.ratio.median)
    threads = f"{worst.threads} thread{'s' * (worst.threads > 1)}"
    return (
        f"- {first.operation}, {first.type_name} {first.direction} of {runs(below, among)}: "
        f"up to {multiple(1 / worst.ratio.median)} the time of {worst.peer} (n = {worst.case.length}, {threads})"
    )


def slower_lengths(results: list[Measured]) -> list[str]:
    """Of the sweep."""
    groups: dict[tuple, list[Best]] = {}
    found = best(results)
    for one in found:
        groups.setdefault(one.group[:3], []).append(one)
    items = [item(group) for group in groups.values() if any(one.below for one in group)]
    lengths = sorted({one.case.length for one in found})
    over = f"of {len(lengths)} lengths from {lengths[0]} to {lengths[-1]}, in cache"
    if not items:
        return [f"Slower than a peer, {over}: nothing.", ""]
    return [f"What is slower than a peer, {over}:", "", *items, ""]


def slower_layouts(records: list[dict]) -> list[str]:
    """Of the shapes."""
    items = []
    for group in dict.fromkeys(one["case"].partition(":")[0] for one in records):
        among = [one for one in records if one["case"].partition(":")[0] == group]
        below = [one for one in among if one["x peer"] < 1]
        if below:
            worst = min(below, key=lambda one: one["x peer"])
            items.append(
                f"- {group}: {len(below)} of {len(among)} layouts, up to {multiple(1 / worst['x peer'])} the time of "
                f"{worst['peer']} ({worst['case'].partition(': ')[2]})"
            )
    if not items:
        return [f"Slower than a peer, of {len(records)} other layouts: nothing.", ""]
    return [f"What is slower than a peer, of {len(records)} other layouts:", "", *items, ""]
