"""Threads: how many, and when none."""

import os
import re
import sys
import threading

import numpy as np
import pytest

import lse
from checks import fresh
from lse import _core, _threads

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fork, affinity and cgroups as on Linux")
openmp = pytest.mark.skipif(_core.openmp_version() == 0, reason="built without OpenMP")


def test_set_num_threads():
    before = lse.get_num_threads()
    lse.set_num_threads(3)
    assert lse.get_num_threads() == 3
    with lse.set_num_threads(5) as setting:
        assert lse.get_num_threads() == 5
        with lse.set_num_threads(2):
            assert lse.get_num_threads() == 2
        assert lse.get_num_threads() == 5
    assert lse.get_num_threads() == 3
    assert repr(setting) == "<set_num_threads: previously 3>"
    lse.set_num_threads(None)
    assert lse.get_num_threads() == before


def test_set_num_threads_restores_after_an_error():
    before = lse.get_num_threads()
    with pytest.raises(RuntimeError), lse.set_num_threads(before + 1):
        raise RuntimeError
    assert lse.get_num_threads() == before


WRONG = [(0, ValueError), (-1, ValueError), (1 << 20, ValueError), (10**30, ValueError)]
WRONG += [(1.5, TypeError), ("2", TypeError), (True, TypeError)]


@pytest.mark.parametrize(("n", "error"), WRONG)
def test_wrong_numbers_of_threads_change_nothing(n, error):
    before = lse.get_num_threads()
    with pytest.raises(error, match="set_num_threads: expected"):
        lse.set_num_threads(n)
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


# The number of threads a reduction started, from the kernel's own count.
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
    """The GIL is released and nothing is shared: threads of Python call in while others run."""
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
    a = np.broadcast_to(np.zeros(1 << 16, np.float32), (20_000, 1 << 16))  # a second or so, in no memory
    seen = set()
    with lse.set_num_threads(1):
        thread = threading.Thread(target=lse.logsumexp, args=(a,))
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


OWN_LIMIT = """
import os, threading, time, numpy as np, lse
from lse import _core
def tasks():
    return len(os.listdir("/proc/self/task"))
def limited():
    assert _core.limit_own_threads(1) == 0
    alone = tasks()
    lse.logsumexp(a), lse.softmax(a, axis=1)
    assert tasks() == alone
    assert _core.limit_own_threads(0) == 1
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
def test_a_thread_may_have_a_limit_of_its_own():
    """As the tasks of a pool do, whose other threads are busy too."""
    assert fresh(OWN_LIMIT) == "2"
