"""Log-sum-exp for NumPy arrays: accurate, reproducible, in one pass over memory."""

from lse import _process  # noqa: F401, I001  before lse._core

# what only lse._core imports, for PyInstaller and others that read the source and no extension
from lse import _cumulative, _groups, _products, _recorded, _reductions, _segments, _streaming  # noqa: F401
from lse._core import (
    LogMatrix,
    LogSumExp,
    log1mexp,
    log1pexp,
    log_softmax,
    logaddexp,
    logcumsumexp,
    logexpm1,
    logmatmulexp,
    logmeanexp,
    logsubexp,
    logsumexp,
    scatter_log_softmax,
    scatter_logsumexp,
    scatter_softmax,
    segment_log_softmax,
    segment_logsumexp,
    segment_softmax,
    softmax,
)
from lse._core import __pyx_capi__ as __pyx_capi__  # for scipy.LowLevelCallable.from_cython
from lse._embedding import get_include
from lse._threads import get_num_threads, num_threads, set_num_threads, show_config
from lse._version import __version__

__all__ = [
    "LogMatrix",
    "LogSumExp",
    "__version__",
    "get_include",
    "get_num_threads",
    "log1mexp",
    "log1pexp",
    "log_softmax",
    "logaddexp",
    "logcumsumexp",
    "logexpm1",
    "logmatmulexp",
    "logmeanexp",
    "logsubexp",
    "logsumexp",
    "num_threads",
    "scatter_log_softmax",
    "scatter_logsumexp",
    "scatter_softmax",
    "segment_log_softmax",
    "segment_logsumexp",
    "segment_softmax",
    "set_num_threads",
    "show_config",
    "softmax",
]
