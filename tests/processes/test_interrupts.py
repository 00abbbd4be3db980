"""Signals: a reduction of minutes ends at once with the handler's exception, and leaves a consistent state."""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import lse
from checks import fresh, same_bits, skip_without
from lse import _core

pytestmark = [
    pytest.mark.waits,
    pytest.mark.skipif(sys.maxsize < 2**32, reason="arrays of more elements than there are addresses"),
]

MANY = 1 << 38  # elements that take minutes, all at one address


def endless(*shape, dtype=np.float64, value=0.5):
    return np.broadcast_to(np.array(value, dtype), shape)


def place(*shape):
    """An output all of whose elements are one, which no real program would use."""
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0,) * len(shape))


def columns():
    return np.lib.stride_tricks.as_strided(np.zeros(512), (MANY >> 9, 512), (0, 8))


CALLS = {
    "a row": lambda: lse.logsumexp(endless(MANY)),
    "float32": lambda: lse.logsumexp(endless(MANY, dtype=np.float32)),
    "float16": lambda: lse.logsumexp(endless(MANY, dtype=np.float16)),
    "infinities": lambda: lse.logsumexp(endless(MANY, value=np.inf)),
    "long rows": lambda: lse.logsumexp(endless(5, MANY), axis=1),
    "short rows": lambda: lse.logsumexp(endless(1 << 20, MANY >> 20), axis=1),
    "columns": lambda: lse.logsumexp(columns(), axis=0),
    "weights": lambda: lse.logsumexp(endless(MANY), b=endless(MANY, value=2.0)),
    "weights that cancel": lambda: lse.logsumexp(endless(MANY, 2), b=[1.0, -1.0]),
    "where": lambda: lse.logsumexp(endless(MANY), where=endless(MANY, dtype=bool, value=True)),
    "logmeanexp": lambda: lse.logmeanexp(endless(MANY), b=endless(MANY, value=2.0)),
    "segments": lambda: lse.segment_logsumexp(endless(MANY), [0, 10, MANY // 2, MANY]),
    "short segments": lambda: lse.segment_logsumexp(endless(MANY), np.arange(0, MANY, 1 << 15)),
    "groups in order": lambda: lse.scatter_logsumexp(endless(MANY >> 16, 1 << 16), np.zeros(1 << 16, int)),
    "softmax": lambda: lse.softmax(endless(MANY >> 16, 1 << 16), axis=1, out=place(MANY >> 16, 1 << 16)),
    "log_softmax of a row": lambda: lse.log_softmax(endless(MANY >> 16, 1 << 16), out=place(MANY >> 16, 1 << 16)),
    "logcumsumexp": lambda: lse.logcumsumexp(endless(MANY >> 16, 1 << 16), axis=1, out=place(MANY >> 16, 1 << 16)),
    "logcumsumexp of a row": lambda: lse.logcumsumexp(endless(MANY), out=place(MANY)),
    "LogSumExp.of": lambda: lse.LogSumExp.of(endless(MANY, 4), axis=0),
}


@contextlib.contextmanager
def signalled(number=signal.SIGINT, handler=signal.default_int_handler, after=0.0, sent=None):
    """Raise a signal once a reduction has run for some seconds; yield a function that counts the elements read since.

    The time is appended to `sent`.
    """
    before, entered = _core.progress(), signal.signal(number, handler)

    def send():
        while _core.progress() == before and not over.is_set():
            over.wait(0.001)
        if over.wait(after):
            return
        if sent is not None:
            sent.append(time.perf_counter())
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident, number)
        else:
            signal.raise_signal(number)

    over, thread = threading.Event(), threading.Thread(target=send)
    thread.start()
    try:
        yield lambda: _core.progress() - before
    finally:
        over.set()
        thread.join()
        signal.signal(number, entered)


def check_all_is_well(rng):
    a = rng.standard_normal((500, 400))
    with lse.num_threads(1):
        expected = lse.logsumexp(a), lse.softmax(a, axis=1), lse.logcumsumexp(a, axis=0)
    for x, y in zip(expected, (lse.logsumexp(a), lse.softmax(a, axis=1), lse.logcumsumexp(a, axis=0)), strict=True):
        same_bits(y, x)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_ends_it(call, threads, rng):
    with lse.num_threads(threads):
        with signalled() as read, pytest.raises(KeyboardInterrupt):
            CALLS[call]()
        assert 0 < read() < MANY
        check_all_is_well(rng)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_takes_less_than_a_second(call, threads):
    """About 0.1 s: the interval at which the engine checks for signals."""
    for _ in range(3):
        sent = []
        with lse.num_threads(threads), signalled(after=0.1, sent=sent), pytest.raises(KeyboardInterrupt):
            CALLS[call]()
        assert time.perf_counter() - sent[0] < 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("function", ["scatter_logsumexp", "scatter_softmax"])
def test_an_interrupt_ends_sorting(function, threads, rng):
    """Of groups that are not in order no call is endless: sorted elements are a copy."""
    n = 20_000_000
    a, index = np.zeros(n, np.float32), rng.integers(0, 1 << 20, n, np.int32)
    entered = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with lse.num_threads(threads), pytest.raises(KeyboardInterrupt):
            getattr(lse, function)(a, index, size=1 << 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, entered)
    check_all_is_well(rng)


@pytest.mark.parametrize("shape", [(), (4,)])
def test_an_accumulator_is_as_it_was(shape, rng):
    total = lse.LogSumExp(shape).update(rng.standard_normal((100, *shape)), axis=0)
    total.update(rng.standard_normal((100, *shape)), 0, rng.standard_normal((100, *shape)))
    before = total.copy()
    for weights in (None, 2.0):
        with signalled() as read, pytest.raises(KeyboardInterrupt):
            total.update(endless(MANY, *shape), 0, weights)
        assert read() < MANY
        assert total.count == before.count
        same_bits(total.value, before.value)
    more = rng.standard_normal((100, *shape))
    same_bits(total.update(more, axis=0).log_abs, before.update(more, axis=0).log_abs)


def test_an_output_may_be_used_again(rng):
    """Its contents after an interrupt are undefined."""
    out = np.full(1 << 10, 7.0)
    with signalled() as read, pytest.raises(KeyboardInterrupt):
        lse.logsumexp(endless(1 << 10, MANY >> 10), axis=1, out=out)
    assert read() < MANY
    a = rng.standard_normal((1 << 10, 100))
    same_bits(lse.logsumexp(a, axis=1, out=out), lse.logsumexp(a, axis=1))


windows = pytest.mark.skipif(sys.platform == "win32", reason="no signals to a process or a thread there")


class Told(Exception):  # noqa: N818
    pass


def test_a_handler_may_raise_what_it_likes(rng):
    def handler(number, frame):
        raise Told(number)

    with signalled(signal.SIGTERM, handler) as read, pytest.raises(Told, match=str(int(signal.SIGTERM))):
        lse.logsumexp(endless(MANY))
    assert read() < MANY
    check_all_is_well(rng)


def test_a_handler_that_returns_changes_nothing(rng):
    """It may even reduce something itself."""
    a, seen = rng.standard_normal((1 << 8, 1 << 10)), []
    long = np.broadcast_to(rng.standard_normal(1 << 16), (1 << 13, 1 << 16))  # some tenths of a second
    expected = lse.logsumexp(a)
    with lse.num_threads(2), signalled(handler=lambda *_: seen.append(lse.logsumexp(a))):
        value = lse.logsumexp(long)
    assert value == lse.logsumexp(long)
    same_bits(seen, [expected])


@windows
def test_a_reduction_of_another_thread_goes_on():
    """Handlers run in the main thread, which waits; other threads are not interrupted."""
    long, results = np.broadcast_to(np.zeros(1 << 16), (1 << 13, 1 << 16)), []
    thread = threading.Thread(target=lambda: results.append(lse.logsumexp(long)))
    with signalled(), pytest.raises(KeyboardInterrupt):
        thread.start(), threading.Event().wait(60)
    thread.join()
    assert results == [lse.logsumexp(long)]


@windows
def test_sigterm_ends_the_process():
    code = "import numpy as np, lse; print(1, flush=True); lse.logsumexp(np.broadcast_to(0.5, 1 << 38))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        process.terminate()
        assert process.wait(timeout=60) == -signal.SIGTERM


DASK = """
import os, signal, threading, time
import dask.array as da, numpy as np, lse
from lse import _core
def send():
    while not _core.progress():
        time.sleep(0.001)
    signal.raise_signal(signal.SIGINT)
x = da.broadcast_to(da.full(1, 0.5, chunks=1), (1 << 38,), chunks=(1 << 34,))
threading.Thread(target=send).start()
try:
    lse.logsumexp(x).compute(scheduler={!r})
except KeyboardInterrupt:
    ended = _core.progress() < 1 << 38
    assert lse.logsumexp(da.zeros(8, chunks=4)).compute(scheduler="synchronous") == lse.logsumexp(np.zeros(8))
    print(ended, flush=True)
    os._exit(0)  # the threads of the pool are at their chunks still
"""


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_dask_is_interrupted(scheduler):
    skip_without("dask")
    assert fresh(DASK.format(scheduler)) == "True"
