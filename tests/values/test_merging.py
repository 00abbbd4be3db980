"""Running sums of single elements, merged in any grouping: right on every kernel, for any cancellation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from checks import KERNELS, using
from lse import LogSumExp

pytestmark = pytest.mark.usefixtures("no_floating_point_errors")

INF = np.inf


def merged(states, order):
    """Merge neighbours repeatedly until one is left."""
    for i in order:
        states[i : i + 2] = [states[i] + states[i + 1]]
    (state,) = states
    return state


def orders(data, count):
    return [data.draw(st.integers(0, left - 2)) for left in range(count, 1, -1)]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_merged_in_any_grouping(data):
    values = st.floats(-1e300, 1e300) | st.floats(-800, 800) | st.floats(-1, 1) | st.just(-INF)
    a = np.array(data.draw(st.lists(values, min_size=1, max_size=40)))
    order, exact = orders(data, len(a)), oracle.logsumexp(a)
    for kernel in KERNELS:
        with using(kernel):
            state = merged([LogSumExp.of(x) for x in a], order)
            assert state.count == len(a)
            if exact == -INF:
                assert state.value == -INF
            else:
                assert oracle.shortfall(state.value, exact) <= 1


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_merged_with_weights(data):
    """Weighted and unweighted states in one tree; the sum usually cancels."""
    values = st.floats(-700, 700) | st.floats(-1, 1) | st.sampled_from([0.0, 1.0, 300.0, -INF])
    sizes = st.floats(-1e300, 1e300) | st.sampled_from([1.0, -1.0, 0.0, 5e-324, -5e-324])
    terms = data.draw(st.lists(st.tuples(values, st.none() | sizes), min_size=1, max_size=20))
    order = orders(data, len(terms))
    a, b = (np.array(x) for x in zip(*((x, 1.0 if w is None else w) for x, w in terms), strict=True))
    for kernel in KERNELS:
        with using(kernel):
            state = merged([LogSumExp.of(x, b=w) for x, w in terms], order)
            assert oracle.error_of_sum(state.log_abs, state.sign, a, b) <= 1
