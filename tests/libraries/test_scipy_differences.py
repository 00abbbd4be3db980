"""Does docs/scipy.md list all differences from SciPy? Thousands of random calls of both are compared."""

import collections

import numpy as np
import pytest

import lse
from native import ROOT
from scipy_calls import INF, NAN, Call, calls, differences, outcome
from scipy_differences import DIFFERENCES, explain, tables

pytest.importorskip("scipy", "1.17")
special = pytest.importorskip("scipy.special")


def used_differences(count, seed):
    """Count the occurrences of each difference; fail for one that has no row."""
    used, untold = collections.Counter(), []
    for call in calls(count, seed):
        ours, theirs = outcome(lse, call), outcome(special, call)
        assert not ours.warned, call
        found, left = explain(call, ours, theirs, differences(call, ours, theirs))
        used.update(difference.call for difference in found)
        if left:
            results = (f"\n  {name}: {x.error or x.results}" for name, x in (("lse", ours), ("SciPy", theirs)))
            untold.append(f"{sorted(left)}: {call}{''.join(results)}")
    assert not untold, "\n".join(untold)
    return used


def test_odd_calls():
    used_differences(1500, 20260731)


@pytest.mark.fuzzes
def test_every_difference_is_seen():
    used = used_differences(15000, 20260801)
    assert [row.call for rows in DIFFERENCES.values() for row in rows if row.call not in used] == []


@pytest.mark.parametrize("title", DIFFERENCES)
def test_the_page_has_the_table(title):
    """Which `python tests/libraries/scipy_differences.py` prints."""
    page = (ROOT / "docs" / "scipy.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == tables()[title]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "a", "b", "theirs", "ours"),
    [
        ("logsumexp", [800, 800, 0], [1, -1, 1], NAN, 0.0),
        ("logsumexp", [0, -1000], [1e-300, 1e300], -690.78, -309.22),
        ("logsumexp", [0, 0], [1e308, 1e308], INF, 709.89),
        ("logsumexp", [-800], [-1], -INF, NAN),
        ("logsumexp", [NAN, 1], [0, 0], NAN, -INF),
        ("logsumexp", [INF, INF], [1, 0], NAN, INF),
        ("softmax", [INF, 0], None, [NAN, NAN], [1, 0]),
        ("log_softmax", [INF, INF, 0], None, [NAN, NAN, -INF], [-np.log(2), -np.log(2), -INF]),
        ("log_softmax", [0, -40], None, [0, -40], [-4.25e-18, -40]),
        ("logsumexp", np.zeros(65536, np.float16), None, INF, 11.09),
        ("softmax", np.uint8([0, 255]), None, [0.731, 0.2688], [1.8e-111, 1]),
    ],
    ids=str,
)
def test_the_numbers_of_the_page(function, a, b, theirs, ours):
    options = {} if b is None else {"b": b}
    for module, said in ((special, theirs), (lse, ours)):
        found = getattr(module, function)(a, **options)
        assert found == pytest.approx(said, rel=5e-3, abs=0, nan_ok=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_scipy_loses_what_is_left():
    """Which digits are wrong depends on the processor, by NumPy's exp."""
    a, b = [40, 39, 0], [1, -np.e, 1]
    assert abs(special.logsumexp(a, b=b) - 2.604) > 0.5
    assert lse.logsumexp(a, b=b) == pytest.approx(2.604, rel=5e-4)


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        (Call("logsumexp", np.zeros(3), {"axis": 0}), set()),
        (Call("softmax", np.array([np.inf, 0]), {"axis": 0}), {"value"}),
        (Call("softmax", np.zeros(0), {"axis": 0}), {"refused by SciPy"}),
        (Call("softmax", np.array([True]), {"axis": 0}), {"refused by SciPy"}),
        (Call("softmax", np.array([1], np.int8), {"axis": 0}), {"dtype"}),
        (Call("logsumexp", np.float64(1), {"axis": None, "keepdims": True}), {"shape", "type"}),
        (Call("logsumexp", np.zeros(0), {"axis": 0, "return_sign": True}), {"sign"}),
        (Call("logsumexp", np.zeros(2), {"axis": 0, "b": np.array([0.0, 1]), "keepdims": "yes"}), {"refused by lse"}),
        (Call("log_softmax", np.array([0.0, -40]), {"axis": 0}), {"tail"}),
        (Call("logsumexp", np.array("x"), {"axis": None}), {"error"}),
    ],
    ids=lambda x: " and ".join(sorted(x)) if isinstance(x, set) else str(x),
)
def test_what_is_compared(call, seen):
    assert differences(call, outcome(lse, call), outcome(special, call)) == seen
