"""The module for each dtype: all have the same functions, which write to arrays allocated by the caller."""

from typing import Protocol

from lse import _clongdouble, _core, _integers, _native
from lse._arguments import Arguments
from lse._dtypes import Array, DType, is_native


class Backend(Protocol):
    """The functions that a dtype needs. Arguments overlap results only in elements with the same addresses."""

    def logsumexp(self, args: Arguments, result: Array, sign: Array | None = None) -> None: ...
    def logmeanexp(self, args: Arguments, result: Array) -> None: ...
    def map_elements(self, args: Arguments, operation: str, result: Array) -> None: ...
    def logcumsumexp(self, a: Array, axis: int, result: Array) -> None: ...
    def segment_logsumexp(self, args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None: ...
    def map_segments(self, args: Arguments, offsets: Array, operation: str, result: Array) -> None: ...


def backend_of(dtype: DType) -> Backend:
    return _native if is_native(dtype) else _clongdouble


def backend_for(args: Arguments) -> Backend:
    """That of a dtype, or of integers that it does not hold."""
    if is_native(args.dtype) and args.dtype.char != "g" and _integers.are_inexact(args):
        return _integers
    return backend_of(args.dtype)


def backend_for_array(a: Array, dtype: DType) -> Backend:
    """Likewise, without weights."""
    if is_native(dtype) and dtype.char not in "fg" and _core.holds_wide_integers(a):
        return _integers
    return backend_of(dtype)
