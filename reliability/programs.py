"""The programs in C of the tests, and what they are to do, for runs that watch their memory."""

import sys
from pathlib import Path

import numpy as np

import native
from reliability.tables import TESTS

SOURCES = {
    TESTS / "bits" / "selftest.c": native.KERNELS,
    TESTS / "embedding" / "embedding.c": native.ENGINE,
}
MORE = [f"-I{native.SOURCES / 'kernels'}", "-fopenmp"]

sys.path[:0] = [str(TESTS / "embedding")]


def requests(most: int | None = None) -> list:
    """Calls of every function of lse.h, wrong ones too; with `most`, those of no more elements."""
    import c_program
    import test_c_interface as interface  # needs lse

    rng = np.random.default_rng(0)
    every = [call for dtype in interface.DTYPES for call in interface.all_calls(rng, dtype)]
    # a state must see all that it is fed
    return [call for call in every if most is None or call.x.size <= most or call.function == c_program.UPDATE]


def requests_without_memory() -> list:
    """Calls that want more memory than there is, if that is less than 800 MB, and calls after them."""
    import test_c_interface as interface

    return [*interface.calls_without_memory(), *requests(100)]


def compiled(folder: Path, compiler: str, *flags: str) -> list[Path]:
    """selftest.c with the kernels, embedding.c with the whole engine."""
    found = []
    for source, others in SOURCES.items():
        (folder / source.stem).mkdir()
        found.append(native.program(folder / source.stem, compiler, [*others, source], *flags, *MORE))
    return found


def watched(
    selftest: list[object], embedding: list[object], most: int | None = None, **environment: str
) -> tuple[int, list[str]]:
    """Run both; how many calls embedding.c was asked for, and the last words of what answered wrongly or was ended."""
    import c_program

    failures: list[str] = []
    calls = requests(most)
    if most is None:
        calls += requests_without_memory()
    try:
        native.output(selftest, **environment)
        c_program.Program(*embedding).check(calls, **environment)
    except (native.CommandError, AssertionError) as failure:
        failures.append(f"{embedding}, {environment}: {str(failure)[:4000]}")
    return len(calls), failures
