"""What several test modules share."""

import subprocess
import sys

import numpy as np
import pytest

from checks import ROOT, STRICT, compiled, tool


@pytest.fixture
def rng(request):
    """A generator whose seed is the same in every run, and another for every test."""
    return np.random.default_rng([ord(c) for c in request.node.nodeid.split("::", 1)[1]])


class WatchedEngine:
    """All of the engine, compiled by gcc with its sanitizers."""

    def __init__(self, folder):
        if not sys.platform.startswith("linux"):
            pytest.skip("elsewhere gcc may be clang, which wants its own OpenMP")
        package = ROOT / "src" / "lse"
        self.compiler = tool("gcc")
        self.flags = ["-std=c11", "-O1", "-g", "-fopenmp", "-ffp-contract=off", *STRICT]
        self.flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        self.flags += [f"-I{path}" for path in (package, package / "include", package / "kernels")]
        sources = sorted(path for name in ("kernels", "engine") for path in (package / name).glob("*.c"))
        self.objects = self.compiled(sources, folder)

    def compiled(self, sources, folder):
        return compiled(self.compiler, [(source, self.flags) for source in sources], folder)

    def program(self, folder, *sources, link=()):
        """A program of these sources and the engine."""
        objects = [*self.compiled(sources, folder), *self.objects]
        target = folder / sources[0].stem
        subprocess.run([self.compiler, *self.flags, *objects, "-o", target, *link, "-lm"], check=True)
        return target


@pytest.fixture(scope="session")
def watched_engine(tmp_path_factory):
    """Compiled once, for it takes longer than all else that is compiled."""
    return WatchedEngine(tmp_path_factory.mktemp("watched"))
