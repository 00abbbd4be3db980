"""The module for the arguments of a call: all have the same functions, which write to arrays of the caller."""

from typing import Protocol

from lse import _core, _integers, _native
from lse._arguments import Arguments
from lse._dtypes import Array, DType, is_longdouble, is_single


class Backend(Protocol):
    """The functions of each. Arguments overlap results only in elements with the same addresses."""

    def logsumexp(self, args: Arguments, result: Array, sign: Array | None = None) -> None: ...
    def logmeanexp(self, args: Arguments, result: Array) -> None: ...
    def map_elements(self, args: Arguments, operation: str, result: Array) -> None: ...
    def logcumsumexp(self, a: Array, axis: int, result: Array) -> None: ...
    def segment_logsumexp(self, args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None: ...
    def map_segments(self, args: Arguments, offsets: Array, operation: str, result: Array) -> None: ...


def backend_for(args: Arguments) -> Backend:
    """The core, or that of integers that it does not hold."""
    return _integers if not is_longdouble(args.dtype) and _integers.are_inexact(args) else _native


def backend_for_array(a: Array, dtype: DType) -> Backend:
    """Likewise, without weights."""
    return _integers if not (is_single(dtype) or is_longdouble(dtype)) and _core.holds_wide_integers(a) else _native
