"""lse inside functions that Numba compiles.

`lse.logsumexp` of one-dimensional arrays of float32 or float64 compiles in nopython mode, with or without weights, and
runs on the calling thread. For that nothing but `lse` is to be imported: Numba imports this module, as one of its
extensions, before it first compiles.

The functions of ``lse.h`` are here, for nopython mode alone, under their names without ``lse_``: each takes
``array.ctypes`` for a pointer and returns 0 or an error::

    logsumexp_f64  logsumexp_strided_f64  logsumexp_weighted_f64  logsumexp_rows_f64  softmax_rows_f64
    log_softmax_rows_f64  state_init  state_update_f64  state_merge  state_finish; and the same with f32

A state is an array of `STATE_SIZE` bytes; ``null_f64()`` and ``null_f32()`` are NULL; ``room_f64()`` and
``room_f32()`` point to room for one number in the frame of the function, which is read by ``[0]``.

Functions compiled with ``cache=True`` hold names, not addresses, and so run in other processes.

Examples
--------
>>> import numba, numpy as np, lse
>>> @numba.njit
... def evidence(log_prior, log_likelihood):
...     return lse.logsumexp(log_prior + log_likelihood)
>>> evidence(np.zeros(3), np.array([1000.0, 1001.0, 1002.0]))
1002.4076059644444
"""

import llvmlite.binding
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import get_cython_function_address, intrinsic, overload

import lse

__all__ = ["STATE_SIZE", "address"]

STATE_SIZE = 96  # bytes of lse_state


def _init():
    """Do nothing: Numba calls it once it has imported this module, which registers all there is."""


def address(name: str) -> int:
    """Return the address of a function of ``lse.h``, for ctypes, cffi and other compilers.

    Parameters
    ----------
    name : str
        Without ``lse_``, such as ``"softmax_rows_f32"``.

    Returns
    -------
    int
        Valid in this process, as long as it lasts.

    Raises
    ------
    TypeError, ValueError
        `name` is no string, or there is no such function.

    Examples
    --------
    >>> import lse.numba
    >>> lse.numba.address("logsumexp_f64") != 0
    True
    """
    if not isinstance(name, str):
        raise TypeError(f"address: expected the name of a function of lse.h, not {name!r}")
    try:
        return get_cython_function_address("lse._core", name)
    except ValueError:
        raise ValueError(f"address: no function {name!r}; expected one of lse.h, without lse_") from None


# The functions of lse.h -------------------------------------------------------------------------------------

REAL = object()  # stands for a pointer to either type
SIZE, THREADS, STATE = types.intp, types.intc, types.voidptr


def external(name, *arguments):
    """Return a function of nopython mode, by a name that the linker of Numba knows once this module is imported."""
    llvmlite.binding.add_symbol(f"lse_{name}", address(name))
    return types.ExternalFunction(f"lse_{name}", types.intc(*arguments))


def both(name, *arguments):
    """Return the functions of float64 and of float32."""
    for suffix, real in (("f64", types.float64), ("f32", types.float32)):
        yield external(f"{name}_{suffix}", *(types.CPointer(real) if kind is REAL else kind for kind in arguments))


logsumexp_f64, logsumexp_f32 = both("logsumexp", REAL, SIZE, REAL)
logsumexp_strided_f64, logsumexp_strided_f32 = both("logsumexp_strided", REAL, SIZE, SIZE, REAL)
logsumexp_weighted_f64, logsumexp_weighted_f32 = both("logsumexp_weighted", REAL, SIZE, REAL, SIZE, SIZE, REAL, REAL)
logsumexp_rows_f64, logsumexp_rows_f32 = both("logsumexp_rows", REAL, SIZE, SIZE, SIZE, SIZE, REAL, THREADS)
softmax_rows_f64, softmax_rows_f32 = both("softmax_rows", REAL, SIZE, SIZE, SIZE, SIZE, REAL, SIZE, SIZE, THREADS)
log_softmax_rows_f64, log_softmax_rows_f32 = both(
    "log_softmax_rows", REAL, SIZE, SIZE, SIZE, SIZE, REAL, SIZE, SIZE, THREADS
)
state_init = external("state_init", STATE)
state_update_f64, state_update_f32 = both("state_update", STATE, REAL, SIZE, REAL, SIZE, SIZE)
state_merge = external("state_merge", STATE, STATE)
state_finish = external("state_finish", STATE, types.CPointer(types.float64), types.CPointer(types.float64))


