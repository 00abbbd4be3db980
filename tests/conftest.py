"""Fixtures shared by several test modules."""

import re
import sys

import numpy as np
import pytest

import native
from checks import KERNELS, tool, using

# Slow tests are skipped unless --all is given or -m selects them; pyproject.toml explains the markers.
LONG = ("compiles", "fuzzes", "exhausts", "waits", "long")
LEFT_OUT = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the tests that compile, fuzz, exhaust or wait: minutes")
    parser.addoption("--times", type=int, default=50, help="calls of each function in search of leaks (default: 50)")


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
    """Each kernel in turn; numeric tests use it, mostly for a whole module by `pytestmark`."""
    with using(request.param) as kernel:
        yield kernel


@pytest.fixture
def rng(request):
    """A generator whose seed is the same in every run and on every kernel, and different for every test."""
    name = request.node.nodeid.split("::", 1)[1]
    if "kernel" in request.fixturenames:
        kernel = request.node.callspec.params["kernel"]
        name = re.sub(rf"\[{kernel}\]|{kernel}-|-{kernel}\b", "", name, count=1)
    return np.random.default_rng([ord(c) for c in name])


class WatchedEngine:
    """The whole engine, compiled by gcc with its sanitizers."""

    def __init__(self, folder):
        if not sys.platform.startswith("linux"):
            pytest.skip("elsewhere gcc may be clang, which wants its own OpenMP")
        self.compiler = tool("gcc")
        # -g1 tells lines, not variables, which take a third of the time; -O1 takes several times as long as -O0, which
        # warns of loops that it does not unroll
        self.flags = ["-O0", "-g1", "-fopenmp", "-w", f"-I{native.SOURCES / 'kernels'}"]
        self.flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        self.objects = native.objects(folder, self.compiler, native.ENGINE, *self.flags)

    def program(self, folder, *sources, link=()):
        """A program from these sources and the engine."""
        objects = native.objects(folder, self.compiler, sources, *self.flags)
        target = folder / sources[0].stem
        command = [self.compiler, *self.flags, *objects.values(), *self.objects.values(), "-o", target, *link, "-lm"]
        native.output(command)
        return target


@pytest.fixture(scope="session")
def watched_engine(tmp_path_factory):
    """Compiled once, because it takes longer than anything else."""
    return WatchedEngine(tmp_path_factory.mktemp("watched"))
