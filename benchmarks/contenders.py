"""Contenders: lse, its peers, and the limits of the machine, each as a statement that timeit can run."""

import importlib.util
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

import lse
from benchmarks import peers
from benchmarks.cases import Case
from benchmarks.native import Limits

PLAIN = "f(a, axis=axis)"
VARIANTS = {
    "weighted": "f(a, axis=axis, b=b)",
    "masked": "f(a, axis=axis, where=where)",
    "cumulated": "cumulate(a, axis=axis, out=out)",
    "segments": "segments(flat, offsets)",
    "streamed": "update(a, axis=axis)",
    "small streamed": "update(a)",
    "small streamed masked": "update(a, where=where)",
}
OTHERS = {"cumulated": [("plain twice and a write", f"{PLAIN}; {PLAIN}; out.fill(0)")]}

OWN = 0  # as many threads as it likes
PEERS = {"torch": "torch", "jax": "jax", "numba": "numba", "SciPy": "scipy"}  # by the module that each needs


@dataclass
class Contender:
    """A statement over some names; `prepare` sets its threads before it is timed."""

    name: str
    threads: int
    statement: str
    names: dict = field(repr=False)
    prepare: Callable[[], object] = field(default=lambda: None, repr=False)


def installed() -> dict[str, bool]:
    """Which peers there are."""
    return {name: importlib.util.find_spec(module) is not None for name, module in PEERS.items()}


def contenders(
    case: Case, data, limits: Limits, threads: list[int], without: Collection[str] = ()
) -> Iterator[Contender]:
    """All that can do this case, but for some peers, which are not even imported."""
    out = np.empty_like(data) if case.operation != "logsumexp" else None
    present = {name: there and name not in without for name, there in installed().items()}
    if case.small:
        threads = threads[:1]
    if case.kind in VARIANTS:
        yield from of_variants(case, data, threads)
        return
    yield from of_lse(case, data, out, threads)
    if case.kind == "ascending":
        return
    yield from of_limits(case, data, out, limits, threads)
    if case.small:
        yield from of_max(case, data)
    yield of_numpy(case, data, out)
    if present["SciPy"]:
        yield of_scipy(case, data)
    if case.as_list:
        return
    if present["torch"]:
        yield from of_torch(case, data, out, threads)
    if present["jax"]:
        yield of_jax(case, data)
    if present["numba"]:
        yield of_numba(case, data, out)


def of_lse(case: Case, data, out, threads: list[int]) -> Iterator[Contender]:
    """Ourselves; where the input ascends, on the same numbers in their first order too."""
    names = {"f": getattr(lse, case.operation), "a": data, "axis": case.axis, "out": out}
    statement = "f(a, axis=axis, out=out)" if out is not None else "f(a, axis=axis)"
    if len(case.shape) == 1:
        statement = "f(a)"
    ascending = dict(names, a=np.sort(data)) if case.kind == "ascending" else names
    for count in threads:
        yield Contender("lse", count, statement, ascending, lambda count=count: lse.set_num_threads(count))
        if case.kind == "ascending":
            yield Contender("lse random", count, statement, names, lambda count=count: lse.set_num_threads(count))


def of_variants(case: Case, data, threads: list[int]) -> Iterator[Contender]:
    """What is held to a multiple of the plain log-sum-exp of the same array: that, and itself."""
    rng = np.random.default_rng(7)
    names = {
        "f": lse.logsumexp, "a": data, "axis": case.axis, "out": np.empty_like(data),
        "b": rng.random(data.shape).astype(data.dtype), "where": rng.random(data.shape) < 0.7,
        "offsets": np.arange(0, data.size + 1, data.shape[-1]), "flat": data.reshape(-1),
        "cumulate": lse.logcumsumexp, "segments": lse.segment_logsumexp,
        "update": lse.LogSumExp(lse.logsumexp(data, axis=case.axis).shape, data.dtype).update,
    }  # fmt: skip
    for count in threads:
        for name, statement in (("lse", VARIANTS[case.kind]), *OTHERS.get(case.kind, ()), ("lse plain", PLAIN)):
            yield Contender(name, count, statement, names, lambda count=count: lse.set_num_threads(count))


def of_limits(case: Case, data, out, limits: Limits, threads: list[int]) -> Iterator[Contender]:
    """The empty call, or memory read and copied."""
    if case.small:
        if limits.empty:
            yield Contender("empty call", 1, "f(a)", {"f": limits.empty, "a": data})
        return
    for count in threads:
        if limits.read is None or (count > 1 and not limits.threads):
            continue
        names = {"f": limits.read, "a": data.ctypes.data, "size": data.nbytes, "threads": count}
        yield Contender("pure read", count, "f(a, size, threads)", names)
        if out is not None:
            names = dict(names, f=limits.copy, out=out.ctypes.data)
            yield Contender("pure copy", count, "f(a, out, size, threads)", names)


def of_max(case: Case, data) -> Iterator[Contender]:
    """What NumPy takes for the least that it can do with so many elements."""
    if not case.as_list:
        yield Contender("a.max()", 1, "a.max()", {"a": data})
    yield Contender("np.max(a)", 1, "f(a)", {"f": np.max, "a": data})


def of_numpy(case: Case, data, out) -> Contender:
    """NumPy's max, exp, sum and log."""
    names = {"f": getattr(peers, f"{case.operation}_by_hand"), "a": data, "axis": case.axis, "out": out}
    return Contender("NumPy", 1, "f(a, axis)" if out is None else "f(a, axis, out)", names)


def of_scipy(case: Case, data) -> Contender:
    """scipy.special; it has no `out`."""
    import scipy.special

    return Contender(
        "SciPy", 1, "f(a, axis=axis)", {"f": getattr(scipy.special, case.operation), "a": data, "axis": case.axis}
    )


def of_torch(case: Case, data, out, threads: list[int]) -> Iterator[Contender]:
    """PyTorch, on the same memory."""
    import torch

    names = {"f": getattr(torch, case.operation), "x": torch.from_numpy(data), "axis": case.axis}
    statement = "f(x, axis)"
    if out is not None:
        names["out"] = torch.from_numpy(out)
        statement = "f(x, axis, out=out)"
    for count in threads:
        yield Contender("torch", count, statement, names, lambda count=count: torch.set_num_threads(count))


def of_jax(case: Case, data) -> Contender:
    """JAX, compiled, on its own copy and its own threads; what maps returns a new array."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)
    module = jax.scipy.special if case.operation == "logsumexp" else jax.nn
    function = jax.jit(lambda x: getattr(module, case.operation)(x, axis=case.axis))
    return Contender("jax", OWN, "f(x).block_until_ready()", {"f": function, "x": jax.device_put(data)})


def of_numba(case: Case, data, out) -> Contender:
    """Two passes over each row in a loop, compiled."""
    views = peers.as_rows(data, case.axis)
    if out is not None:
        function, results = peers.compiled(case.operation), peers.as_rows(out, case.axis)
    else:
        function, results = peers.compiled(case.operation), [np.empty(len(view), data.dtype) for view in views]
    pairs = list(zip(views, results, strict=True))
    return Contender("numba", 1, "for a, out in pairs: f(a, out)", {"f": function, "pairs": pairs})
