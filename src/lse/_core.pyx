# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The streaming core: which rows and columns an array has, their running states, and the threads they run on."""

from libc.math cimport INFINITY, NAN, fabs, isnan, log
from libc.stdlib cimport free, malloc

cimport numpy as cnp
from cython.parallel cimport prange

import os

import numpy as np

cnp.import_array()

cdef extern from *:
    '''
    #include "numpy/arrayscalars.h"
    static PyObject *lse_float64(double value)
    {
        PyObject *scalar = PyDoubleArrType_Type.tp_alloc(&PyDoubleArrType_Type, 0);
        if (scalar) PyArrayScalar_VAL(scalar, Double) = value;
        return scalar;
    }
    static PyObject *lse_float32(float value)
    {
        PyObject *scalar = PyFloatArrType_Type.tp_alloc(&PyFloatArrType_Type, 0);
        if (scalar) PyArrayScalar_VAL(scalar, Float) = value;
        return scalar;
    }
    '''
    object lse_float64(double value)
    object lse_float32(float value)
    cnp.ndarray PyArray_NewLikeArray(cnp.ndarray prototype, cnp.NPY_ORDER order, void *dtype, int subok)


cdef extern from "<fenv.h>" nogil:
    ctypedef struct fexcept_t:
        pass
    const int FE_ALL_EXCEPT
    int fegetexceptflag(fexcept_t *flags, int which)
    int fesetexceptflag(const fexcept_t *flags, int which)


# The instruction set ----------------------------------------------------------------------------------------

cdef const lse_kernels *table = NULL


cdef const lse_kernels *choose_kernels() except NULL:
    names = []
    cdef const lse_kernels *candidate
    wanted = os.environ.get("LSE_KERNELS", "")
    while True:
        candidate = lse_available(len(names))
        if candidate == NULL:
            raise ImportError(
                f"LSE_KERNELS={wanted!r} is not available on this processor; available are {', '.join(names)}. "
                "Set it to one of these, or unset it to take the best."
            )
        name = candidate.name.decode()
        if wanted in ("", name):
            return candidate
        names.append(name)


table = choose_kernels()


def kernels() -> str:
    """Name of the instruction set in use."""
    return table.name.decode()


def available_kernels() -> list:
    """Names of the instruction sets that this processor can run, best first."""
    names = []
    while lse_available(len(names)) != NULL:
        names.append(lse_available(len(names)).name.decode())
    return names


include "core/threads.pxi"
include "core/plan.pxi"
include "core/states.pxi"
include "core/tasks.pxi"
include "core/arrays.pxi"
include "core/segments.pxi"
include "core/functions.pxi"

from lse import _cumulative, _reductions  # which need this module  # noqa: E402
