"""Images and other layouts, against peers and the same bytes in a plain shape: ``python -m benchmarks shapes``."""

import argparse
import warnings
from collections.abc import Iterator

import numpy as np

import lse
from benchmarks import peers, tables
from benchmarks.contenders import Contender, installed
from benchmarks.layouts import Layout, all_layouts
from benchmarks.measure import Effort, Key, Measured, Ratio, geometric_mean, show
from benchmarks.session import Session, share

NOTE = """\
x SciPy: time of SciPy / time of lse. x peer: the same of the fastest of SciPy, torch and NumPy's formula. Above 1, lse
is faster. x plain: time of lse / its time for as many elements in plain rows or columns of the same length, contiguous,
without mask or weights, in float32 or float64. 1 is the best. (~: others were at work)"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, "1")


def result_for(case: Layout, a: np.ndarray) -> np.ndarray | None:
    """Where a map writes; in the order of the input, as NumPy's functions would."""
    if case.operation == "logsumexp":
        return None
    return np.empty_like(a, lse.softmax(a.reshape(-1)[:1]).dtype)


def ours(case: Layout, a: np.ndarray, threads: list[int]) -> Iterator[Contender]:
    """lse, on the array and on a plain one."""
    function = getattr(lse, case.operation)
    plain, axis = case.plain(a)
    fields = {
        "lse": {"a": a, "axis": case.axis, "out": result_for(case, a), "more": case.argument()},
        "lse plain": {"a": plain, "axis": axis, "out": result_for(case, plain), "more": {}},
    }
    statement = "f(a, axis=axis, **more)" if case.operation == "logsumexp" else "f(a, axis=axis, out=out)"
    for count in threads:
        for name, names in fields.items():
            yield Contender(
                name, count, statement, {"f": function, **names}, lambda count=count: lse.set_num_threads(count)
            )


def of_numpy(case: Layout, a: np.ndarray) -> Contender:
    """The formula; with a mask or weights, that for these."""
    kind = {None: case.operation, "b": "weighted", "where": "masked"}[case.extra and case.extra[0]]
    names = {"f": getattr(peers, f"{kind}_by_hand"), "a": a, "axis": case.axis, "out": result_for(case, a)}
    more = case.argument()
    statement = "f(a, axis, *more)" if names["out"] is None else "f(a, axis, out)"
    return Contender("NumPy", 1, statement, {**names, "more": list(more.values())})


def of_scipy(case: Layout, a: np.ndarray) -> Contender:
    """scipy.special."""
    import scipy.special

    names = {"f": getattr(scipy.special, case.operation), "a": a, "axis": case.axis, "more": case.argument()}
    return Contender("SciPy", 1, "f(a, axis=axis, **more)", names)


def of_torch(case: Layout, a: np.ndarray, threads: list[int]) -> Iterator[Contender]:
    """PyTorch on the same memory; it knows neither masks nor weights."""
    import torch

    if case.extra:
        return
    try:
        names = {"f": getattr(torch, case.operation), "x": torch.from_numpy(a), "axis": case.axis}
        out = result_for(case, a)
        if out is not None:
            names["out"] = torch.from_numpy(out)
    except (TypeError, ValueError):
        return
    statement = "f(x, axis)" if out is None else "f(x, axis, out=out)"
    for count in threads:
        yield Contender("torch", count, statement, names, lambda count=count: torch.set_num_threads(count))


def can(contender: Contender) -> bool:
    """Whether it takes such an array at all."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(contender.statement, dict(contender.names))
    except (TypeError, ValueError, RuntimeError, NotImplementedError, Warning):
        return False
    return True


def field_of(case: Layout, threads: list[int]) -> list[Contender]:
    """Contenders: lse, and of the peers those that can."""
    a = case.data()
    others = [of_numpy(case, a)]
    present = installed()
    if present["SciPy"] and not (case.extra and case.extra[0] == "where"):
        others.append(of_scipy(case, a))
    if present["torch"]:
        others += of_torch(case, a, threads)
    return [*ours(case, a, threads), *filter(can, others)]


def ratios(measured: Measured, threads: int) -> dict[str, Ratio | None]:
    """Those of the table; None where who is wanted did not take part."""
    us = ("lse", threads)
    return {
        "x SciPy": measured.ratio(("SciPy", 1), us),
        "x peer": measured.ratio(fastest(measured, threads), us),
        "x plain": measured.ratio(us, ("lse plain", threads)),
    }


def fastest(measured: Measured, threads: int) -> Key:
    """The best peer; NumPy's formula takes any array."""
    rivals = [key for key in (("SciPy", 1), ("NumPy", 1), ("torch", threads)) if key in measured.seconds]
    return min(rivals, key=lambda key: measured.ratio(key, ("lse", threads)).median)


def row(measured: Measured, threads: int) -> tuple[str, ...]:
    """One case as soon as it is known."""
    ns = show(measured.median(("lse", threads)) / measured.case.size * 1e9)
    cells = [ratio.brief if ratio else "" for ratio in ratios(measured, threads).values()]
    return measured.case.name, str(threads), ns, *cells, fastest(measured, threads)[0]


def summary(results: list[Measured]) -> list[tuple[str, ...]]:
    """Worst and geometric mean of each group."""
    names = ("x SciPy", "x peer", "x plain")
    rows = [("group", "threads", *(f"{kind} {name}" for name in names for kind in ("worst", "mean")))]
    for group in dict.fromkeys(measured.case.group for measured in results):
        among = [measured for measured in results if measured.case.group == group]
        for threads in among[0].counts():
            found = [ratios(measured, threads) for measured in among]
            cells = []
            for name in names:
                values = [one[name].median for one in found if one[name]]
                worst = max if name == "x plain" else min
                cells += [show(worst(values)), show(geometric_mean(values))] if values else ["", ""]
            rows.append((group, str(threads), *cells))
    return rows


def ratio_records(results: list[Measured]) -> list[dict]:
    """For the file."""
    return [
        {
            "case": one.case.name,
            "threads": count,
            "peer": fastest(one, count)[0],
            **{name: ratio and ratio.median for name, ratio in ratios(one, count).items()},
        }
        for one in results
        for count in one.counts()
    ]


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 5), 0.002 if options.quick else 0.005, 0.1)
    results = []
    layout = "{:<66}{:>8}{:>12}{:>10}{:>10}{:>10}  {}".format
    wanted = session.wanted(list(all_layouts(options.quick)))
    print(layout("", "threads", "ns/element", "x SciPy", "x peer", "x plain", "peer"))
    for case in wanted:
        results.append(session.measure(case, field_of(case, options.threads), effort))
        for threads in options.threads:
            print(layout(*row(results[-1], threads)), flush=True)
    print("", *tables.aligned(summary(results)), NOTE, "", sep="\n")
    session.close(results, {"ratios": ratio_records(results)})
