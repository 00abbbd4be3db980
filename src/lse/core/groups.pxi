# Groups of elements along an axis ---------------------------------------------------------------------------

@cython.auto_pickle(False)
cdef class Groups:
    """The elements of an axis sorted by their labels, integers of 4 or 8 bytes in one run, so that each of `count`
    groups is a segment: `offsets` tells where they are, `in_order` whether they are so without being moved.

    A label that is no group raises an IndexError with its place. The first array to be sorted, if any, and one for
    what becomes of it unless the elements are in order, are as those of `move`.
    """

    cdef lse_groups groups
    cdef cnp.ndarray labels  # the groups refer to them
    cdef readonly cnp.ndarray offsets

    def __cinit__(self, cnp.ndarray labels not None, Py_ssize_t count, cnp.ndarray plain, cnp.ndarray by_group,
                  int axis):
        cdef cnp.npy_intp length = count + 1
        cdef Py_ssize_t elements = cnp.PyArray_SIZE(labels) if plain is None else cnp.PyArray_SIZE(plain)
        cdef lse_array from_plain, from_sorted
        cdef int error
        if cnp.PyArray_NDIM(labels) != 1 or kind_of(labels) != c"i" or not cnp.PyArray_ISCARRAY_RO(labels) or (
                cnp.PyArray_ITEMSIZE(labels) not in (4, 8)) or count < 0:
            raise ValueError("lse: labels that are no run of integers")
        self.labels = labels
        self.offsets = cnp.PyArray_EMPTY(1, &length, cnp.NPY_INTP, False)
        self.groups.labels = cnp.PyArray_DATA(labels)
        self.groups.label_size = cnp.PyArray_ITEMSIZE(labels)
        self.groups.n, self.groups.count = cnp.PyArray_DIM(labels, 0), count
        self.groups.rows = elements // max(self.groups.n, 1)
        describe(&from_plain, None)
        describe(&from_sorted, None)
        if elements > 0 and plain is not None:
            self.check(plain, by_group, axis)
            describe(&from_plain, plain)
            describe(&from_sorted, by_group)
        self.groups.offsets = <ptrdiff_t *>cnp.PyArray_DATA(self.offsets)
        self.groups.run = lse_run_tasks
        if elements >= SIGNALS_FROM and is_main_thread():
            self.groups.question = question_of_this_thread()
        with nogil:
            error = lse_group(&self.groups, &from_plain, &from_sorted, axis)
        if error == LSE_WRONG_LABEL:
            raise IndexError(self.groups.wrong)
        check_failure(error, "for the groups")

    def __dealloc__(self):
        lse_free_groups(&self.groups)

    @property
    def in_order(self) -> bool:
        return bool(self.groups.in_order)

    cdef int check(self, cnp.ndarray plain, cnp.ndarray by_group, int axis) except -1:
        cdef unsigned long long none = 0
        check_shape("the sorted array", plain, by_group, none)
        if cnp.PyArray_ITEMSIZE(plain) != cnp.PyArray_ITEMSIZE(by_group) or (
                cnp.PyArray_DIM(plain, axis) != self.groups.n):
            raise ValueError("lse: arrays that do not fit the labels")
        return 0

    def move(self, cnp.ndarray plain not None, cnp.ndarray by_group not None, int axis, bint back):
        """Sort the elements of an array along an axis to another one of its shape and dtype, or move them back, which
        leaves the latter in disorder."""
        cdef lse_array from_plain, from_sorted
        cdef int error
        self.check(plain, by_group, axis)
        if cnp.PyArray_SIZE(plain) == 0:
            return
        describe(&from_plain, plain)
        describe(&from_sorted, by_group)
        with nogil:
            error = lse_sort_by_groups(&self.groups, &from_plain, &from_sorted, axis, back)
        if error == LSE_WRONG_LABEL:
            raise ValueError("lse: the labels changed while they were read")
        check_failure(error, "for the groups")


