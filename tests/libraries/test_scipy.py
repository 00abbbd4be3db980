"""Are the functions drop-in replacements? SciPy's own tests of them, and the signatures."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import lse

special = pytest.importorskip("scipy.special")

# pytest loads this before the test module, which imports the functions by name. SciPy has a table, by function, of the
# array libraries that each supports.
PLUGIN = """
import lse, scipy.special, scipy.special._logsumexp
try:
    from scipy._lib._array_api import xp_capabilities_table as table
except ImportError:  # SciPy before 1.16
    table = {}
for name in ("logsumexp", "softmax", "log_softmax"):
    theirs, ours = getattr(scipy.special, name), getattr(lse, name)
    if theirs in table:
        table[ours] = table[theirs]
    setattr(scipy.special, name, ours)
    setattr(scipy.special._logsumexp, name, ours)
"""

MODULE = "scipy.special.tests.test_logsumexp"

# Tests whose expectations contradict semantics.md, with the row that decides: none in SciPy 1.17.
CONTRADICTED = []


def test_scipys_own_tests_pass(tmp_path):
    if importlib.util.find_spec("scipy.special.tests") is None:
        pytest.skip("SciPy was installed without its tests")
    (tmp_path / "lse_put_in.py").write_text(PLUGIN)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    env.pop("PYTEST_ADDOPTS", None)
    env.pop("SCIPY_ARRAY_API", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lse_put_in", "-p", "no:cacheprovider", "-c", os.devnull]
    command += [f"--deselect={name}" for name in CONTRADICTED] + ["--pyargs", MODULE]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 20


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("logsumexp",
         "(a, axis=None, b=None, keepdims=False, return_sign=False, *, where=True, out=None, dtype=None)"),
        ("logmeanexp", "(a, axis=None, b=None, keepdims=False, *, where=True, out=None, dtype=None)"),
        ("softmax", "(x, axis=None, *, where=True, out=None, dtype=None, empty=nan)"),
        ("log_softmax", "(x, axis=None, *, where=True, out=None, dtype=None, empty=nan)"),
        ("logcumsumexp", "(a, axis=None, *, reverse=False, out=None, dtype=None)"),
        ("segment_logsumexp", "(a, indptr, axis=-1, b=None, return_sign=False, *, where=True, out=None, dtype=None)"),
    ],
)  # fmt: skip
def test_signatures(name, signature):
    assert str(inspect.signature(getattr(lse, name))) == signature
    assert name in lse.__all__
    assert getattr(lse, name).__doc__


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_what_scipy_takes_by_position_is_taken_by_position(name):
    theirs = [
        (p.name, p.default)
        for p in inspect.signature(getattr(special, name)).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    ours = list(inspect.signature(getattr(lse, name)).parameters.values())
    assert [(p.name, p.default) for p in ours[: len(theirs)]] == theirs
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])


def test_all_arguments_by_position_and_by_name():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, -1.0], [1.0, 1.0]])
    value, sign = lse.logsumexp(a, 1, b, True, True)
    again = lse.logsumexp(a=a, axis=1, b=b, keepdims=True, return_sign=True)
    assert value.shape == sign.shape == (2, 1)
    assert np.array_equal(value, again[0])
    assert np.array_equal(sign, again[1])
    assert np.array_equal(sign[:, 0], [-1, 1])
    assert np.array_equal(lse.logmeanexp(a, 1, abs(b), True), lse.logmeanexp(a=a, axis=1, b=abs(b), keepdims=True))
    assert np.array_equal(lse.softmax(a, 1), lse.softmax(x=a, axis=1))
    for call in (
        lambda: lse.logsumexp(a, 1, b, True, True, True),
        lambda: lse.logmeanexp(a, 1, b, True, True),
        lambda: lse.softmax(a, 1, True),
        lambda: lse.log_softmax(a, 1, True),
        lambda: lse.logcumsumexp(a, 1, True),
        lambda: lse.segment_logsumexp(a, [0, 1], 1, a, False, True),
        lambda: lse.softmax(a, b=b),
        lambda: lse.logsumexp(),
        lambda: lse.segment_logsumexp(a),
        lambda: lse.logsumexp(a, a=a),
    ):
        with pytest.raises(TypeError):
            call()


def test_sign_is_a_pair_of_scalars_for_whole_arrays():
    pair = lse.logsumexp(np.float32([1, 2]), return_sign=True)
    assert type(pair) is tuple
    assert [type(x) for x in pair] == [np.float32, np.float32]
    assert pair == (lse.logsumexp(np.float32([1, 2])), 1)
