"""Fixtures shared by several test modules."""

import collections
import os
import re
import sys

import numpy as np
import pytest

import native
from checks import KERNELS, tool, using

# Left out unless --all is given or -m selects tests; pyproject.toml explains the markers. Of each test for all kernels,
# one case in three is run without --all, and by .ci/run, on those that are not the best: their arithmetic is the same.
LONG = ("compiles", "fuzzes", "exhausts", "waits", "long")
ONE_IN = 3
MOST_PROCESSES = 8


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the tests that compile, fuzz, exhaust or wait: minutes")
    parser.addoption("--times", type=int, default=50, help="calls of each function in search of leaks (default: 50)")


def is_fast(config):
    return not (config.option.all or config.option.markexpr)


def pytest_report_header(config):
    if is_fast(config):
        return (
            "left out without --all: tests that compile, fuzz, exhaust or wait, and of those for all kernels two cases "
            f"in three on {' and '.join(KERNELS[1:]) or 'others'}"
        )


@pytest.hookimpl(tryfirst=True)  # before that of pytest-xdist
def pytest_cmdline_main(config):
    """Run the fast tests, if all of them, on all processors where pytest-xdist is installed."""
    as_usual = config.option.usepdb or config.option.collectonly or hasattr(config, "workerinput")
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if is_fast(config) and is_whole and not as_usual and config.getoption("numprocesses", 0) is None:
        config.option.numprocesses = min(os.cpu_count(), MOST_PROCESSES)
        # or threads that wait would keep the processors from other processes; libgomp reads it when it is loaded
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def mark_cases(items):
    by_test = collections.defaultdict(list)
    for item in items:
        kernel = item.callspec.params.get("kernel") if hasattr(item, "callspec") else None
        if kernel in KERNELS[1:]:
            by_test[item.function, kernel].append(item)
    for (_, kernel), cases in by_test.items():
        for i, case in enumerate(cases):
            if len(cases) >= ONE_IN and (i + KERNELS.index(kernel)) % ONE_IN:
                case.add_marker(pytest.mark.exhausts)
                case.add_marker(pytest.mark.long)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config, items):
    mark_cases(items)
    if is_fast(config):
        config.hook.pytest_deselected(items=[item for item in items if any(map(item.get_closest_marker, LONG))])
        items[:] = [item for item in items if not any(map(item.get_closest_marker, LONG))]


@pytest.fixture(params=KERNELS, scope="module")
def kernel(request):
    """Each kernel in turn; numeric tests use it, mostly for a whole module by `pytestmark`."""
    with using(request.param) as kernel:
        yield kernel


@pytest.fixture
def no_floating_point_errors():
    """NumPy raises where it would warn; warnings are errors in any test."""
    with np.errstate(all="raise"):
        yield


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
        self.objects = native.objects(folder, self.compiler, native.engine(folder), *self.flags)

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
