"""Data races: the engine and the extension under clang's thread sanitizer; archer tells it about OpenMP."""

import os
import sys
import sysconfig
from pathlib import Path

import pytest

import native
import scratch
from checks import missing, tool

HERE = Path(__file__).with_name("racing")
SANITIZE = "-fsanitize=thread"
FLAGS = [SANITIZE, "-fopenmp", "-g", "-O1"]
REPEATS = 3
VECTORS = ["avx2", "avx512"]  # kernels that are not watched, and whose compilation takes minutes

pytestmark = [
    pytest.mark.compiles,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="clang's thread sanitizer as on Linux"),
    pytest.mark.skipif(not native.ENGINE, reason="needs the sources"),
]


@pytest.fixture(scope="module")
def environment():
    """The environment of the programs.

    The sanitizer does not watch accesses wider than 16 bytes, such as those of vectors. With
    ignore_noninstrumented_modules instead of archer it would not see our memory copies either.
    """
    tool("clang")
    libraries = Path(native.output(["clang", "-print-resource-dir"]).strip()).parents[1]
    archer = sorted(libraries.rglob("libarcher.so"))
    if not archer:
        missing("libarcher.so, which comes with libomp,")
    return {
        "LSE_KERNELS": "scalar",
        "OMP_NUM_THREADS": "3",
        "OMP_TOOL_LIBRARIES": str(archer[0]),
        "TSAN_OPTIONS": f"halt_on_error=1:suppressions={HERE / 'suppressions.txt'}",
    }


def check(planted, command, environment):
    """The sanitizer reports a planted race, and no others."""
    with pytest.raises(native.CommandError, match="data race") as raised:
        native.output(planted, **environment)
    assert "/src/lse/" in str(raised.value)
    for _ in range(REPEATS):
        calls, elements = map(int, native.output(command, **environment).split())
        assert calls > 100
        assert elements > 10**7


def test_c(tmp_path, environment):
    (other := tmp_path / "planted").mkdir()
    engine = list(map(str, native.objects(other, "clang", native.without(tmp_path, VECTORS), *FLAGS).values()))
    planted = native.program(other, "clang", [HERE / "engine.c"], *FLAGS, "-DPLANTED", link=engine)
    check([planted], [native.program(tmp_path, "clang", [HERE / "engine.c"], *FLAGS, link=engine)], environment)


@pytest.mark.skipif(not (native.ROOT / ".git").exists(), reason="copies what git tracks")
def test_python(tmp_path, environment):
    """With an interpreter linked with the sanitizer, and an extension compiled for it."""
    python = sysconfig.get_config_vars()
    library = Path(python["LIBDIR"] if python["Py_ENABLE_SHARED"] else python["LIBPL"])
    if not list(library.glob(f"libpython{python['LDVERSION']}.*")):
        missing(f"libpython{python['LDVERSION']}")
    scratch.copy(tmp_path)
    native.without(tmp_path / "src" / "lse" / "kernels", VECTORS)
    scratch.build(tmp_path, "clang", "-O1", f"{SANITIZE} -g", SANITIZE)
    flags = [f"-I{sysconfig.get_path('include')}", f'-DPYTHON="{sys.executable}"']
    link = [*python["LINKFORSHARED"].split(), f"-L{library}", f"-Wl,-rpath,{library}", f"-lpython{python['LDVERSION']}"]
    link += [*python["LIBS"].split(), *python["SYSLIBS"].split()]
    interpreter = tmp_path / "python"
    native.output(["clang", SANITIZE, *flags, HERE / "python.c", *link, "-o", interpreter])
    folders = os.pathsep.join([str(tmp_path / "src"), str(tmp_path / "tests" / "memory")])
    command = ["env", f"PYTHONPATH={folders}", interpreter, HERE / "hammer.py"]
    check([*command, "planted"], command, environment)
