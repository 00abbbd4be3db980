"""A cluster of two worker processes: the same bits, also when one of them dies, and with little memory."""

import importlib
import os
import signal
import time

import numpy as np
import pytest

import lse
import oracle
from checks import same

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
lse_dask = importlib.import_module("lse.dask")

pytestmark = pytest.mark.waits

MEMORY_LIMIT = 256 * 2**20  # bytes; an idle worker has taken 90 MiB
PATIENCE = 120


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, memory_limit=MEMORY_LIMIT, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def processes(client):
    """The workers' process numbers by name; a restarted worker keeps its name."""
    return {worker["name"]: worker["pid"] for worker in client.run(identity).values()}


def identity(dask_worker):
    return {"name": dask_worker.name, "pid": os.getpid()}


def test_the_same_bits_as_in_one_process(client, rng):
    a, b, where = rng.standard_normal((300, 200)) * 30, rng.standard_normal((300, 200)), rng.random((300, 200)) < 0.7
    x, weights = da.from_array(a, chunks=(70, 60)), da.from_array(b, chunks=(90, 200))
    lazy = [
        lse.logsumexp(x),
        lse.logsumexp(x, axis=0, b=weights, where=where),
        *lse.logsumexp(x, axis=1, b=weights, return_sign=True),
        lse.logmeanexp(x, axis=1, b=abs(weights)),
        lse.softmax(x, axis=0),
        lse.log_softmax(x, where=where),
        lse.logsumexp((x + 1j).rechunk((100, -1)), axis=1),
    ]
    for got, here in zip(client.gather(client.compute(lazy)), lazy, strict=True):
        same(got, here.compute(scheduler="synchronous"))


def slow_ramp(block, block_info=None):
    time.sleep(0.05)
    return ramp(block, block_info)


STEPS = np.array([0.0, 0.5, -1.0, -700.0, 3.25, 2.0, -30.0, 1.0])


def ramp(block, block_info=None):
    """Different numbers in each chunk."""
    return np.resize(STEPS, block.shape) + block_info[0]["chunk-location"][0] / 4


def ramps(function, chunks, length):
    """A column of chunks that are computed when needed."""
    return da.zeros(chunks * length, chunks=length).map_blocks(function, dtype=np.float64, meta=np.empty(0))


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_worker_that_dies_changes_nothing(client):
    x = ramps(slow_ramp, 80, 1000)
    before = processes(client)
    lazy = lse_dask.logsumexp(x)
    future = client.compute(lazy)
    victim = min(before)
    client.cluster.scheduler.allowed_failures = 10
    deadline = time.monotonic() + PATIENCE
    while not any(state.state == "memory" for state in client.cluster.scheduler.tasks.values()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(before[victim], signal.SIGKILL)
    assert not future.done()
    got = future.result(timeout=PATIENCE)
    client.wait_for_workers(2, timeout=PATIENCE)
    after = processes(client)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {victim}
    same(got, lse_dask.logsumexp(ramps(ramp, 80, 1000)).compute(scheduler="synchronous"))


def test_an_array_ten_times_the_memory_of_a_worker(client):
    before = processes(client)
    x = ramps(ramp, 10 * MEMORY_LIMIT // 2**22, 2**19)
    assert x.nbytes == 10 * MEMORY_LIMIT
    got = client.compute(lse_dask.logsumexp(x)).result(timeout=PATIENCE)
    assert processes(client) == before
    values = np.add.outer(np.arange(x.numblocks[0]) / 4, STEPS).ravel()
    assert oracle.error(got, oracle.logsumexp_of_repeated(values, [2**19 // STEPS.size] * values.size)) <= 1
