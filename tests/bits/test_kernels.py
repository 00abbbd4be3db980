"""The C kernels by themselves: strict warnings, gcc and clang, and instruction sets of other processors."""

import os
import platform
import subprocess
from pathlib import Path

import pytest

import golden
import lse
import native
from checks import tool
from native import ENGINE, KERNELS, STRICT

SELFTEST = Path(__file__).with_name("selftest.c")
STATE_BYTES = Path(__file__).with_name("state_bytes.c")
SIMDE_MISSING = Path(__file__).with_name("simde_missing.h")
FOLDER = native.SOURCES / "kernels"
FLAGS = [*STRICT, f"-I{FOLDER}"]
X86_64 = platform.machine() in ("x86_64", "AMD64")
SIMDE = Path("/usr/include/simde/x86")
NAMES = ["avx512", "avx2", "neon", "scalar"]
LONG = pytest.mark.long
CPUINFO = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
CANNOT_RUN = 4  # exit status of golden.c where LSE_KERNELS names what the processor lacks

pytestmark = [
    pytest.mark.compiles,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the sources"),
]


class Build:
    """The kernels compiled once, with selftest, and with golden without and with OpenMP."""

    def __init__(self, folder, compiler, *flags):
        self.folder, self.compiler, self.flags = folder, compiler, flags
        self.objects = native.objects(folder, compiler, [*KERNELS, SELFTEST, golden.PROGRAM], *FLAGS, *flags)

    def link(self, program, objects, *flags):
        target = self.folder / "".join([program, *flags])
        native.output([self.compiler, *self.flags, *flags, *objects, "-o", target, "-lm"])
        return target

    def selftest(self, *flags):
        return self.link("selftest", [self.objects[path] for path in (*KERNELS, SELFTEST)], *flags)

    def golden(self, *flags):
        """Compile golden with the engine and these flags."""
        (folder := self.folder / "".join(["engine", *flags])).mkdir()
        engine = native.objects(folder, self.compiler, ENGINE[len(KERNELS) :], *FLAGS, *self.flags, *flags)
        kernels = [self.objects[path] for path in (*KERNELS, golden.PROGRAM)]
        return self.link("golden", [*kernels, *engine.values()], *flags)


@pytest.fixture(scope="module")
def by_gcc(tmp_path_factory):
    """Compiled once for this processor and for older ones."""
    return Build(tmp_path_factory.mktemp("gcc"), tool("gcc"), "-O1")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_digests(*command):
    assert run(*command).splitlines() == golden.expected(golden.IN_C)


def check_all_digests(*command, threads):
    """Check the digests on every kernel that the processor can run; return their names."""
    found = []
    for name in NAMES:
        for count in threads:
            words = [*command, count]
            done = subprocess.run(words, env={**os.environ, "LSE_KERNELS": name}, capture_output=True, text=True)
            if done.returncode == CANNOT_RUN:
                break
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines() == golden.expected(golden.IN_C), (name, count)
        else:
            found.append(name)
    return found


# gcc -O3 is what the extension is built with on Linux, and so what all other tests run; clang -O3, there and on macOS,
# what the workflow `tests` runs them with. .ci/run has the level of clang that takes least time to compile
@pytest.mark.parametrize(
    ("compiler", "level"),
    [
        ("gcc", "-O1"),
        ("clang", "-O0"),
        *(pytest.param("gcc", level, marks=LONG) for level in ("-O2", "-O3", "-O3 -flto")),
        *(pytest.param("clang", level, marks=LONG) for level in ("-O1", "-O2", "-O3", "-O3 -flto")),
    ],
)
def test_compilers(request, tmp_path, compiler, level):
    if (compiler, level) == ("gcc", "-O1"):
        build = request.getfixturevalue("by_gcc")
    else:
        build = Build(tmp_path, tool(compiler), *level.split())
    threads = ["3"] if level == "-O0" else ["1", "2", "3", "7"]
    names = check_all_digests(build.golden("-fopenmp"), threads=threads)
    assert "scalar" in names
    if X86_64 and "avx2" in CPUINFO:
        assert "avx2" in names
    if level in ("-O1", "-O3"):
        printed = run(build.selftest())
        assert all(f"{name}: " in printed for name in names)
        check_digests(build.golden())


def test_no_names_that_windows_headers_define():
    """windef.h, minwindef.h and rpcndr.h define these as macros."""
    macros = ["far=", "near=", "FAR=", "NEAR=", "IN=", "OUT=", "small=char"]
    command = [tool("gcc", "clang"), *native.FLAGS, *FLAGS, "-fsyntax-only", *(f"-D{macro}" for macro in macros)]
    for source in ENGINE:
        subprocess.run([*command, source], check=True)


def test_gcc_sanitizers(watched_engine, tmp_path):
    assert "scalar: " in run(watched_engine.program(tmp_path, SELFTEST))
    check_digests(watched_engine.program(tmp_path, golden.PROGRAM))