def null_of(real):
    def null(typingctx):
        def generate(context, builder, signature, arguments):
            return context.get_constant_null(signature.return_type)

        return types.CPointer(real)(), generate

    return intrinsic(null)


def room_of(real):
    def room(typingctx):
        def generate(context, builder, signature, arguments):
            return cgutils.alloca_once(builder, context.get_data_type(real))

        return types.CPointer(real)(), generate

    return intrinsic(room)


null_f64, null_f32 = null_of(types.float64), null_of(types.float32)
room_f64, room_f32 = room_of(types.float64), room_of(types.float32)

# lse.logsumexp ----------------------------------------------------------------------------------------------

SUPPORTED = (
    "lse.logsumexp in nopython mode takes a one-dimensional array of float32 or float64, axis None or a constant 0 or "
    "-1, and b None or a one-dimensional array of the same dtype; lse.numba has the functions of lse.h for all else"
)
FUNCTIONS = {
    types.float64: (logsumexp_f64, logsumexp_strided_f64, logsumexp_weighted_f64, room_f64, null_f64),
    types.float32: (logsumexp_f32, logsumexp_strided_f32, logsumexp_weighted_f32, room_f32, null_f32),
}


def constant(argument):
    """Return the value of an argument that has one at compile time, else its type."""
    if isinstance(argument, types.NoneType):
        return None
    if isinstance(argument, types.Omitted):
        return argument.value
    return argument.literal_value if isinstance(argument, types.Literal) else argument


def is_row(array):
    return isinstance(array, types.Array) and array.ndim == 1 and array.dtype in FUNCTIONS


def check(a, b, **others):
    """Raise TypingError for what is not supported."""
    if not is_row(a):
        raise TypingError(f"{SUPPORTED}; not a: {a}")
    if b is not None and not (is_row(b) and b.dtype == a.dtype):
        raise TypingError(f"{SUPPORTED}; not b: {b}")
    defaults = {"axis": (None, 0, -1), "keepdims": (False,), "return_sign": (False,), "where": (True,)}
    for name, value in others.items():
        if not any(value is good or (type(value) is int and value == good) for good in defaults.get(name, (None,))):
            raise TypingError(f"{SUPPORTED}; not {name}={value}")


@overload(lse.logsumexp, prefer_literal=True)
def logsumexp(
    a, axis=None, b=None, keepdims=False, return_sign=False, where=True, out=None, dtype=None
):  # numpydoc ignore=GL08
    axis, weights, keepdims, return_sign, where, out, dtype = map(
        constant, (axis, b, keepdims, return_sign, where, out, dtype)
    )
    check(a, weights, axis=axis, keepdims=keepdims, return_sign=return_sign, where=where, out=out, dtype=dtype)
    run, strided, weighted, room, null = FUNCTIONS[a.dtype]
    size = a.dtype.bitwidth // 8

    def of_run(a, axis=None, b=None, keepdims=False, return_sign=False, where=True, out=None, dtype=None):
        value = room()
        if run(a.ctypes, a.size, value) != 0:
            raise MemoryError("lse.logsumexp: no memory")
        return value[0]

    def of_strided(a, axis=None, b=None, keepdims=False, return_sign=False, where=True, out=None, dtype=None):
        value = room()
        if a.strides[0] % size != 0:
            raise ValueError("lse.logsumexp: the elements of a are not a whole number of elements apart; copy it")
        if strided(a.ctypes, a.strides[0] // size, a.size, value) != 0:
            raise MemoryError("lse.logsumexp: no memory")
        return value[0]

    def of_weighted(a, axis=None, b=None, keepdims=False, return_sign=False, where=True, out=None, dtype=None):
        value = room()
        if a.size != b.size:
            raise ValueError("lse.logsumexp: a and b must be of one length in nopython mode")
        if a.strides[0] % size != 0 or b.strides[0] % size != 0:
            raise ValueError("lse.logsumexp: the elements of a or b are not a whole number of elements apart; copy it")
        steps = a.strides[0] // size, b.strides[0] // size
        if weighted(a.ctypes, steps[0], b.ctypes, steps[1], a.size, value, null()) != 0:
            raise MemoryError("lse.logsumexp: no memory")
        return value[0]

    if weights is not None:
        return of_weighted
    return of_run if a.layout == "C" else of_strided
