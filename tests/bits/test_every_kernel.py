"""Every test of numbers, on every kernel that the processor can run besides the one chosen by default."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lse import _core

NUMBERS = [
    "accuracy/test_accuracy.py",
    "shapes/test_arguments.py",
    "bits/test_bits.py",
    "values/test_cumulative.py",
    "shapes/test_dtypes.py",
    "values/test_edges.py",
    "bits/test_golden.py",
    "values/test_segments.py",
    "values/test_streaming.py",
    "values/test_values.py",
    "shapes/test_weighted_arrays.py",
    "values/test_weights.py",
]


@pytest.mark.parametrize("kernel", [k for k in _core.available_kernels() if k != _core.kernels()])
def test_numbers_on_kernel(kernel):
    here = Path(__file__).parents[1]
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
