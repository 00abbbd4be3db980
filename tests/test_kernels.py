"""The C kernels by themselves: strict warnings, both compilers, and instruction sets of other processors."""

import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checks import tool

TESTS = Path(__file__).parent
KERNELS = TESTS.parent / "src" / "lse" / "kernels"
FLAGS = ["-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{KERNELS}"]
X86_64 = platform.machine() in ("x86_64", "AMD64")
SIMDE = Path("/usr/include/simde/x86/avx512.h")

pytestmark = pytest.mark.skipif(not KERNELS.is_dir(), reason="needs the sources")


def compile_all(compiler, sources, tmp_path):
    """Objects of (source, flags) pairs, compiled side by side: the kernels are long, for all in them is inlined."""
    objects = [tmp_path / f"{source.name}.o" for source, _ in sources]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        commands = [
            [compiler, *FLAGS, *flags, "-c", source, "-o", target]
            for (source, flags), target in zip(sources, objects, strict=True)
        ]
        list(pool.map(lambda command: subprocess.run(command, check=True), commands))
    return objects


def build(tmp_path, compiler, *extra):
    program = tmp_path / "selftest"
    sources = [(path, extra) for path in (*sorted(KERNELS.glob("*.c")), TESTS / "selftest.c")]
    subprocess.run([compiler, *extra, *compile_all(compiler, sources, tmp_path), "-o", program, "-lm"], check=True)
    return program


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O1", "-O3"])
def test_compilers(tmp_path, compiler, level):
    printed = run(build(tmp_path, tool(compiler), level))
    assert "scalar: " in printed
    if X86_64 and "avx2" in Path("/proc/cpuinfo").read_text():
        assert "avx2: " in printed


@pytest.mark.parametrize(
    ("compiler", "sanitizers"),
    [("gcc", "address,undefined"), ("clang", "undefined")],  # with both, clang takes minutes to compile
)
def test_undefined_behaviour(tmp_path, compiler, sanitizers):
    flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-O1", "-g"]
    assert "scalar: " in run(build(tmp_path, tool(compiler), *flags))


def test_neon(tmp_path):
    if platform.machine() in ("aarch64", "arm64"):
        assert "neon: " in run(build(tmp_path, tool("cc")))
        return
    program = build(tmp_path, tool("aarch64-linux-gnu-gcc"), "-static")
    assert "neon: " in run(tool("qemu-aarch64-static", "qemu-aarch64"), program)


@pytest.mark.skipif(not X86_64, reason="SIMDe is compiled to AVX2 here")
def test_avx512_without_the_processor(tmp_path):
    """SIMDe spells the intrinsics out in AVX2."""
    compiler = tool("gcc")
    if not SIMDE.exists():
        tool("SIMDe (libsimde-dev)")
    source = (KERNELS / "avx512.c").read_text()
    source = source.replace(
        "#include <immintrin.h>",
        f'#define SIMDE_ENABLE_NATIVE_ALIASES\n#include "{SIMDE}"\n#include "{TESTS / "simde_missing.h"}"',
    )
    source = source.replace('LSE_REGION_BEGIN("avx512f")', "").replace("LSE_REGION_END", "")
    (tmp_path / "avx512.c").write_text(source)
    common = ["-DSELFTEST_ALL", "-mavx2", "-mfma"]
    sources = [
        (tmp_path / path.name, [*common, "-Wno-error", "-w"]) if path.name == "avx512.c" else (path, common)
        for path in (*sorted(KERNELS.glob("*.c")), TESTS / "selftest.c")
    ]
    objects = compile_all(compiler, sources, tmp_path)
    program = tmp_path / "selftest"
    subprocess.run([compiler, *objects, "-o", program, "-lm"], check=True)
    assert "avx512: " in run(program)


@pytest.mark.parametrize(("model", "names"), [("Nehalem", ["scalar"]), ("Haswell", ["avx2", "scalar"])])
@pytest.mark.skipif(not X86_64, reason="models of x86-64 processors")
def test_the_choice_on_older_processors(tmp_path, model, names):
    program = build(tmp_path, tool("gcc"), "-static")
    assert run(tool("qemu-x86_64-static", "qemu-x86_64"), "-cpu", model, program, "--names").split() == names
