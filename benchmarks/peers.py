"""The operations as one would write them without lse: with NumPy, and in a loop for Numba."""

import functools
import math
from collections.abc import Callable

import numpy as np


def logsumexp_by_hand(a, axis):
    """In four calls, with temporaries."""
    m = np.max(a, axis=axis, keepdims=True)
    return np.squeeze(m + np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)), axis=axis)


def weighted_by_hand(a, axis, b):
    """As without weights."""
    m = np.max(a, axis=axis, keepdims=True)
    return np.squeeze(m + np.log(np.sum(b * np.exp(a - m), axis=axis, keepdims=True)), axis=axis)


def masked_by_hand(a, axis, where):
    """As without a mask."""
    m = np.max(a, axis=axis, keepdims=True, where=where, initial=-np.inf)
    return np.squeeze(m + np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True, where=where)), axis=axis)


def softmax_by_hand(a, axis, out):
    """Without temporaries of the size of `a`."""
    np.subtract(a, np.max(a, axis=axis, keepdims=True), out=out)
    np.exp(out, out=out)
    return np.divide(out, np.sum(out, axis=axis, keepdims=True), out=out)


def log_softmax_by_hand(a, axis, out):
    """With one temporary of the size of `a`."""
    np.subtract(a, np.max(a, axis=axis, keepdims=True), out=out)
    return np.subtract(out, np.log(np.sum(np.exp(out), axis=axis, keepdims=True)), out=out)


def as_rows(a: np.ndarray, axis: int) -> list[np.ndarray]:
    """Views in two dimensions whose rows together are the lines of `a` along `axis`."""
    axis %= a.ndim
    n, inner = a.shape[axis], math.prod(a.shape[axis + 1 :])
    if inner == 1:
        return [a.reshape(-1, n)]
    return [block.T for block in a.reshape(-1, n, inner)]


def logsumexp_loop(a, out):
    """Two passes over each row."""
    for i in range(a.shape[0]):
        m = a[i, 0]
        for j in range(a.shape[1]):
            m = max(m, a[i, j])
        total = 0 * m
        for j in range(a.shape[1]):
            total += math.exp(a[i, j] - m)
        out[i] = m + math.log(total)


def softmax_loop(a, out):
    """Three passes over each row, the last over what the second has written."""
    for i in range(a.shape[0]):
        m = a[i, 0]
        for j in range(a.shape[1]):
            m = max(m, a[i, j])
        total = 0 * m
        for j in range(a.shape[1]):
            out[i, j] = math.exp(a[i, j] - m)
            total += out[i, j]
        for j in range(a.shape[1]):
            out[i, j] /= total


def log_softmax_loop(a, out):
    """Three passes over each row."""
    for i in range(a.shape[0]):
        m = a[i, 0]
        for j in range(a.shape[1]):
            m = max(m, a[i, j])
        total = 0 * m
        for j in range(a.shape[1]):
            total += math.exp(a[i, j] - m)
        total = m + math.log(total)
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] - total


@functools.cache
def compiled(operation: str) -> Callable:
    """The loop of this operation, by Numba."""
    import numba

    return numba.njit({"logsumexp": logsumexp_loop, "softmax": softmax_loop}.get(operation, log_softmax_loop))
