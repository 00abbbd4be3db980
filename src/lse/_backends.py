"""The module for each dtype: all have the same functions, which write to arrays allocated by the caller."""

from typing import Protocol

from lse import _complex, _longdouble, _native
from lse._arguments import Arguments
from lse._dtypes import Array, DType, is_native


class Backend(Protocol):
    """The functions that a dtype needs. Arguments do not overlap results, except for elements with the same addresses.

    `MERGEABLE` says whether sums of chunks can be merged, as those of `lse.LogSumExp` are.
    """

    MERGEABLE: bool

    def logsumexp(self, args: Arguments, result: Array, sign: Array | None = None) -> None: ...
    def logmeanexp(self, args: Arguments, result: Array) -> None: ...
    def softmax(self, args: Arguments, log: bool, result: Array) -> None: ...
    def logcumsumexp(self, a: Array, axis: int, result: Array) -> None: ...
    def segment_logsumexp(self, a: Array, offsets: Array, axis: int, result: Array) -> None: ...


def backend_of(dtype: DType) -> Backend:
    if is_native(dtype):
        return _native
    return _complex if dtype.kind == "c" else _longdouble
