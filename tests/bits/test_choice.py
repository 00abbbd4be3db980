"""The selection of kernels: the best, those named by LSE_KERNELS, and in tests any of them."""

import os
import subprocess
import sys

import pytest

import lse
from checks import fresh
from lse import _core


@pytest.mark.parametrize("kernel", _core.available_kernels())
def test_lse_kernels_forces_one(kernel):
    assert fresh("from lse import _core; print(_core.kernels())", LSE_KERNELS=kernel) == kernel


def test_the_best_kernel_is_the_default():
    assert fresh("from lse import _core; print(_core.kernels())") == _core.available_kernels()[0]
    assert fresh("from lse import _core; print(_core.kernels())", LSE_KERNELS="") == _core.available_kernels()[0]


@pytest.mark.parametrize("kernel", ["sse9", "AVX2", "neon" if "neon" not in _core.available_kernels() else "avx2"])
def test_an_impossible_kernel_is_an_import_error(kernel):
    env = {**os.environ, "LSE_KERNELS": kernel, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", "import lse"], env=env, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: LSE_KERNELS='{kernel}'")
    assert all(name in last for name in _core.available_kernels())


@pytest.mark.parametrize("name", _core.available_kernels())
def test_tests_may_use_any(name, capsys):
    before = _core.kernels()
    assert _core.use_kernels(name) == before
    try:
        assert _core.kernels() == name
        assert lse.logsumexp([0.0, 0.0]) == 0.6931471805599453
        lse.show_config()
        assert f" {name} (available: " in capsys.readouterr().out
    finally:
        assert _core.use_kernels(before) == name
    assert _core.kernels() == before


def test_what_is_not_there_cannot_be_used():
    before = _core.kernels()
    for name in ("", "mmx", before.upper()):
        with pytest.raises(ValueError, match=r"is not available on this processor; available are .*scalar"):
            _core.use_kernels(name)
    assert _core.kernels() == before
