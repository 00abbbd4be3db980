"""Without memory: a MemoryError, nothing lost or changed, and the process never ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checks import fresh, missing, skip_without, tool

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="preloading and limits as on Linux")

# Every function except for longdouble, and for complex log-mean-exps: the ufuncs that they use set MemoryError without
# holding the GIL (npyiter_allocate_buffers of NumPy 2.4), which ends the process. And the objects that must be
# unchanged after a failure.
CALLS = """
import pickle, numpy as np, lse
rng = np.random.default_rng(1)
row, table = rng.standard_normal(300), rng.standard_normal((30, 40))
signed, where = rng.standard_normal((30, 40)), rng.random((30, 40)) < 0.5
cancelling, halves, positive = np.r_[1.0, -1.0, 1e-300], table.astype(np.float16), abs(signed)
lines = np.arange(200_000.0).reshape(100_000, 2).T
zeros, waves = np.zeros(3), table + 1j * signed
great = 2**60 + np.arange(1200).reshape(30, 40)
total, wide = lse.LogSumExp().update(row), lse.LogSumExp(40).update(table, 0, signed)
pickled = pickle.dumps(wide)
calls = {
    "a row": lambda: lse.logsumexp(row),
    "rows": lambda: lse.logsumexp(table, axis=1),
    "long lines": lambda: lse.logsumexp(lines),
    "columns": lambda: lse.logsumexp(table, axis=0, keepdims=True),
    "a list": lambda: lse.logsumexp([0.0, 1.0]),
    "weights": lambda: lse.logsumexp(table, axis=0, b=signed, return_sign=True),
    "weights that cancel": lambda: lse.logsumexp(zeros, b=cancelling),
    "complex": lambda: lse.logsumexp(waves, axis=0, where=where),
    "complex weights": lambda: lse.logsumexp(waves, axis=1, b=signed),
    "complex weights that cancel": lambda: lse.logsumexp(zeros + 0j, b=cancelling),
    "complex softmax": lambda: lse.softmax(waves, axis=1),
    "complex logcumsumexp": lambda: lse.logcumsumexp(waves, axis=0),
    "where": lambda: lse.logsumexp(table, where=where),
    "float16": lambda: lse.logsumexp(halves, axis=0),
    "logmeanexp": lambda: lse.logmeanexp(table, axis=0, b=positive),
    "softmax": lambda: lse.softmax(table, axis=1),
    "log_softmax": lambda: lse.log_softmax(table, axis=0, where=where),
    "logcumsumexp": lambda: lse.logcumsumexp(table, axis=0, reverse=True),
    "segments": lambda: lse.segment_logsumexp(row, [0, 5, 5, 300]),
    "maps of segments": lambda: lse.segment_softmax(row, [0, 5, 5, 300]),
    "groups": lambda: lse.scatter_logsumexp(table, np.arange(table.shape[0]) % 7, 0, b=signed, return_sign=True),
    "softmax of groups": lambda: lse.scatter_softmax(row, np.arange(row.size) % 7),
    "short groups": lambda: lse.scatter_logsumexp(np.zeros(40_000), np.arange(40_000) % 9999),
    "labels of rows": lambda: lse.scatter_softmax(table, np.arange(table.size).reshape(table.shape) % 7),
    "large groups": lambda: lse.scatter_softmax(np.zeros(40_000), np.arange(40_000) % 999),
    "many groups": lambda: lse.scatter_logsumexp(np.zeros(530_000), np.arange(530_000) % 5000),
    "LogSumExp.of": lambda: lse.LogSumExp.of(table, axis=0).value,
    "update": lambda: total.copy().update(table).value,
    "merge": lambda: (wide + lse.LogSumExp.of(table, axis=0)).log_abs,
    "value": lambda: wide.value,
    "state": lambda: pickle.loads(pickled).value,
}
fragile = {
    "update": (lambda t: t.update(table), lse.LogSumExp),
    "update with weights": (lambda t: t.update(zeros, b=cancelling), lse.LogSumExp),
    "update of many": (lambda t: t.update(table, axis=0), lambda: lse.LogSumExp(40)),
    "update of many with weights": (lambda t: t.update(table, 0, signed), lambda: lse.LogSumExp(40)),
    "update of many with a mask": (lambda t: t.update(table, 0, where=where), lambda: lse.LogSumExp(40)),
    "update with weights beyond 2^53": (lambda t: t.update(table, 0, great), lambda: lse.LogSumExp(40)),
    "update_at": (lambda t: t.update_at(np.arange(row.size) % 40, row), lambda: lse.LogSumExp(40)),
    "merge": (lambda t: t.merge(wide), lambda: lse.LogSumExp(40)),
    "reset": (lambda t: t.reset(), lambda: lse.LogSumExp(40)),
}
def bits(result):
    return [np.asarray(x).tobytes() for x in (result if isinstance(result, tuple) else (result,))]
