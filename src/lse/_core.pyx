# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""The core, and the path of a call through it.

array     functions.pxi receives it; quick.pxi handles common cases, _reductions.py checks and handles all others
plan      arrays.pxi describes array, mask, weights and output to engine/plan.c, which merges their axes and decides
          what is a row: one run of memory, one of many columns, or anything else, gathered
tasks     engine/tasks.c divides the rows into tasks for OpenMP's threads, without the GIL
state     a kernel reduces a block of a row to its maximum, how often that occurs, and the sum of all other
          exponentials; a larger maximum rescales the sum by a power of two; states of pieces are merged in order
result    finished once: max + log(count + sum / e^max), or mapped to softmax and log-softmax, into the output

accumulator.pxi keeps states between calls, described by sums.pxi and updated by folding.pxi; threads.pxi handles thread
limits and signals; embedding.pxi is for Cython and C. The core is the Cython part; the engine is shared with C.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_INCREF
from libc.math cimport INFINITY, M_PI, NAN, copysign, fabs, isnan
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport INT64_MAX, int32_t, int64_t, intptr_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cimport cython
cimport numpy as cnp

from lse._engine cimport *
from lse._lse_h cimport *

import itertools
import os

import numpy as np

from lse import _dtypes

cnp.import_array()

cdef extern from *:
    '''
    #include "kernels/kernels.h"
    #include "numpy/arrayscalars.h"
    _Static_assert(NPY_MAXDIMS <= LSE_MAX_DIMS, "arrays of more dimensions than the engine takes");
    _Static_assert(sizeof(npy_intp) == sizeof(ptrdiff_t), "shapes and strides are passed as they are");
    static PyObject *lse_float64(double value)
    {
        PyObject *scalar = (PyObject *)PyObject_New(PyDoubleScalarObject, &PyDoubleArrType_Type);
        if (scalar) PyArrayScalar_VAL(scalar, Double) = value;
        return scalar;
    }
    static PyObject *lse_float32(float value)
    {
        PyObject *scalar = (PyObject *)PyObject_New(PyFloatScalarObject, &PyFloatArrType_Type);
        if (scalar) PyArrayScalar_VAL(scalar, Float) = value;
        return scalar;
    }
    '''
    object lse_float64(double value)
    object lse_float32(float value)
    const int NPY_USERDEF
    cnp.ndarray PyArray_NewFromDescr(
        void *subtype, void *dtype, int ndim, const cnp.npy_intp *shape, const cnp.npy_intp *strides, void *data,
        int flags, object obj)  # takes dtype
    cnp.ndarray PyArray_New(
        void *subtype, int ndim, const cnp.npy_intp *shape, int number, const cnp.npy_intp *strides, void *data,
        int itemsize, int flags, object obj)
    void *ndarray_type "&PyArray_Type"


cdef extern from "<fenv.h>" nogil:
    ctypedef struct fenv_t:
        pass
    const fenv_t *FE_DFL_ENV
    int fegetenv(fenv_t *found)
    int fesetenv(const fenv_t *wanted)


# The instruction set ----------------------------------------------------------------------------------------

cdef const lse_kernels *table = lse_chosen()


def available_kernels() -> list:
    """Names of the instruction sets that this processor can run, best first."""
    names = []
    while lse_available(len(names)) != NULL:
        names.append(lse_available(len(names)).name.decode())
    return names


if table == NULL:
    raise ImportError(
        f"LSE_KERNELS={os.environ.get('LSE_KERNELS')!r} is not available on this processor; available are "
        f"{', '.join(available_kernels())}. Set it to one of these, or unset it to take the best."
    )


def kernels() -> str:
    """Name of the instruction set in use."""
    return table.name.decode()


def use_kernels(name: str) -> str:
    """Select another instruction set; return the name of the previous one.

    For tests, so that one process can test all of them. No thread may be computing at the same time.
    """
    global table
    before = kernels()
    if name not in available_kernels():
        raise ValueError(f"{name!r} is not available on this processor; available are {', '.join(available_kernels())}")
    table = lse_choose(name.encode())
    return before


include "core/threads.pxi"
include "core/arrays.pxi"
include "core/gradients.pxi"
include "core/tensors.pxi"
include "core/quick_arguments.pxi"
include "core/quick_outputs.pxi"
include "core/quick.pxi"
include "core/quick_parts.pxi"
include "core/sums.pxi"
include "core/accumulator.pxi"
include "core/folding.pxi"
include "core/products.pxi"
include "core/functions.pxi"
include "core/ufuncs.pxi"
include "core/groups.pxi"
include "core/embedding.pxi"

from lse import _cumulative, _groups, _products, _reductions, _segments, _streaming  # they import this module  # noqa: E402