@LONG  # four minutes; the workflow `sanitizers` runs the whole suite so, too
def test_clang_sanitizer(tmp_path):
    """For undefined behaviour alone; with that for addresses it takes even longer to compile."""
    build = Build(tmp_path, tool("clang"), "-fsanitize=undefined", "-fno-sanitize-recover=all", "-O0", "-g1")
    assert "scalar: " in run(build.selftest())
    check_digests(build.golden())


def test_neon(tmp_path):
    if platform.machine() in ("aarch64", "arm64"):
        build = Build(tmp_path, tool("cc"), "-O2")
        assert "neon: " in run(build.selftest())
        check_digests(build.golden())
        return
    emulator = tool("qemu-aarch64-static", "qemu-aarch64")
    build = Build(tmp_path, tool("aarch64-linux-gnu-gcc"), "-O2")
    assert "neon: " in run(emulator, build.selftest("-static"))
    found = check_all_digests(emulator, build.golden("-fopenmp", "-static"), threads=["3"])
    assert found == ["neon", "scalar"]


@pytest.mark.parametrize(
    ("compiler", "flags", "emulators"),
    [
        # big-endian, and floats are computed in double, by the rules of C11
        ("s390x-linux-gnu-gcc", ["-O1"], ["qemu-s390x-static", "qemu-s390x"]),
        # 32 bits; runs without emulator
        pytest.param(
            *("i686-linux-gnu-gcc", ["-O1", "-msse2", "-mfpmath=sse"], []),
            marks=pytest.mark.skipif(not X86_64, reason="for x86"),
        ),
    ],
    ids=["s390x", "i686"],
)
def test_processors_without_kernels(tmp_path, compiler, flags, emulators):
    compiler, emulator = tool(compiler), [tool(*emulators)] if emulators else []
    flags = [*FLAGS, *flags, "-fopenmp"]
    objects = native.objects(tmp_path, compiler, [*ENGINE, golden.PROGRAM, STATE_BYTES], *flags)

    def program(source):
        target = tmp_path / source.stem
        found = [objects[path] for path in (*ENGINE, source)]
        native.output([compiler, "-fopenmp", "-static", *found, "-o", target, "-lm"])
        return target

    assert check_all_digests(*emulator, program(golden.PROGRAM), threads=["3"]) == ["scalar"]
    x, b = [0.5, -3.25, 700, 1e-3, 699.75], [2, -1, 0.125, 3, -0.5]
    expected = lse.LogSumExp().update(x).update(x, b=b).to_bytes().hex()
    assert run(*emulator, program(STATE_BYTES)) == expected


@(LONG if "avx512f" in CPUINFO else pytest.mark.compiles)  # all other tests run these kernels where they can
@pytest.mark.skipif(not X86_64, reason="SIMDe is compiled to AVX2 here")
def test_avx512_without_the_processor(tmp_path, by_gcc):
    """SIMDe implements the intrinsics in AVX2."""
    compiler = tool("gcc")
    if not SIMDE.exists():
        tool("SIMDe (libsimde-dev)")
    source = (FOLDER / "avx512.c").read_text()
    source = source.replace(
        "#include <immintrin.h>",
        "\n".join(
            ["#define SIMDE_ENABLE_NATIVE_ALIASES"]
            + [f'#include "{path}"' for path in (SIMDE / "avx512.h", SIMDE / "f16c.h", SIMDE_MISSING)]
        ),
    )
    source = source.replace('LSE_REGION_BEGIN("avx512f,f16c")', "").replace("LSE_REGION_END", "")
    (tmp_path / "avx512.c").write_text(source)
    common = [*FLAGS, "-O1", "-DSELFTEST_ALL", "-mavx2", "-mfma", "-mf16c"]
    objects = native.objects(tmp_path, compiler, [tmp_path / "avx512.c"], *common, "-Wno-error", "-w")
    objects |= native.objects(tmp_path, compiler, [SELFTEST], *common)
    others = [by_gcc.objects[path] for path in KERNELS if path.name != "avx512.c"]
    program = tmp_path / "selftest"
    native.output([compiler, *objects.values(), *others, "-o", program, "-lm"])
    assert "avx512: " in run(program)


OLDER = [("Nehalem", ["scalar"]), ("Haswell", ["avx2", "scalar"])]


@pytest.fixture(scope="module")
def static(by_gcc):
    """Without this processor's libraries."""
    return by_gcc.selftest("-static"), by_gcc.golden("-fopenmp", "-static")


@pytest.mark.skipif(not X86_64, reason="models of x86-64 processors")
@pytest.mark.parametrize(("model", "names"), OLDER)
def test_the_choice_on_older_processors(request, model, names):
    emulator = [tool("qemu-x86_64-static", "qemu-x86_64"), "-cpu", model]
    assert run(*emulator, request.getfixturevalue("static")[0], "--names").split() == names


@LONG
@pytest.mark.skipif(not X86_64, reason="models of x86-64 processors")
@pytest.mark.parametrize(("model", "names"), OLDER)
def test_bits_on_older_processors(request, model, names):
    emulator = [tool("qemu-x86_64-static", "qemu-x86_64"), "-cpu", model]
    assert check_all_digests(*emulator, request.getfixturevalue("static")[1], threads=["3"]) == names