def segment_logsumexp(a, indptr, axis=-1, b=None, return_sign=False, *, where=True, out=None, dtype=None):
    """Log-sum-exp of consecutive segments of an axis, whose offsets are those of a CSR matrix.

    Parameters
    ----------
    a : array_like
        As the first argument of `logsumexp`; at least 1-d.
    indptr : array_like of int
        Offsets, one more than there are segments: segment i is ``a[indptr[i]:indptr[i + 1]]`` along `axis`. They must
        not decrease; elements before the first and after the last offset belong to no segment.
    axis : int, optional
        The axis of the segments.
    b : array_like, optional
        Weights, as for `logsumexp`.
    return_sign : bool, optional
        Return a pair of the logarithm of the magnitude of each sum and its sign.
    where : array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN.
    out : ndarray, optional
        As for `logsumexp`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    result : ndarray
        Of the shape of `a`, except that `axis` has length ``len(indptr) - 1``; -inf for an empty segment.
    sign : ndarray
        With `return_sign` only, as of `logsumexp`; 0 for an empty segment.

    Raises
    ------
    ValueError
        An offset is negative, beyond the axis or less than the one before it (the message names the first such);
        `indptr` is empty or not 1-d; shapes do not broadcast; `out` has the wrong shape or is read-only.
    AxisError, TypeError, MemoryError
        As `logsumexp`.

    See Also
    --------
    logsumexp, logcumsumexp, scatter_logsumexp, segment_softmax, segment_log_softmax

    Notes
    -----
    Each result has the bits that `logsumexp` gives for its segment alone.

    Examples
    --------
    >>> import lse
    >>> lse.segment_logsumexp([0.0, 0.0, 5.0, 1.0], [0, 2, 2, 4])
    array([0.69314718,       -inf, 5.01814993])
    >>> lse.segment_logsumexp([0.0, 0.0, 5.0, 1.0], [0, 2, 2, 4], b=[1, 2, 1, 0])
    array([1.09861229,       -inf, 5.        ])
    """
    value = try_sum_parts(a, axis, b, return_sign, where, out, dtype, indptr, None, None)
    if value is not None:
        return value
    return quietly(_segments.segment_logsumexp, (a, indptr, axis, b, return_sign, where, out, dtype))


def segment_softmax(x, indptr, axis=-1, *, where=True, out=None, dtype=None):
    """Softmax of each of consecutive segments of an axis.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`; at least 1-d.
    indptr : array_like of int
        Offsets of the segments, as for `segment_logsumexp`.
    axis : int, optional
        The axis of the segments.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become 0.
    out : ndarray, optional
        As for `softmax`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    ndarray
        Of the shape of `x`; 0 where elements belong to no segment.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `segment_logsumexp`.

    See Also
    --------
    softmax, segment_logsumexp, segment_log_softmax, scatter_softmax

    Notes
    -----
    Each segment has the bits that `softmax` gives for it alone.

    Examples
    --------
    >>> import lse
    >>> lse.segment_softmax([0.0, 0.0, 5.0], [0, 2, 3])
    array([0.5, 0.5, 1. ])
    """
    value = try_map_parts(LSE_SOFTMAX, x, axis, where, out, dtype, indptr, None, None)
    if value is not None:
        return value
    return quietly(_segments.map_segments, ("segment_softmax", x, indptr, axis, where, out, dtype))


def segment_log_softmax(x, indptr, axis=-1, *, where=True, out=None, dtype=None):
    """Logarithm of the softmax of each of consecutive segments of an axis.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`; at least 1-d.
    indptr : array_like of int
        Offsets of the segments, as for `segment_logsumexp`.
    axis : int, optional
        The axis of the segments.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become -inf.
    out : ndarray, optional
        As for `softmax`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    ndarray
        Of the shape of `x`; -inf where elements belong to no segment.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `segment_logsumexp`.

    See Also
    --------
    log_softmax, segment_logsumexp, segment_softmax, scatter_log_softmax

    Notes
    -----
    Each segment has the bits that `log_softmax` gives for it alone.

    Examples
    --------
    >>> import lse
    >>> lse.segment_log_softmax([0.0, 0.0, 5.0], [0, 2, 3])
    array([-0.69314718, -0.69314718,  0.        ])
    """
    value = try_map_parts(LSE_LOG_SOFTMAX, x, axis, where, out, dtype, indptr, None, None)
    if value is not None:
        return value
    return quietly(_segments.map_segments, ("segment_log_softmax", x, indptr, axis, where, out, dtype))


