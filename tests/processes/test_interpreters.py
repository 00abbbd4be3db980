"""Subinterpreters: only one interpreter of a process can import lse, others raise."""

import importlib.util
import sys

import pytest

from checks import fresh

NAME = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
pytestmark = pytest.mark.skipif(importlib.util.find_spec(NAME) is None, reason="no sub-interpreters")

# The results of importing lse in a subinterpreter of each kind, and then in the main interpreter.
PROGRAM = """
import os, sys
kind, first = sys.argv[1:]
code = '''
import warnings
warnings.simplefilter("ignore")  # NumPy's own, of sub-interpreters
try:
    import lse, numpy as np
    answer = lse.logsumexp(np.zeros((2, 1 << 20)), axis=1).tolist()
    print("right" if answer == [13.862943611198906] * 2 else "wrong", flush=True)
except ImportError as error:
    print(error, flush=True)
'''
if first == "main":
    exec(code)
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    for _ in range(2):
        made = interpreters.create("isolated" if kind == "own" else "legacy")
        assert interpreters.exec(made, code) is None
else:
    import _xxsubinterpreters as interpreters
    for _ in range(2):
        made = interpreters.create(isolated=kind == "own")
        interpreters.run_string(made, code)
exec(code)
os._exit(0)  # with NumPy, CPython 3.11 hangs as it ends its interpreters where output is buffered, without lse too
"""
TOLD = ("lse cannot be imported into this interpreter (", "use processes instead of interpreters.")


def said(kind, first):
    lines = fresh(PROGRAM, kind, first).splitlines()
    assert all(line == "right" or (line.startswith(TOLD[0]) and line.endswith(TOLD[1])) for line in lines)
    return [line == "right" for line in lines]


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_beside_an_interpreter_that_has_it(kind):
    assert said(kind, "main") == [True, False, False, True]


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_one_interpreter_at_most_has_it(kind):
    """NumPy decides which: it refuses those with their own GIL, and others once it was imported in another."""
    assert sum(said(kind, "none")) <= 1
