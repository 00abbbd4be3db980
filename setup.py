"""The extension, and of the same objects the static library; everything else is in pyproject.toml."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

EXPORTS = Path("src/lse/engine/exports.txt")
ENGINE = [Path("src/lse/kernels"), Path("src/lse/engine")]

if sys.platform == "win32":
    compile_args, link_args = ["/std:c11", "/O2", "/fp:precise", "/openmp"], []
else:
    compile_args, link_args = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden"], []
    if "-g" not in os.environ.get("CFLAGS", "").split():  # debug information is ten times the code
        compile_args.append("-g0")
    # by default a 32-bit x86 computes in the registers of x87, which round to more digits than a double has
    if platform.machine().lower() in ("i386", "i486", "i586", "i686", "x86_64", "amd64") and sys.maxsize < 2**32:
        compile_args += ["-msse2", "-mfpmath=sse"]
    # Emscripten has no OpenMP; two copies of libomp in a process crash on macOS, so there it is for who asks for it
    if sys.platform not in ("darwin", "emscripten") or os.environ.get("LSE_OPENMP") == "1":
        compile_args, link_args = [*compile_args, "-fopenmp"], ["-fopenmp"]


# where nearly all processors have better kernels, -O2 makes these a third smaller and 8 % slower
SMALLER = ["scalar.c"] if platform.machine().lower() in ("x86_64", "arm64", "aarch64") else []


PKG_CONFIG = """\
prefix=${{pcfiledir}}/../..
includedir=${{prefix}}/include
libdir=${{prefix}}/lib

Name: lse
Description: Log-sum-exp, softmax and log-softmax in one pass over memory
Version: {version}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -llse {private}
"""


class BuildWithLibrary(build_ext):
    """Makes a static library of the engine's objects, which know nothing of Python, and tells pkg-config of it."""

    def build_extension(self, extension):
        self._built_objects = []
        if sys.platform != "win32":
            compile_all, compile_one = self.compiler.compile, self.compiler._compile

            def compile_with_flags(obj, src, ext, cc_args, extra_postargs, pp_opts):
                flags = [flag.replace("O3", "O2") if Path(src).name in SMALLER else flag for flag in extra_postargs]
                compile_one(obj, src, ext, cc_args, flags, pp_opts)

            def compile_at_once(*args, **options):
                """As many sources at once as there are processors: setuptools compiles one after the other."""
                with ThreadPoolExecutor(self.parallel or os.cpu_count()) as pool:
                    begun = []
                    self.compiler._compile = lambda *call: begun.append(pool.submit(compile_with_flags, *call))
                    objects = compile_all(*args, **options)
                    for each in begun:
                        each.result()
                return objects

            self.compiler.compile = compile_at_once
        super().build_extension(extension)
        engine = [name for name in self._built_objects if Path(name).stem != "_core"]
        if not engine:  # all of it was there and new enough
            return
        folder = self.library(self.build_lib)
        shutil.rmtree(folder, ignore_errors=True)  # or ar would keep what an earlier library had
        self.compiler.create_static_lib(self.hide_internals(engine), "lse", output_dir=str(folder))
        (folder / "pkgconfig").mkdir()
        text = PKG_CONFIG.format(version=self.distribution.get_version(), private=" ".join([*link_args, "-lm"]))
        (folder / "pkgconfig" / "lse.pc").write_text(text)

    def hide_internals(self, objects):
        """One object of all these, whose only global names are those of EXPORTS; without binutils, these objects."""
        if sys.platform in ("darwin", "emscripten", "win32"):
            return objects
        whole = str(Path(self.build_temp, "lse.o"))
        link, narrow = (shlex.split(os.environ.get(name.upper(), name)) for name in ("ld", "objcopy"))
        try:
            subprocess.run([*link, "-r", "-o", whole, *objects], check=True)
            subprocess.run([*narrow, f"--keep-global-symbols={EXPORTS}", whole], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.warn(f"the static library exports internal names as well: {error}")
            return objects
        return [whole]

    def copy_extensions_to_source(self):
        super().copy_extensions_to_source()
        shutil.copytree(self.library(self.build_lib), self.library("src"), dirs_exist_ok=True)

    def library(self, root):
        return Path(root) / "lse" / "lib"


core = Extension(
    "lse._core",
    ["src/lse/_core.pyx", *sorted(str(path) for folder in ENGINE for path in folder.glob("*.c"))],
    include_dirs=[np.get_include(), "src/lse"],
    depends=[
        "src/lse/include/lse/lse.h",
        str(EXPORTS),
        *(str(path) for folder in ENGINE for path in folder.glob("*.h")),
    ],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION")],
    extra_compile_args=compile_args,
    extra_link_args=link_args,
)

# the generated C belongs to the NumPy whose declarations it was made from
setup(
    ext_modules=cythonize([core], build_dir=f"build/numpy-{np.__version__}"),
    cmdclass={"build_ext": BuildWithLibrary},
)