def scatter_logsumexp(a, index, axis=-1, size=None, b=None, return_sign=False, *, where=True, out=None, dtype=None):
    """Log-sum-exp of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    a : array_like
        As the first argument of `logsumexp`; at least 1-d.
    index : array_like of int
        Labels: element i along `axis` belongs to group ``index[i]``. Any order, any of them repeated or missing. Of
        more than one dimension it is broadcast to `a`, so that each row has labels of its own.
    axis : int, optional
        The axis along which elements are grouped.
    size : int, optional
        The number of groups; by default the greatest label plus one.
    b : array_like, optional
        Weights, as for `logsumexp`.
    return_sign : bool, optional
        Return a pair of the logarithm of the magnitude of each sum and its sign.
    where : array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN.
    out : ndarray, optional
        As for `logsumexp`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    result : ndarray
        Of the shape of `a`, except that `axis` has length `size`; -inf for a group without elements.
    sign : ndarray
        With `return_sign` only, as of `logsumexp`; 0 for a group without elements.

    Raises
    ------
    ValueError
        A label is negative, or not less than `size` (the message names the first such); `index` does not fit `a`;
        shapes do not broadcast; `out` has the wrong shape or is read-only.
    AxisError, TypeError, MemoryError
        As `logsumexp`.

    See Also
    --------
    logsumexp, segment_logsumexp, scatter_softmax, scatter_log_softmax

    Notes
    -----
    Each result has the bits that `logsumexp` gives for the elements of its group, in their order. The elements are
    sorted by stable counting sorts, on threads, so that each group is a segment, and reduced as by
    `segment_logsumexp`. That takes memory for a sorted copy of `a`, `b` and `where`, and a few bytes for each element
    or group; nothing is copied if the labels ascend.

    Examples
    --------
    >>> import lse
    >>> lse.scatter_logsumexp([0.0, 5.0, 0.0, 1.0], [0, 2, 0, 2])
    array([0.69314718,       -inf, 5.01814993])
    """
    value = try_sum_rows(a, axis, b, return_sign, where, out, dtype, index, size)
    if value is not None:
        return value
    return quietly(_groups.scatter_logsumexp, (a, index, axis, size, b, return_sign, where, out, dtype))


def scatter_softmax(x, index, axis=-1, size=None, *, where=True, out=None, dtype=None):
    """Softmax of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`; at least 1-d.
    index : array_like of int
        Labels of the elements, as for `scatter_logsumexp`.
    axis : int, optional
        The axis along which elements are grouped.
    size : int, optional
        The number of groups; it only limits the labels.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become 0.
    out : ndarray, optional
        As for `softmax`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    ndarray
        Of the shape of `x`: the exponentials divided by the sum over their group.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `scatter_logsumexp`.

    See Also
    --------
    softmax, scatter_logsumexp, scatter_log_softmax, segment_softmax

    Notes
    -----
    Each group has the bits that `softmax` gives for its elements, in their order.

    Examples
    --------
    >>> import lse
    >>> lse.scatter_softmax([0.0, 5.0, 0.0], [1, 0, 1])
    array([0.5, 1. , 0.5])
    """
    value = try_map_rows(LSE_SOFTMAX, x, axis, where, out, dtype, index, size)
    if value is not None:
        return value
    return quietly(_groups.map_groups, ("scatter_softmax", x, index, axis, size, where, out, dtype))


def scatter_log_softmax(x, index, axis=-1, size=None, *, where=True, out=None, dtype=None):
    """Logarithm of the softmax of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`; at least 1-d.
    index : array_like of int
        Labels of the elements, as for `scatter_logsumexp`.
    axis : int, optional
        The axis along which elements are grouped.
    size : int, optional
        The number of groups; it only limits the labels.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become -inf.
    out : ndarray, optional
        As for `softmax`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    ndarray
        Of the shape of `x`: the elements less the log-sum-exp of their group.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `scatter_logsumexp`.

    See Also
    --------
    log_softmax, scatter_logsumexp, scatter_softmax, segment_log_softmax

    Notes
    -----
    Each group has the bits that `log_softmax` gives for its elements, in their order.

    Examples
    --------
    >>> import lse
    >>> lse.scatter_log_softmax([0.0, 5.0, 0.0], [1, 0, 1])
    array([-0.69314718,  0.        , -0.69314718])
    """
    value = try_map_rows(LSE_LOG_SOFTMAX, x, axis, where, out, dtype, index, size)
    if value is not None:
        return value
    return quietly(_groups.map_groups, ("scatter_log_softmax", x, index, axis, size, where, out, dtype))
