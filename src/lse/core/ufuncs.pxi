# Functions of one and two numbers: ufuncs -------------------------------------------------------------------

cdef extern from *:
    '''
    #include "numpy/ufuncobject.h"
    #include "numpy/dtype_api.h"
    static PyObject *lse_float64_dtype;
    /* Integers and booleans become float64, unless a dtype is given. */
    static int lse_promote(PyObject *ufunc, PyArray_DTypeMeta *const given[], PyArray_DTypeMeta *const signature[],
                           PyArray_DTypeMeta *promoted[])
    {
        (void)given;
        for (int i = 0; i < ((PyUFuncObject *)ufunc)->nargs; i++) {
            promoted[i] = signature[i] ? signature[i] : (PyArray_DTypeMeta *)lse_float64_dtype;
            Py_INCREF((PyObject *)promoted[i]);
        }
        return 0;
    }
    static PyObject *lse_promoter(PyObject *float64)
    {
        lse_float64_dtype = float64;
        return PyCapsule_New((void *)lse_promote, "numpy._ufunc_promoter", NULL);
    }
    '''
    ctypedef void (*loop_function "PyUFuncGenericFunction")(
        char **, const cnp.npy_intp *, const cnp.npy_intp *, void *) noexcept nogil
    enum:
        PyUFunc_None
        PyUFunc_IdentityValue
    object PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        loop_function *functions, void **data, char *types, int ntypes, int nin, int nout, int identity, char *name,
        char *doc, int unused, char *signature, object identity_value)
    int PyUFunc_AddPromoter(object ufunc, object dtypes, object promoter) except -1
    object lse_promoter(object float64)

cnp.import_ufunc()

cdef enum:
    LOOPS = 4

cdef lse_loop loops[LSE_POINTWISE][LOOPS]
cdef void *loop_data[LSE_POINTWISE][LOOPS]
cdef char loop_types[LOOPS * 3]
cdef loop_function loop_functions[LOOPS]
cdef list kept = [np.dtypes.Float64DType]  # what C points to
cdef object promoter = lse_promoter(kept[0])


cdef void run_loop(char **args, const cnp.npy_intp *dimensions, const cnp.npy_intp *steps, void *data) noexcept nogil:
    """The inner loop of all ufuncs."""
    lse_run_loop(table, <const lse_loop *>data, args, <const ptrdiff_t *>steps, dimensions[0])


cdef object new_ufunc(lse_function function, str name, str doc, identity=None):
    """A ufunc for floats; integers become float64, as in the functions of an axis."""
    cdef int inputs = lse_inputs(function), number = <int>function, i, k
    for i, dtype in enumerate(map(np.dtype, "efdg")):
        loops[number][i].function = function
        loops[number][i].size = LSE_LONGDOUBLE if dtype.char == "g" else dtype.itemsize
        loop_data[number][i] = &loops[number][i]
        loop_functions[i] = run_loop
        for k in range(inputs + 1):
            loop_types[(inputs + 1) * i + k] = dtype.num
    doc = doc.replace("\n    ", "\n").strip() + "\n"
    kept.append((loop_types[:LOOPS * (inputs + 1)], name.encode(), doc.encode()))
    types, of_name, of_doc = kept[len(kept) - 1]
    ufunc = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        loop_functions, loop_data[number], types, LOOPS, inputs, 1,
        PyUFunc_None if identity is None else PyUFunc_IdentityValue, of_name, of_doc, 0, NULL, identity)
    integers = (np.dtypes.Int64DType.__bases__[0], np.dtypes.BoolDType)
    for dtypes in itertools.product(integers, repeat=inputs):
        PyUFunc_AddPromoter(ufunc, (*dtypes, None), promoter)
    if hasattr(ufunc, "__dict__"):  # of NumPy 2.1 and newer
        ufunc.__module__ = "lse"
    return ufunc


cdef str OPTIONS = """out : ndarray or tuple of one ndarray, optional
        Where the result goes; a new array if it is None.
    where : array_like of bool, optional
        The elements to compute; the others keep what `out` holds. It is broadcast with the arguments.
    casting, order, dtype, subok, signature : optional
        As for every ufunc of NumPy.

    Returns
    -------
    ndarray or scalar
        float16, float32, float64 and longdouble keep their type; integers and booleans become float64."""

cdef str ACCURACY = """The error is below 0.57 ulp of the result, near 0 too, and below 0.76 ulp if that is subnormal.
    longdouble is computed by functions of the C library. No warning is emitted on any input."""


