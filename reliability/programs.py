"""The programs in C of the tests, and what they are to do, for runs that watch their memory."""

import sys
from pathlib import Path

import numpy as np

from reliability import native
from reliability.tables import ROOT, Fault

TESTS = ROOT / "tests"


def interface():
    """The tests of lse.h; they say what the functions shall answer."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    import test_c_interface

    return test_c_interface


def requests(most: int | None = None) -> list:
    """Calls of every function of lse.h, wrong ones too; with `most`, those of no more elements."""
    rng = np.random.default_rng(0)
    every = [call for dtype in interface().DTYPES for call in interface().all_calls(rng, dtype)]
    return [call for call in every if most is None or call.x.size <= most]


def requests_without_memory() -> list:
    """Calls that want more memory than there is, if that is less than 800 MB, and calls after them."""
    return [*interface().calls_without_memory(), *requests(100)]


def compiled(folder: Path, compiler: str, *flags: str) -> list[Path]:
    """selftest.c with the kernels, embedding.c with the whole engine."""
    found = []
    for name, sources in (("selftest", native.KERNELS), ("embedding", native.ENGINE)):
        (folder / name).mkdir()
        found.append(native.program(folder / name, compiler, [*sources, TESTS / f"{name}.c"], *flags, "-fopenmp"))
    return found


def check(program: list[object], calls: list, **environment: str) -> None:
    """Let embedding.c answer; Fault where it answers wrongly or is ended, with its last words."""
    interface()
    import c_program

    try:
        c_program.Program(*program).check(calls, **environment)
    except AssertionError as fault:
        raise Fault(f"{program}: {str(fault)[:4000]}") from fault
