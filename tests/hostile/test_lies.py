"""Inconsistent objects that would cause accesses beyond an array if trusted, each in a separate process."""

import subprocess
import sys
import textwrap

import pytest

CHILDREN = {
    "a shape in value": """
        class Liar(lse.LogSumExp):
            shape = property(lambda self: (10_000_000,))
        assert Liar(3).value.shape == Liar(3).sign.shape == (3,)
        assert lse.LogSumExp(3).merge(Liar(3)).copy().value.shape == (3,)
        assert pickle.loads(pickle.dumps(lse.LogSumExp(3) + lse.LogSumExp(3))).shape == (3,)
        refused(ValueError, lambda: lse.LogSumExp(10_000_000).merge(Liar(3)))
        refused(ValueError, lambda: Liar(3).__setstate__(lse.LogSumExp(10_000_000).to_bytes()))
        assert Liar(3).reset().value.shape == (3,)
        """,
    "a shape in reset": """
        class Liar(lse.LogSumExp):
            shape = property(lambda self: ())
        total = Liar(10_000_000)
        assert np.isneginf(total.reset().value).all() and np.isneginf(total.copy().value).all()
        """,
    "a constructor": """
        class Liar(lse.LogSumExp):
            def __new__(cls, *arguments):
                return super().__new__(cls, 10_000_000 if arguments else ())
        for other in (Liar().copy(), copy.deepcopy(Liar()), Liar() + Liar()):
            assert other.shape == () and np.isneginf(other.value)
        refused(TypeError, lambda: Liar.of([1.0]))
        refused(TypeError, lambda: Liar.from_bytes(lse.LogSumExp().to_bytes()))
        assert Liar().merge(Liar()).count == 0
        class Other(lse.LogSumExp):
            def __new__(cls, *arguments):
                return super().__new__(cls) if arguments == ("first",) else np.zeros(3)
        assert Other("first").copy().shape == ()
        refused(TypeError, lambda: Other.of([1.0]))
        """,
    "a state": """
        class Liar(bytes):
            def __len__(self):
                return 16 + 8 + 320_000_000
        total = lse.LogSumExp(10_000_000)
        for size in (0, 16, 24, 56):
            refused(ValueError, lambda: total.__setstate__(Liar(total.to_bytes()[:size])))
        assert total.count == 0 and np.isneginf(total.value).all()
        """,
    "offsets that change the input": """
        class Offsets:
            def __array__(self, dtype=None, copy=None):
                with warnings.catch_warnings(action="ignore"):
                    a.shape = (1000, 1000)
                return np.array([0, 1_000_000])
        a = np.zeros(1_000_000)
        refused(ValueError, lambda: lse.segment_logsumexp(a, Offsets(), axis=0))
        """,
    "an axis that changes the input": """
        class Axis:
            def __init__(self, axis, shape):
                self.axis, self.shape = axis, shape
            def __index__(self):
                with warnings.catch_warnings(action="ignore"):
                    a.shape = self.shape
                return self.axis
        functions = [lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax, lse.logcumsumexp, lse.LogSumExp.of]
        functions += [lambda a, axis: lse.segment_logsumexp(a, [0, 1], axis), lse.LogSumExp(300).update]
        shapes = (90_000,), (3, 30_000), (1,) * 60 + (300, 300)
        for function, axis, shape in itertools.product(functions, (0, 1, -1), shapes):
            a = np.zeros((300, 300))
            try:
                function(a, axis=Axis(axis, shape))
            except (ValueError, TypeError, IndexError):
                pass
        """,
    "weights that change the input": """
        class Weights:
            def __array__(self, dtype=None, copy=None):
                with warnings.catch_warnings(action="ignore"):
                    a.shape, a.dtype = (1, 8_000_000), np.int8
                return np.ones(1000)
        for function in (lse.logsumexp, lse.logmeanexp, lse.LogSumExp.of):
            a = np.zeros((1000, 1000))
            try:
                function(a, axis=1, b=Weights())
            except (ValueError, TypeError):
                pass
        """,
    "offsets that change at any line": """
        def change(frame, event, argument):  # as another thread might, between two lines of Python
            if next(events) == moment:
                offsets[500] = 1 << 60
            return change
        class Other(np.ndarray):  # which the fast path does not take
            pass
        a, events, moment = np.zeros(1000).view(Other), itertools.count(), -1
        while next(events) > moment:  # until the call has fewer lines than that
            offsets, events, moment = np.arange(1001), itertools.count(), moment + 1
            sys.settrace(change)
            try:
                result = lse.segment_logsumexp(a, offsets)
            except ValueError:
                continue
            finally:
                sys.settrace(None)
            assert not result.any()
        assert moment > 20
        """,
}
PREPARED = """
import copy, itertools, pickle, sys, warnings
import numpy as np, lse

def refused(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError("not refused")
"""


@pytest.mark.parametrize("case", CHILDREN)
def test_memory_is_safe(case):
    code = PREPARED + textwrap.dedent(CHILDREN[case])
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