logaddexp = new_ufunc(LSE_LOGADDEXP, "logaddexp", f"""
    Logarithm of the sum of two exponentials, ``log(exp(x1) + exp(x2))``.

    Parameters
    ----------
    x1, x2 : array_like
        Real numbers; they are broadcast against each other.
    {OPTIONS}

    See Also
    --------
    logsumexp, logsubexp

    Notes
    -----
    {ACCURACY}
    The result is -inf if both arguments are, +inf if one is and the other is not NaN, and NaN if one is NaN.
    `logaddexp.reduce` and `logaddexp.accumulate` of 9 and more elements are computed as by `logsumexp` and
    `logcumsumexp`; `reduce` of no elements gives -inf.

    With m the greater argument, the result is m + log(1 + exp(-abs(x1 - x2))), in double-double arithmetic for float64
    [1]_. Where it nearly cancels, both exponentials are computed in fixed point with 190 bits.

    References
    ----------
    .. [1] M. Maechler, "Accurately Computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> import lse
    >>> lse.logaddexp([1000.0, -0.3], [1000.0, -1.35])
    array([1.00069315e+03, 5.84796176e-05])
    >>> lse.logaddexp.reduce([0.0, 1.0, 2.0])
    np.float64(2.40760596444438)
    """, -np.inf)

logsubexp = new_ufunc(LSE_LOGSUBEXP, "logsubexp", f"""
    Logarithm of the difference of two exponentials, ``log(exp(x1) - exp(x2))``.

    Parameters
    ----------
    x1, x2 : array_like
        Real numbers; they are broadcast against each other.
    {OPTIONS}

    See Also
    --------
    logaddexp, log1mexp

    Notes
    -----
    {ACCURACY}
    The result is -inf if the arguments are equal and not +inf, and NaN if x1 < x2, if both are +inf, or one is NaN.

    The result is x1 + log(1 - exp(x2 - x1)), in double-double arithmetic for float64 [1]_. Where it nearly cancels,
    both exponentials are computed in fixed point with 190 bits.

    References
    ----------
    .. [1] M. Maechler, "Accurately Computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> import lse
    >>> lse.logsubexp([1000.0, 3.0], [999.0, 3.0])
    array([999.54132485,         -inf])
    """)

log1pexp = new_ufunc(LSE_LOG1PEXP, "log1pexp", f"""
    Softplus, the logarithm of one plus an exponential, ``log(1 + exp(x))``.

    ``-log1pexp(-x)`` is the logarithm of the logistic function.

    Parameters
    ----------
    x : array_like
        Real numbers.
    {OPTIONS}

    See Also
    --------
    log1mexp, logexpm1, logaddexp

    Notes
    -----
    {ACCURACY}
    The result of -inf is 0, that of +inf is +inf.

    The result is max(x, 0) + log(1 + exp(-abs(x))), in double-double arithmetic for float64 [1]_.

    References
    ----------
    .. [1] M. Maechler, "Accurately Computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> import lse
    >>> lse.log1pexp([-40.0, 0.0, 1000.0])
    array([4.24835426e-18, 6.93147181e-01, 1.00000000e+03])
    """)

log1mexp = new_ufunc(LSE_LOG1MEXP, "log1mexp", f"""
    Logarithm of one minus an exponential, ``log(1 - exp(x))``.

    From the logarithm of a probability it computes that of the complement.

    Parameters
    ----------
    x : array_like
        Real numbers, at most 0.
    {OPTIONS}

    See Also
    --------
    log1pexp, logexpm1, logsubexp

    Notes
    -----
    {ACCURACY}
    The result of 0 is -inf, that of -inf is 0, and that of positive numbers is NaN.

    1 - exp(x) is computed in double-double arithmetic for float64, without cancellation near 0 [1]_.

    References
    ----------
    .. [1] M. Maechler, "Accurately Computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> import lse
    >>> lse.log1mexp([-1e-20, -1.0, -40.0])
    array([-4.60517019e+01, -4.58675145e-01, -4.24835426e-18])
    """)

logexpm1 = new_ufunc(LSE_LOGEXPM1, "logexpm1", f"""
    Logarithm of an exponential minus one, ``log(exp(x) - 1)``, the inverse of `log1pexp`.

    Parameters
    ----------
    x : array_like
        Real numbers, at least 0.
    {OPTIONS}

    See Also
    --------
    log1pexp, log1mexp

    Notes
    -----
    {ACCURACY}
    The result of 0 is -inf, that of +inf is +inf, and that of negative numbers is NaN.

    The result is x + log(1 - exp(-x)), in double-double arithmetic for float64 [1]_. log(2) is subtracted in three
    parts, so that no digits are lost near it, where the result is 0.

    References
    ----------
    .. [1] M. Maechler, "Accurately Computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> import lse
    >>> lse.logexpm1([1e-10, 0.6931471805599453, 1000.0])
    array([-2.30258509e+01, -4.63809363e-17,  1.00000000e+03])
    """)
