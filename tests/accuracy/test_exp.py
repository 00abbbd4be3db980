"""A short version of `python -m reliability numbers`: exp by itself, and the reference for reductions."""

import platform
import sys

import numpy as np
import pytest

from checks import ROOT, needs_modules, tool

if not (ROOT / "reliability" / "numerics").is_dir():
    pytest.skip("needs the sources", allow_module_level=True)
if platform.system() != "Linux":
    pytest.skip("compiles as on Linux", allow_module_level=True)
needs_modules("mpmath")
sys.path.append(str(ROOT))

import native  # noqa: E402
from reliability import constants, numbers  # noqa: E402
from reliability.hard_doubles import hard_doubles  # noqa: E402
from reliability.seen import EXP, FLAGS, NUMERICS, Seen, all_of, compiled, spans  # noqa: E402
from reliability.witnesses import Case, oracle  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tool("gcc", "clang")
    return tmp_path_factory.mktemp("numerics")


def check(name, digits, seen):
    numbers.decide(seen, digits)
    assert seen.count["numbers"][0] > 10**5
    assert "scalar" in seen.kernels
    assert list(numbers.failures_of_exp({name: seen})) == []


@pytest.mark.compiles
def test_floats(folder):
    """One in 2048 of all floats, in runs of 4096 neighbours, including NaN, infinities and numbers out of range."""
    program = compiled(folder, "exp_float", EXP)
    seen = all_of(program, [(0, numbers.BLOCKS, 2048), (0, 2, 1), (numbers.BLOCKS - 2, numbers.BLOCKS, 1)])
    check("float32", 24, seen)


@pytest.mark.compiles
def test_doubles(folder):
    """Random ones, the hardest, and those where n changes."""
    program = compiled(folder, "exp_double", EXP)
    listed = folder / "hard_doubles"
    listed.write_text("\n".join(x.hex() for x in hard_doubles()))
    seen = all_of(program, [("random", 0, 200_000), ("listed", 5, listed), ("boundaries", -1100, 1101, 20)])
    check("float64", 53, seen)


@pytest.fixture(scope="module")
def reductions(folder):
    """The program that generates rows and computes their errors, with the engine."""
    return compiled(folder, "reductions", native.engine(folder))


@pytest.mark.compiles
def test_reductions(reductions):
    """Within the bounds of docs/accuracy.md."""
    seen = all_of(reductions, spans(0, 4000))
    beyond = {name: error for name, (error, _) in seen.greatest.items() if not error <= 1}
    assert not beyond
    assert seen.count["not_cancelled"][0] == 0


@pytest.mark.compiles
def test_the_reference(reductions):
    """It is within 2^-90 of mpmath, and finds the same errors as mpmath."""
    for number in range(40):
        case = Case(native.output([reductions, "show", number]))
        if np.isinf(case.x).all():
            continue
        (hi, lo), exponent = case.reference
        with oracle.mp.workdps(60):
            exact = oracle.logsumexp(case.x)
            reference = oracle.mp.ldexp(oracle.mp.mpf(hi) + oracle.mp.mpf(lo), exponent)
            assert abs(reference - exact) <= oracle.mp.ldexp(max(1, abs(exact)), -90)


@pytest.mark.compiles
def test_the_search_compiles(folder):
    """`python -m reliability worst` takes hours; it includes the kernels, whose names may clash with its own."""
    constants.header(folder)
    native.objects(folder, tool("gcc", "clang"), [NUMERICS / "worst.c"], *FLAGS, f"-I{folder}", "-fsyntax-only")


def test_a_failure_is_seen():
    """An error above the bound, or NaN, is a failure."""
    seen = Seen()
    seen.add("greatest parts 0.5 0x1p0\ngreatest parts nan 0x1p1\ncount unlike 2 0x1p2\ncount unlike 1 0x1p3\n")
    assert len(list(numbers.failures_of_exp({"float32": seen}))) == 2
    assert seen.greatest["parts"][1] == "0x1p1"
    assert seen.count["unlike"] == (3, "0x1p2")
