"""No reads or writes beyond an array: see guard_pages.py, whose processes end at the first one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lse import _core

PARTS = ["rows", "second_looks", "layouts", "dtypes", "c_interface"]


@pytest.mark.exhausts
@pytest.mark.skipif(os.name != "posix", reason="mprotect is of POSIX")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kernel", _core.available_kernels())
def test_nothing_beyond_an_array(kernel, part, tmp_path):
    progress = tmp_path / "progress"
    progress.touch()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LSE_KERNELS": kernel}
    command = [sys.executable, "-X", "faulthandler", Path(__file__).parent / "guard_pages.py", progress, part]
    done = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True)
    last = progress.read_text().strip()
    assert done.returncode == 0, f"ended with {done.returncode} at {last}\n{done.stderr[-3000:]}"
    assert int(done.stdout) > 1000
