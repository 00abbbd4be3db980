"""Every test of numbers, on every kernel that the processor can run besides the one chosen by default."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lse import _core

NUMBERS = [
    "test_accuracy.py",
    "test_arguments.py",
    "test_bits.py",
    "test_cumulative.py",
    "test_dtypes.py",
    "test_edges.py",
    "test_golden.py",
    "test_segments.py",
    "test_streaming.py",
    "test_values.py",
    "test_weighted_arrays.py",
    "test_weights.py",
]


@pytest.mark.parametrize("kernel", [k for k in _core.available_kernels() if k != _core.kernels()])
def test_numbers_on_kernel(kernel):
    here = Path(__file__).parent
    env = {**os.environ, "LSE_KERNELS": kernel, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [*command, *(here / name for name in NUMBERS)], env=env, cwd=here, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
