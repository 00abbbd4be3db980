"""The extension; everything else is in pyproject.toml."""

import os
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = Path("src/lse/kernels")

if sys.platform == "win32":
    compile_args, link_args = ["/std:c11", "/O2", "/fp:precise", "/openmp"], []
else:
    compile_args, link_args = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden"], []
    # two copies of libomp in a process crash on macOS, so there OpenMP is for who asks for it
    if sys.platform != "darwin" or os.environ.get("LSE_OPENMP") == "1":
        compile_args, link_args = [*compile_args, "-fopenmp"], ["-fopenmp"]

core = Extension(
    "lse._core",
    ["src/lse/_core.pyx", *sorted(str(path) for path in KERNELS.glob("*.c"))],
    include_dirs=[np.get_include(), "src/lse"],
    depends=[*map(str, KERNELS.glob("*.h")), "src/lse/threads.h", "src/lse/fp.h"],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION")],
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)

# the generated C belongs to the NumPy whose declarations it was made from
setup(ext_modules=cythonize([core], build_dir=f"build/numpy-{np.__version__}"))
