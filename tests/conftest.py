"""What several test modules share."""

import re
import subprocess
import sys

import numpy as np
import pytest

from checks import KERNELS, ROOT, STRICT, compiled, tool, using

# What takes long is left out unless --all is given, or -m asks for it; pyproject.toml says what the words mean.
LONG = ("compiles", "fuzzes", "exhausts", "waits")
LEFT_OUT = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the tests that compile, fuzz, exhaust or wait: minutes")


def pytest_collection_modifyitems(config, items):
    if config.option.all or config.option.markexpr:
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, LONG))]
    items[:] = [item for item in items if not any(map(item.get_closest_marker, LONG))]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)


def pytest_terminal_summary(terminalreporter, config):
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{count} tests that compile, fuzz, exhaust or wait were left out; `python -m pytest --all` runs them too"
        )


@pytest.fixture(params=KERNELS, scope="module")
def kernel(request):
    """Each kernel in turn; tests of numbers use it, all of a module by `pytestmark`."""
    with using(request.param) as kernel:
        yield kernel


@pytest.fixture
def rng(request):
    """A generator whose seed is the same in every run and on every kernel, and another for every test."""
    name = request.node.nodeid.split("::", 1)[1]
    if "kernel" in request.fixturenames:
        kernel = request.node.callspec.params["kernel"]
        name = re.sub(rf"\[{kernel}\]|{kernel}-|-{kernel}\b", "", name, count=1)
    return np.random.default_rng([ord(c) for c in name])


class WatchedEngine:
    """All of the engine, compiled by gcc with its sanitizers."""

    def __init__(self, folder):
        if not sys.platform.startswith("linux"):
            pytest.skip("elsewhere gcc may be clang, which wants its own OpenMP")
        package = ROOT / "src" / "lse"
        self.compiler = tool("gcc")
        # -g1 tells lines, not variables, which take a third of the time
        self.flags = ["-std=c11", "-O1", "-g1", "-fopenmp", "-ffp-contract=off", *STRICT]
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
