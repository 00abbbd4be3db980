"""The number of threads."""

import contextlib
import os
import platform
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lse
from checks import fresh, in_threads
from lse import _core, _threads

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fork, affinity and cgroups as on Linux")
openmp = pytest.mark.skipif(_core.openmp_version() == 0, reason="built without OpenMP")


@pytest.fixture
def _reset():
    yield
    lse.set_num_threads(None)


@pytest.mark.usefixtures("_reset")
def test_set_num_threads_is_for_the_process():
    before = lse.get_num_threads()
    assert lse.set_num_threads(before + 1) is None
    assert lse.get_num_threads() == before + 1
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lse.get_num_threads).result() == before + 1
        pool.submit(lse.set_num_threads, before + 2).result()
    assert lse.get_num_threads() == before + 2
    lse.set_num_threads(None)
    assert lse.get_num_threads() == before


@pytest.mark.usefixtures("_reset")
def test_num_threads_is_a_context():
    """It overrides the setting of the process, nests, and ends with its block."""
    lse.set_num_threads(3)
    with lse.num_threads(5) as nothing:
        assert nothing is None
        assert lse.get_num_threads() == 5
        with lse.num_threads(2):
            assert lse.get_num_threads() == 2
            with lse.num_threads(None):
                assert lse.get_num_threads() == 3
            assert lse.get_num_threads() == 2
        lse.set_num_threads(4)
        assert lse.get_num_threads() == 5
    assert lse.get_num_threads() == 4
    lse.num_threads(7)  # never entered
    assert lse.get_num_threads() == 4


def test_num_threads_ends_with_an_error():
    before = lse.get_num_threads()
    with lse.num_threads(before + 1):
        with pytest.raises(RuntimeError), lse.num_threads(before + 2):
            raise RuntimeError
        assert lse.get_num_threads() == before + 1
    assert lse.get_num_threads() == before


def test_num_threads_is_for_the_calling_thread():
    """Eight threads, each inside its own block at the same time, and one outside."""
    before, inside = lse.get_num_threads(), threading.Barrier(9)

    def work(i):
        with lse.num_threads(10 + i) if i < 8 else contextlib.nullcontext():
            inside.wait()
            assert lse.get_num_threads() == (10 + i if i < 8 else before)
            inside.wait()
        assert lse.get_num_threads() == before

    in_threads(work, 9)


WRONG = [(0, ValueError), (-1, ValueError), (1 << 20, ValueError), (10**30, ValueError)]
WRONG += [(1.5, TypeError), ("2", TypeError), (True, TypeError)]


@pytest.mark.parametrize("function", [lse.set_num_threads, lse.num_threads])
@pytest.mark.parametrize(("n", "error"), WRONG)
def test_wrong_numbers_of_threads_change_nothing(n, error, function):
    before = lse.get_num_threads()
    with pytest.raises(error, match=f"^{function.__name__}: expected"):
        function(n)
    assert lse.get_num_threads() == before


COUNT = "import lse; print(lse.get_num_threads())"


@linux
@openmp
def test_the_environment_decides():
    processors = len(os.sched_getaffinity(0))
    quota = _threads.cgroup_quota()
    assert fresh(COUNT) == str(min(processors, quota or processors))
    assert fresh(COUNT, OMP_NUM_THREADS="1") == "1"
    one = sorted(os.sched_getaffinity(0))[0]
    assert fresh(f"import os; os.sched_setaffinity(0, [{one}]); {COUNT}") == "1"
    assert fresh(f"import lse, os; os.sched_setaffinity(0, [{one}]); {COUNT}") == "1"


@linux
@openmp
def test_threadpoolctl_limits_it():
    code = """
import lse, threadpoolctl
with threadpoolctl.threadpool_limits(1):
    print(lse.get_num_threads())
"""
    assert fresh(code) == "1"


# The number of threads of a reduction, as counted by the operating system.
STARTED = """
import os, sys, numpy as np, lse
a = np.zeros(int(sys.argv[1]), sys.argv[2])
lse.set_num_threads(4)
before = len(os.listdir("/proc/self/task"))
lse.logsumexp(a)
print(len(os.listdir("/proc/self/task")) - before)
"""