def state(total):
    return bits((total.log_abs, total.sign, total.count))
"""

# One of its allocations fails: in turn the first, the second and so on, until the call succeeds.
EACH = (
    CALLS
    + """
def in_turn(call, check):
    n = successes = 0
    while successes < {patience}:
        try:
            refuse(n)
            result = call()
        except MemoryError:
            result = None
        except SystemError as error:  # of NumPy's, which does not always say what was wrong
            assert "without setting an exception" in str(error) or "without exception set" in str(error)
            result = None
        refused = has_refused()
        refuse(-1)
        check(result)
        successes = 0 if refused or result is None else successes + 1
        n += 1
    assert result is not None
    return n
lse.set_num_threads(1)
for name, call in calls.items():
    expected = bits(call())
    def check(result):
        assert result is None or bits(result) == expected, name
    in_turn(call, check)
    check(call())
for name, (change, make) in fragile.items():
    def prepared():
        total_so_far = make()
        return total_so_far.merge(total if total_so_far.shape == () else wide)
    before, after = state(prepared()), state(change(prepared()))
    now = prepared()
    def call():
        return change(now)
    def check(result):
        global now
        assert state(now) == (before if result is None else after), name
        now = prepared()
    in_turn(call, check)
print("done")
"""
)

MALLOC = """
import ctypes
refuse, has_refused = ctypes.CDLL(None).refuse, ctypes.CDLL(None).has_refused
refuse.argtypes = [ctypes.c_long]
refuse(-1), has_refused()
"""

PYTHONS = """
import _testcapi
def refuse(n):
    _testcapi.remove_mem_hooks()
    if n >= 0:
        _testcapi.set_nomemory(n, n + 1)
def has_refused():  # it does not tell: after so many calls that went well there are no more
    return False
"""


@pytest.mark.exhausts
@pytest.mark.compiles
@linux
def test_each_allocation_of_the_system_fails(tmp_path):
    """Those for numbers, and the engine's."""
    library = tmp_path / "no_memory.so"
    command = [tool(os.environ.get("CC", "cc"), "gcc", "clang"), "-shared", "-fPIC", "-O1", "-fno-builtin"]
    source = Path(__file__).with_name("no_memory.c")
    if subprocess.run([*command, "-o", library, source], capture_output=True).returncode != 0:
        missing("a C compiler")
    code = MALLOC + EACH.replace("{patience}", "1")
    assert fresh(code, LD_PRELOAD=str(library), timeout=300) == "done"


@pytest.mark.exhausts
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="CPython 3.12 and 3.13 end so by a generator alone")
def test_each_allocation_of_python_fails():
    """Those for objects."""
    skip_without("_testcapi")
    assert fresh(PYTHONS + EACH.replace("{patience}", "30"), timeout=300) == "done"


LIMITED = """
import resource, sys, numpy as np, lse
a, x = np.zeros(1 << 20), np.arange(1 << 20) / 2.0
expected = lse.logsumexp(x)
lse.set_num_threads(int(sys.argv[1]))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 20), resource.RLIM_INFINITY))
for call in (lse.softmax, lse.logcumsumexp, lambda a: lse.logsumexp(a, axis=())):
    try:
        call(a)
    except MemoryError:
        continue
    raise AssertionError
out = np.frombuffer(a)
assert lse.logsumexp(x) == expected and lse.LogSumExp.of(x).value == expected
assert lse.softmax(x, out=out) is out
assert abs(out.sum() - 1) < 1e-10
print("done")
"""


@linux
@pytest.mark.parametrize("threads", [1, 4, 64])
def test_a_process_at_its_limit_goes_on(threads):
    """No memory for an output, nor for the stacks of more threads, for which OpenMP would end the process."""
    assert fresh(LIMITED, threads) == "done"
