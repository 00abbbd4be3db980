"""Processes: children by every start method, forks during parallel regions, and no oversubscription of threads."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lse
from checks import fresh, in_threads, missing, skip_without, tool
from lse import _core, _embedding, _process
from test_free_threading import bits, calls

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fork and /proc as on Linux"),
    pytest.mark.skipif(_core.openmp_version() == 0, reason="built without OpenMP"),
]

# Children ---------------------------------------------------------------------------------------------------

# {first} runs before lse is imported by {early}, {parent} before the fork.
CHILD = """
import ctypes, os, signal, warnings
import numpy as np
warnings.simplefilter("ignore")  # Python's own, of forks beside threads
{first}
{early}
a = np.arange(1 << 20) % 1000 * 0.001
{parent}
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    import lse
    lse.set_num_threads(4)
    before = len(os.listdir("/proc/self/task"))
    print(lse.logsumexp(a), len(os.listdir("/proc/self/task")) - before, flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
EXPECTED = lse.logsumexp(np.arange(1 << 20) % 1000 * 0.001)
TORCH = "import torch; torch.set_num_threads(4); assert torch.zeros(1 << 22).exp().sum() == 1 << 22"


def child(**parts):
    """The result of a forked child, and the number of threads it has started."""
    value, started = fresh(CHILD.format(**{"first": "", "early": "", "parent": "", **parts})).split()
    assert np.float64(value) == EXPECTED
    return int(started)


@pytest.fixture(scope="session")
def other(tmp_path_factory):
    """The path of other.c as a library that shares lse's OpenMP runtime."""
    library = tmp_path_factory.mktemp("other") / "other.so"
    source = Path(__file__).with_name("other.c")
    compiler = tool(os.environ.get("CC", "cc"), "gcc", "clang")
    command = [compiler, "-shared", "-fPIC", "-fopenmp", f"-I{lse.get_include()}"]
    if subprocess.run([*command, "-o", library, source], capture_output=True).returncode != 0:
        missing("a C compiler with OpenMP")
    return library


def regions(other):
    return f"other = ctypes.CDLL({str(other)!r}); assert other.region(4) == 4"


def test_a_forked_child_computes():
    """libgomp would hang in the child after a parallel region of ours in the parent."""
    for _ in range(5):
        assert child(early="import lse", parent="lse.set_num_threads(4); lse.logsumexp(a)") == 0


@pytest.mark.compiles
@pytest.mark.parametrize("early", ["import lse", ""], ids=["lse before the fork", "lse after the fork"])
def test_a_forked_child_computes_after_regions_of_others(other, early):
    """Another library's regions, through the shared libgomp; also where lse could not notice the fork."""
    assert child(parent=regions(other), early=early) == 0
    assert child(first=regions(other), early=early) == 0


@pytest.mark.parametrize("early", ["import lse", ""], ids=["lse before the fork", "lse after the fork"])
def test_a_forked_child_computes_after_regions_of_torch(early):
    skip_without("torch")
    assert child(first=TORCH, early=early) == 0


@pytest.mark.compiles
def test_a_forked_child_of_a_c_program_computes(tmp_path):
    """Linked with the static library, which notices no fork before its first call."""
    flags = shlex.split(_embedding.answer(["--cflags", "--libs"]))
    program, compiler = tmp_path / "fork", tool(os.environ.get("CC", "cc"), "gcc", "clang")
    command = [compiler, "-std=gnu11", Path(__file__).with_name("fork.c"), *flags, "-o", program]
    if (
        subprocess.run(
            [compiler, "-fopenmp", "-x", "c", "-", "-o", os.devnull],
            input=b"int main(void) { return 0; }",
            capture_output=True,
        ).returncode
        != 0
    ):
        missing(f"the OpenMP of {compiler}")
    subprocess.run(command, check=True, timeout=60)
    assert subprocess.run([program], capture_output=True, text=True, timeout=60, check=True).stdout == "4 0\n"


def test_a_child_of_a_process_without_openmp_has_all_threads():
    assert child() == 3


LATER = """
import ctypes, os, signal, sys, numpy as np
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    other = ctypes.CDLL(sys.argv[1])
    assert other.region(4) == 4
    import lse
    lse.set_num_threads(4)
    before = len(os.listdir("/proc/self/task"))
    lse.logsumexp(np.zeros(1 << 20))
    print(lse.get_num_threads(), len(os.listdir("/proc/self/task")) - before, flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.compiles
def test_a_runtime_loaded_after_the_fork_is_no_reason(other):
    """As in a server's worker, which is forked first and then imports."""
    assert fresh(LATER, other) == "4 0"  # the threads of the other library's region


ORPHAN = """
import ctypes, os, sys, time, numpy as np
other = ctypes.CDLL(sys.argv[1])
assert other.region(4) == 4
parent = os.getpid()
read, write = os.pipe()
if os.fork() == 0:
    while os.getppid() == parent:
        time.sleep(0.001)
    import signal
    signal.alarm(30)
    import lse
    os.write(write, repr(float(lse.logsumexp(np.zeros(1 << 20)))).encode())
    os._exit(0)
if os.fork() == 0:
    os.close(write)
    print(os.read(read, 100).decode(), flush=True)
os._exit(0)
"""


@pytest.mark.compiles
def test_a_child_whose_parent_is_gone_computes(other):
    """It is unknown then whether the runtime was loaded before the fork."""
    assert float(fresh(ORPHAN, other)) == lse.logsumexp(np.zeros(1 << 20))


@pytest.mark.parametrize(
    ("stat", "forked"),
    [
        ("1 (a) S 0 1 1 0 -1 4194368 1", True),
        ("1 (a) S 0 1 1 0 -1 4194304 1", False),
        ("1 (a) b) S 0 1 1 0 -1 64 1", True),
    ],
)
def test_what_tells_a_fork(tmp_path, stat, forked):
    path = tmp_path / "stat"
    path.write_text(stat)
    assert _process.is_fork(path) == forked
    assert not _process.is_fork(tmp_path / "absent")


# {0} is the parent's first action; each start method creates workers, which compute the same as the parent.
POOL = """
import multiprocessing, os, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
{0}
import lse
def work(seed):
    a = np.random.default_rng(seed).standard_normal((200, 1000))
    results = lse.logsumexp(a), lse.softmax(a, axis=1), lse.logcumsumexp(a, axis=0), lse.LogSumExp.of(a, axis=0).value
    return [x.tobytes() for x in results], lse.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
if __name__ == "__main__":
    lse.set_num_threads(2)
    lse.logsumexp(np.zeros(1 << 20))
    expected = [work(i)[0] for i in range(8)]
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        answers = pool.map_async(work, range(8), chunksize=1).get(120)
    assert [answer[0] for answer in answers] == expected
    print(len({{answer[1] for answer in answers}}), answers[0][1])
"""


@pytest.mark.waits
@pytest.mark.parametrize("first", ["", TORCH], ids=["alone", "after torch"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools(method, first, tmp_path):
    if first:
        skip_without("torch")
    script = tmp_path / "pool.py"
    script.write_text(POOL.format(first))
    kinds, threads = fresh(script, method, timeout=180, OMP_NUM_THREADS="3").split()
    assert (kinds, threads) == ("1", "1" if method == "fork" else str(min(3, len(os.sched_getaffinity(0)))))


# Forks beside running regions -------------------------------------------------------------------------------

BESIDE = """
import os, signal, sys, threading, warnings
import numpy as np
import lse
warnings.simplefilter("ignore")
forks, patience = map(int, sys.argv[1:])
a = np.random.default_rng(1).standard_normal((1 << 10, 1 << 8))
lse.set_num_threads(2)
def results():
    return lse.logsumexp(a), lse.softmax(a, axis=1).sum(), lse.logcumsumexp(a, axis=0)[-1, 0], lse.LogSumExp.of(a).value
expected, ended, rounds = results(), threading.Event(), [0, 0]
def run(i):
    while not ended.is_set():
        assert results() == expected
        rounds[i] += 1
threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
for thread in threads:
    thread.start()
bad = []
for _ in range(forks):
    pid = os.fork()
    if pid == 0:
        signal.alarm(patience)
        os._exit(0 if results() == expected and lse.get_num_threads() == 1 else 1)
    status = os.waitpid(pid, 0)[1]
    if status:
        bad.append(status)
ended.set()
for thread in threads:
    thread.join()
assert results() == expected
print(len(bad), sorted(set(bad)), min(rounds) > 0)
"""


@pytest.mark.waits
@pytest.mark.parametrize("process", [0, *(pytest.param(i, marks=pytest.mark.long) for i in range(1, 10))])
def test_forks_beside_running_regions(process):
    """Two Python threads run regions while a third forks repeatedly."""
    assert fresh(BESIDE, 200, 60, timeout=300) == "0 [] True"


# Many callers -----------------------------------------------------------------------------------------------


def test_sixteen_threads(rng):
    """Every function at the same time, on Python threads with OpenMP teams of their own."""
    functions = list(calls(rng))
    with lse.num_threads(2):
        expected = [bits(f()) for f in functions]

    def work(first):
        with lse.num_threads(2):
            for i in range(3 * len(functions)):
                at = (5 * first + i) % len(functions)
                assert bits(functions[at]()) == expected[at], at

    in_threads(work, 16)


TASKS = """
def tasks():
    return len(os.listdir("/proc/self/task"))
"""

NESTED = """
import ctypes, os, sys, threading, numpy as np, lse
from lse import _core
{tasks}
other, pointer = ctypes.CDLL(sys.argv[1]), ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
size, address = ctypes.c_ssize_t, ctypes.c_void_p
other.nested.argtypes = [address, ctypes.c_int, address, size, size, address]
api = pointer(_core._C_API, b"lse._core._C_API")
a = np.random.default_rng(1).standard_normal((64, 1 << 14))
values, errors = np.empty((3, 64)), []
lse.set_num_threads(4)
def work():
    for _ in range(20):
        errors.append(other.nested(api, 3, a.ctypes.data, *a.shape, values.ctypes.data))
thread = threading.Thread(target=work)
before, most = tasks(), 0
thread.start()
while thread.is_alive():
    most = max(most, tasks())
thread.join()
assert not any(errors) and (values == lse.logsumexp(a, axis=1)).all()
print(most - before)
"""


@pytest.mark.compiles
def test_inside_a_region_of_others_all_is_serial(other):
    """One Python thread and two of the other library; ours would be four in each of the three."""
    assert int(fresh(NESTED.format(tasks=TASKS), other)) <= 3


JOBLIB = """
import os, joblib, numpy as np, lse
{tasks}
processors = len(os.sched_getaffinity(0))
def work(i):
    before = tasks()
    y = lse.logsumexp(np.full(1 << 20, 0.5))
    return os.getpid(), y, tasks() - before, lse.get_num_threads()
if __name__ == "__main__":
    answers = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(work)(i) for i in range(8))
    share = max(1, processors // 2)
    assert len({{y for _, y, _, _ in answers}}) == 1
    assert all(started < share and limit <= share for _, _, started, limit in answers), answers
    lse.set_num_threads(1)
    before = tasks()
    answers = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(work)(i) for i in range(8))
    assert all(limit == 1 for _, _, _, limit in answers)
    print(tasks() - before)
"""


@pytest.mark.waits
def test_joblib_has_no_more_threads_than_processors(tmp_path):
    """Its processes get their share by OMP_NUM_THREADS; its threads, by set_num_threads."""
    skip_without("joblib")
    script = tmp_path / "jobs.py"
    script.write_text(JOBLIB.format(tasks=TASKS))
    assert int(fresh(script, timeout=150)) <= 2 + 3  # its pool has workers and managers of its own


DASK = """
import os, dask, dask.array as da, numpy as np, lse
{tasks}
lse.set_num_threads(4)
x = da.from_array(np.full((64, 1 << 16), 0.5), chunks=(4, 1 << 16))
pool, seen = 2, []
def look(block):
    seen.append(tasks())
    return block
before = tasks()
with dask.config.set(scheduler="threads", num_workers=pool):
    y = lse.logsumexp(x.map_blocks(look)).compute()
assert abs(y - np.log(64 << 16) - 0.5) < 1e-14
print(max(*seen, tasks()) - before - pool)
"""


def test_dask_threads_have_no_threads():
    skip_without("dask")
    assert int(fresh(DASK.format(tasks=TASKS))) <= 0


DISTRIBUTED = """
import os, distributed, dask.array as da, numpy as np, lse
{tasks}
def most_while(array):
    future, most = client.compute(array), 0
    while not future.done():
        most = max(most, tasks())
    return future.result(), most
if __name__ == "__main__":
    lse.set_num_threads(4)
    client = distributed.Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None)
    x = da.full((64, 1 << 20), 0.5, chunks=(4, 1 << 20))
    before = most_while(x.sum())[1]  # starts its threads
    y, most = most_while(lse.logsumexp(x))
    assert abs(y - np.log(64 << 20) - 0.5) < 1e-14
    print(max(most, tasks()) - before)
    client.close()
"""


@pytest.mark.waits
def test_distributed_threads_have_no_threads(tmp_path):
    skip_without("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(DISTRIBUTED.format(tasks=TASKS))
    assert int(fresh(script, timeout=150)) <= 1  # it may start a thread of its own