@linux
@openmp
def test_small_reductions_start_no_thread():
    assert fresh(STARTED, str((1 << 16) - 1), "f8") == "0"
    assert fresh(STARTED, str((1 << 17) - 1), "f4") == "0"
    assert fresh(STARTED, str(1 << 20), "f8") == "3"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000", "job/cpu.max": "400000 100000"}, 4),
        ({"cpu.max": "200000 100000", "job/cpu.max": "400000 100000"}, 2),
        ({}, None),
    ],
)
def test_cgroup_quota(tmp_path, files, expected):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    membership = tmp_path / "cgroup"
    membership.write_text("0::/job\n")
    assert _threads.cgroup_quota(tmp_path, membership) == expected
    assert _threads.cgroup_quota(tmp_path, tmp_path / "absent") is None


def test_cgroup_quota_of_version_1(tmp_path):
    (tmp_path / "cpu,cpuacct" / "job").mkdir(parents=True)
    for name, text in (("cpu.cfs_quota_us", "250000"), ("cpu.cfs_period_us", "100000")):
        (tmp_path / "cpu,cpuacct" / "job" / name).write_text(text)
    membership = tmp_path / "cgroup"
    membership.write_text("5:memory:/job\n4:cpu,cpuacct:/job\n")
    assert _threads.cgroup_quota(tmp_path, membership) == 3


def test_many_python_threads_at_once(rng):
    """The GIL is released and nothing is shared: Python threads make calls while others run."""
    arrays = [(rng.standard_normal(300_000) * 5).astype(dtype) for dtype in (np.float32, np.float64) for _ in range(3)]
    expected = [lse.logsumexp(a) for a in arrays]
    wrong = []

    def work():
        for _ in range(5):
            for a, y in zip(arrays, expected, strict=True):
                if lse.logsumexp(a) != y:
                    wrong.append(y)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_the_gil_is_released():
    """While one thread reduces, another one counts the elements it has read."""
    a = np.broadcast_to(np.zeros(1 << 16, np.float32), (20_000, 1 << 16))  # about a second, without memory
    seen = set()

    def reduce():
        with lse.num_threads(1):
            lse.logsumexp(a)

    thread = threading.Thread(target=reduce)
    before = _core.progress()
    thread.start()
    while thread.is_alive():
        seen.add(_core.progress() - before)
    thread.join()
    assert len(seen - {0, a.size}) > 1


def test_show_config(capsys):
    lse.show_config()
    printed = capsys.readouterr().out
    assert printed.startswith(f"lse {lse.__version__}\n")
    assert re.search(rf"kernel: +{_core.kernels()} \(available: .*scalar\)", printed)
    assert re.search(rf"threads: +{lse.get_num_threads()} ", printed)
    assert f"NumPy:   {np.__version__}" in printed


def test_show_config_as_a_dictionary(capsys):
    found = lse.show_config(mode="dict")
    assert capsys.readouterr().out == ""
    assert found["version"] == lse.__version__
    assert (found["kernel"], found["available_kernels"]) == (_core.kernels(), _core.available_kernels())
    assert found["num_threads"] == lse.get_num_threads()
    assert found["omp_num_threads"] == os.environ.get("OMP_NUM_THREADS")
    assert found["openmp"] == (_core.openmp_version() or None)
    assert found["openmp_runtimes"] == _threads.openmp_runtimes()
    assert (found["numpy"], found["python"]) == (np.__version__, platform.python_version())
    assert re.match(r"(gcc|clang|MSVC) \d", found["compiler"])
    assert found["wheel"] == _threads.wheel_tags()
    assert len(found) == 11
    assert lse.show_config(mode="stdout") is None


OWN_LIMIT = """
import os, threading, time, numpy as np, lse
def tasks():
    return len(os.listdir("/proc/self/task"))
def limited():
    alone = tasks()
    with lse.num_threads(1):
        lse.logsumexp(a), lse.softmax(a, axis=1)
        assert tasks() == alone
    with lse.num_threads(5):
        lse.logsumexp(a)
        assert tasks() == alone + 4
a = np.zeros((1000, 1000))
lse.set_num_threads(3)
before = tasks()
thread = threading.Thread(target=limited)
thread.start(), thread.join()
while tasks() > before:  # the system may count a thread a little longer than Python does
    time.sleep(0.001)
lse.logsumexp(a)
print(tasks() - before)
"""


@linux
@openmp
def test_reductions_start_the_threads_of_the_context():
    """Fewer than those of the process, and more."""
    assert fresh(OWN_LIMIT) == "2"
