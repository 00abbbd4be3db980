"""Inputs that libFuzzer has found worth keeping (`python -m reliability fuzz`), replayed by another compiler."""

import subprocess
import sys
from pathlib import Path

import pytest

from checks import compiled, tool

ROOT = Path(__file__).resolve().parent.parent
RELIABILITY = ROOT / "reliability"
CORPUS = sorted(RELIABILITY.glob("corpus/*"))
SOURCES = [path for folder in ("kernels", "core") for path in (ROOT / "src" / "lse" / folder).glob("*.c")]
FLAGS = ["-std=c11", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the linker's --wrap"),
    pytest.mark.skipif(not CORPUS, reason="needs the sources"),
]


def test_the_corpus(tmp_path):
    compiler, package = tool("gcc"), ROOT / "src" / "lse"
    flags = [*FLAGS, *SANITIZERS, f"-I{package}", f"-I{package / 'include'}"]
    sources = [(path, flags) for path in (*SOURCES, *RELIABILITY.glob("fuzzing/*.c"))]
    objects = compiled(compiler, sources, tmp_path)
    program = tmp_path / "replay"
    subprocess.run([compiler, *SANITIZERS, *objects, "-o", program, "-Wl,--wrap=lse_chosen", "-lm"], check=True)
    done = subprocess.run([program, *CORPUS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == len(CORPUS) > 100
