"""Tables of calls that must raise: rows of the exception, its message, the calls, and what `value` is in them.

A message is the beginning of the actual one, with `...` for any text, and fields: {f} is the name of the function, {x}
that of its first argument, {called} that of the function in the call; {value} is the value, {array} the array that
NumPy makes of it, {named} the dtype of that name. `f` in a call is each function of the section in turn.
"""

from .accumulators import OF_ACCUMULATORS
from .functions import HIDDEN, OF_ALL, OF_AXES, OF_CUMULATIVE, OF_LOGSUMEXP, OF_MAPS, OF_SEGMENTS, OF_SUMS
from .others import COMMANDS, OF_DASK, OF_NUMBA, OF_OTHERS
from .words import AXIS_FUNCTIONS, FUNCTIONS, MAPS, SUMS

__all__ = ["COMMANDS", "FUNCTIONS", "HIDDEN", "MAPS", "SECTIONS"]

# section: the functions for f, and its rows
SECTIONS = {
    "every function": (FUNCTIONS, OF_ALL),
    "functions with axes and where": (AXIS_FUNCTIONS, OF_AXES),
    "sums": (SUMS, OF_SUMS),
    "logsumexp": (["logsumexp"], OF_LOGSUMEXP),
    "maps": (MAPS, OF_MAPS),
    "logcumsumexp": (["logcumsumexp"], OF_CUMULATIVE),
    "segment_logsumexp": ([], OF_SEGMENTS),
    "LogSumExp": ([], OF_ACCUMULATORS),
    "other functions": ([], OF_OTHERS),
    "lse.numba": ([], OF_NUMBA),
    "lse.dask": ([], OF_DASK),
}
