"""Uses whose types are checked (mypy), not run."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import lse
from lse import _core

x = np.zeros((2, 3))
out = np.zeros(2, np.float32)

assert_type(_core.logsumexp(x), np.float32 | np.float64)
assert_type(_core.logsumexp([1, 2.5]), np.float32 | np.float64)
assert_type(_core.logsumexp(x, 1, out=out), np.ndarray[tuple[int], np.dtype[np.float32]])
assert_type(_core.softmax(x), NDArray[Any])
assert_type(_core.softmax(x, axis=(0, 1)), NDArray[Any])
assert_type(_core.log_softmax([1.0, 2.0]), NDArray[Any])
assert_type(_core.num_threads(), int)
assert_type(lse.logsumexp(x), np.float32 | np.float64)
y: NDArray[Any] = lse.logsumexp(x, axis=1)
z: NDArray[Any] = lse.logsumexp(x, keepdims=True)
