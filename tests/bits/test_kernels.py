"""The C kernels by themselves: strict warnings, both compilers, and instruction sets of other processors."""

import platform
import subprocess
from pathlib import Path

import pytest

import golden
from checks import ROOT, STRICT, compiled, tool

SELFTEST = Path(__file__).with_name("selftest.c")
SIMDE_MISSING = Path(__file__).with_name("simde_missing.h")
LSE = ROOT / "src" / "lse"
KERNELS = LSE / "kernels"
INCLUDE = [f"-I{folder}" for folder in (LSE, LSE / "include", KERNELS)]
FLAGS = ["-std=c11", "-O2", "-ffp-contract=off", *STRICT, *INCLUDE]
X86_64 = platform.machine() in ("x86_64", "AMD64")
SIMDE = Path("/usr/include/simde/x86/avx512.h")

pytestmark = [
    pytest.mark.compiles,
    pytest.mark.skipif(not KERNELS.is_dir(), reason="needs the sources"),
]


KERNEL_FILES, ENGINE_FILES = sorted(KERNELS.glob("*.c")), sorted((LSE / "engine").glob("*.c"))


def objects_of(folder, compiler, *extra):
    """The kernels, the engine and both programs, compiled: the objects by their sources."""
    sources = [*KERNEL_FILES, *ENGINE_FILES, SELFTEST, golden.PROGRAM]
    objects = compiled(compiler, [(path, [*FLAGS, *extra]) for path in sources], folder)
    return dict(zip(sources, objects, strict=True))


def link(folder, objects, compiler, *extra):
    """The programs selftest and golden, the second one with all of the engine."""
    for program, parts in ((SELFTEST, KERNEL_FILES), (golden.PROGRAM, [*KERNEL_FILES, *ENGINE_FILES])):
        linked = [objects[path] for path in (*parts, program)]
        subprocess.run([compiler, *extra, *linked, "-o", folder / program.stem, "-lm"], check=True)
    return folder / "selftest", folder / "golden"


def build(folder, compiler, *extra):
    return link(folder, objects_of(folder, compiler, *extra), compiler, *extra)


@pytest.fixture(scope="module")
def by_gcc(tmp_path_factory):
    """Compiled once for this processor and for older ones."""
    return objects_of(tmp_path_factory.mktemp("gcc"), tool("gcc"), "-O1")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_digests(*command):
    assert run(*command).splitlines() == golden.expected(golden.IN_C)


@pytest.mark.parametrize(("compiler", "level"), [("gcc", "-O1"), ("clang", "-O1"), ("gcc", "-O3"), ("clang", "-O3")])
def test_compilers(request, tmp_path, compiler, level):
    if (compiler, level) == ("gcc", "-O1"):
        selftest, digests = link(tmp_path, request.getfixturevalue("by_gcc"), tool(compiler))
    else:
        selftest, digests = build(tmp_path, tool(compiler), level)
    printed = run(selftest)
    assert "scalar: " in printed
    check_digests(digests)
    if X86_64 and "avx2" in Path("/proc/cpuinfo").read_text():
        assert "avx2: " in printed


def test_no_names_that_windows_headers_define():
    """windef.h, minwindef.h and rpcndr.h define these as macros."""
    macros = ["far=", "near=", "FAR=", "NEAR=", "IN=", "OUT=", "small=char"]
    command = [tool("gcc", "clang"), *FLAGS, "-fsyntax-only", *(f"-D{macro}" for macro in macros)]
    for source in KERNEL_FILES:
        subprocess.run([*command, source], check=True)


def test_gcc_sanitizers(watched_engine, tmp_path):
    assert "scalar: " in run(watched_engine.program(tmp_path, SELFTEST))
    check_digests(watched_engine.program(tmp_path, golden.PROGRAM))


def test_clang_sanitizer(tmp_path):
    """For undefined behaviour alone; with that for addresses it takes minutes to compile."""
    selftest, digests = build(tmp_path, tool("clang"), "-fsanitize=undefined", "-fno-sanitize-recover=all", "-O1", "-g")
    assert "scalar: " in run(selftest)
    check_digests(digests)


def test_neon(tmp_path):
    if platform.machine() in ("aarch64", "arm64"):
        selftest, digests = build(tmp_path, tool("cc"))
        assert "neon: " in run(selftest)
        check_digests(digests)
        return
    emulator = tool("qemu-aarch64-static", "qemu-aarch64")
    selftest, digests = build(tmp_path, tool("aarch64-linux-gnu-gcc"), "-static")
    assert "neon: " in run(emulator, selftest)
    check_digests(emulator, digests)


@pytest.mark.skipif(not X86_64, reason="SIMDe is compiled to AVX2 here")
def test_avx512_without_the_processor(tmp_path, by_gcc):
    """SIMDe spells the intrinsics out in AVX2."""
    compiler = tool("gcc")
    if not SIMDE.exists():
        tool("SIMDe (libsimde-dev)")
    source = (KERNELS / "avx512.c").read_text()
    source = source.replace(
        "#include <immintrin.h>",
        f'#define SIMDE_ENABLE_NATIVE_ALIASES\n#include "{SIMDE}"\n#include "{SIMDE_MISSING}"',
    )
    source = source.replace('LSE_REGION_BEGIN("avx512f")', "").replace("LSE_REGION_END", "")
    (tmp_path / "avx512.c").write_text(source)
    common = [*FLAGS, "-O1", "-DSELFTEST_ALL", "-mavx2", "-mfma"]
    sources = [(tmp_path / "avx512.c", [*common, "-Wno-error", "-w"]), (SELFTEST, common)]
    others = [by_gcc[path] for path in KERNEL_FILES if path.name != "avx512.c"]
    program = tmp_path / "selftest"
    subprocess.run([compiler, *compiled(compiler, sources, tmp_path), *others, "-o", program, "-lm"], check=True)
    assert "avx512: " in run(program)


@pytest.fixture(scope="module")
def static_selftest(tmp_path_factory, by_gcc):
    """For any processor of this kind, with no library of this one's."""
    return link(tmp_path_factory.mktemp("static"), by_gcc, tool("gcc"), "-static")[0]


@pytest.mark.parametrize(("model", "names"), [("Nehalem", ["scalar"]), ("Haswell", ["avx2", "scalar"])])
@pytest.mark.skipif(not X86_64, reason="models of x86-64 processors")
def test_the_choice_on_older_processors(request, model, names):
    emulator = [tool("qemu-x86_64-static", "qemu-x86_64"), "-cpu", model]
    selftest = request.getfixturevalue("static_selftest")  # `python -m reliability bits` wants the digests too: minutes
    assert run(*emulator, selftest, "--names").split() == names
