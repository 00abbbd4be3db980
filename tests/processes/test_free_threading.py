"""Eight threads on the same arrays: the bits of one thread, and no lock that serialises them."""

import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import lse
from checks import in_threads

FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
THREADS, ROUNDS = 8, 30


@pytest.mark.skipif(not FREE, reason="a build of Python with the GIL")
def test_the_gil_stays_off():
    code = "import sys, lse; lse.logsumexp([0.0, 1.0]); print(sys._is_gil_enabled())"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def calls(rng):
    """Every function, on fast and slow paths, with and without threads of its own."""
    short, row = rng.standard_normal(8), rng.standard_normal(5000).astype(np.float32)
    table, long = rng.standard_normal((300, 40)), rng.standard_normal(200_000)
    signed = rng.standard_normal((300, 40))
    yield lambda: lse.logsumexp(short)
    yield lambda: lse.logsumexp(row)
    yield lambda: lse.logsumexp(long)
    yield lambda: lse.logsumexp(table.T, axis=0)
    yield lambda: lse.logsumexp(table, axis=1, b=signed, return_sign=True)
    yield lambda: lse.logsumexp(table, where=signed > 0)
    yield lambda: lse.logsumexp(table + 1j * signed, axis=0)
    yield lambda: lse.logmeanexp(table, axis=0)
    yield lambda: lse.logmeanexp(table.astype(np.float16))
    yield lambda: lse.softmax(table, axis=1)
    yield lambda: lse.log_softmax(long)
    yield lambda: lse.logcumsumexp(table, axis=0)
    yield lambda: lse.segment_logsumexp(long, [0, 5, 5, 100_000, 200_000])
    yield lambda: lse.scatter_logsumexp(long, np.arange(long.size) % 1000, where=long > 0)
    yield lambda: lse.scatter_softmax(table, np.arange(table.shape[0]) % 3, 0)
    yield lambda: lse.LogSumExp.of(table, axis=0).update(table, 0, signed).log_abs
    yield lambda: (lse.get_num_threads(),)


def bits(result):
    return [np.asarray(part).tobytes() for part in (result if isinstance(result, tuple) else (result,))]


def test_shared_inputs(rng):
    functions = list(calls(rng))
    expected = [bits(f()) for f in functions]

    def work(first):
        for i in range(ROUNDS * len(functions)):
            at = (first + i) % len(functions)
            assert bits(functions[at]()) == expected[at], at

    in_threads(work, THREADS)


def test_one_accumulator(rng):
    """Concurrent updates of all shapes, merges, reads, copies and resets: nothing is lost or torn."""
    data = rng.standard_normal((64, 3, 500))
    total, single, scratch, masked = lse.LogSumExp(3), lse.LogSumExp(), lse.LogSumExp(3), lse.LogSumExp(3)

    def work(first):
        for i in range(first, len(data), THREADS):
            total.update(data[i], axis=1)
            total.merge(lse.LogSumExp.of(data[i], axis=1))
            single.update(data[i])
            scratch.update(data[i], 1, np.ones(500)).copy().merge(total)
            scratch.reset()
            masked.update(data[i], 1, where=data[i] > 0)
            assert np.shape(masked.count) in ((), (3,))
            assert total.value.shape == scratch.value.shape == (3,)

    in_threads(work, THREADS)
    assert (total.count, single.count) == (2 * 64 * 500, 64 * 1500)
    assert np.array_equal(masked.count, np.count_nonzero(data > 0, axis=(0, 2)))
    expected = lse.logsumexp(data, axis=(0, 2))
    assert np.abs(total.value - expected - np.log(2)).max() < 1e-14
    assert abs(single.value - lse.logsumexp(data)) < 1e-14
