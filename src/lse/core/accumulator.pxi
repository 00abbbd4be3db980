# Running sums -----------------------------------------------------------------------------------------------

cdef lse_sums rows_of(cnp.ndarray states) noexcept:
    """The sums in an array whose first axis holds maxima, tails, their low parts and the counts of the maxima."""
    cdef lse_sums sums
    sums.max = <double *>cnp.PyArray_DATA(states)
    sums.tail = sums.max + cnp.PyArray_SIZE(states) // 4
    sums.tail_lo = sums.tail + cnp.PyArray_SIZE(states) // 4
    sums.count = sums.tail_lo + cnp.PyArray_SIZE(states) // 4
    return sums


cdef ptrdiff_t *strides_of(cnp.ndarray states, ptrdiff_t *stride) noexcept:
    """Distances from one sum to the next along each axis except the first, in elements."""
    cdef int axis
    for axis in range(1, cnp.PyArray_NDIM(states)):
        stride[axis - 1] = cnp.PyArray_STRIDE(states, axis) // <Py_ssize_t>sizeof(double)
    return stride


cdef inline cnp.ndarray new_sums(cnp.ndarray like):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), cnp.NPY_FLOAT64, False)


cdef cnp.ndarray add_sums(cnp.ndarray a, cnp.ndarray b, bint weighted):
    """The sums of both; either may be None."""
    cdef cnp.ndarray out
    if a is None or b is None:
        return a if b is None else b
    out = new_sums(a)
    lse_merge_sums(table, weighted, rows_of(out), rows_of(a), rows_of(b), cnp.PyArray_SIZE(a) // 4,
                   lse_run_tasks)
    return out


cdef object elements_of(cnp.ndarray a, cnp.ndarray where, unsigned long long reduced):
    """The number of elements of each sum: an integer, or an int64 array if there are several sums and a mask."""
    cdef object many = 1
    cdef int axis, ndim = cnp.PyArray_NDIM(a)
    axes = tuple([axis for axis in range(ndim) if reduced >> axis & 1])
    if where is None:
        for axis in axes:
            many *= cnp.PyArray_DIM(a, axis)
        return many
    if len(axes) == ndim:
        return int(np.count_nonzero(where))
    return np.ascontiguousarray(np.add.reduce(where, axis=axes, dtype=np.int64))


cdef object add_elements(object a, object b):
    """The sum of two such numbers; if either is an array, a new array that is never modified.

    Called under the lock, which calling Python might release.
    """
    cdef cnp.ndarray first, second = None, out
    cdef cnp.int64_t more = 0
    cdef Py_ssize_t i
    if type(a) is int and type(b) is int:
        return a + b
    first, other = (b, a) if type(a) is int else (a, b)
    if type(other) is int:
        more = other
    else:
        second = other
    out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), cnp.NPY_INT64, False)
    for i in range(cnp.PyArray_SIZE(first)):
        if second is not None:
            more = (<cnp.int64_t *>cnp.PyArray_DATA(second))[i]
        if (<cnp.int64_t *>cnp.PyArray_DATA(first))[i] > INT64_MAX - more:
            raise OverflowError("LogSumExp: more elements than an int64 can count")
        (<cnp.int64_t *>cnp.PyArray_DATA(out))[i] = (<cnp.int64_t *>cnp.PyArray_DATA(first))[i] + more
    cnp.PyArray_CLEARFLAGS(out, cnp.NPY_ARRAY_WRITEABLE)
    return out


cdef class LogSumExp:
    # The docstring starts with the signature, as inspect requires for extension classes
    """LogSumExp(shape=(), dtype='float64')\n--\n
    Log-sum-exp of data that arrives in pieces, or is stored in several places.

    An accumulator holds the running state of the streaming algorithm, ``sum(b * exp(a))`` over all data added,
    for each element of `shape`. States of disjoint data may be merged, in any grouping, in any process.

    Parameters
    ----------
    shape : int or tuple of ints, optional
        Shape of the result; (), the default, for a single sum.
    dtype : dtype, optional
        Type of the result, and of the summation of float32 data: float64, the default, or float32. The state is
        kept in double-double precision in either case.

    Attributes
    ----------
    shape : tuple of ints
    dtype : dtype
    count : int or ndarray of int64
        How many elements were added to each element of the result; an array of shape `shape` once `where` has
        excluded elements of several sums.
    value : numpy scalar or ndarray
        Logarithm of the sum, of shape `shape`, as `logsumexp` returns it: -inf where nothing was added, NaN where
        the sum is negative.
    log_abs : numpy scalar or ndarray
        Logarithm of the magnitude of the sum; with `sign`, the results of `logsumexp` with ``return_sign=True``.
    sign : numpy scalar or ndarray
        1, or with weights -1, 0 or NaN; 0 for an empty sum.
    nbytes : int
        Size of the state.

    Raises
    ------
    TypeError
        `dtype` is neither float64 nor float32, or `shape` is not of integers.
    ValueError
        `shape` has a negative length or too many dimensions.

    See Also
    --------
    logsumexp

    Notes
    -----
    `value` is within the error bound of `logsumexp` however the data are divided, and has the bits of `logsumexp` if
    they were added in one piece without weights. With weights of both signs the error is relative to
    ``sum(abs(b) * exp(a))`` over all data added: sums that cancel within one `update` are recomputed, as by
    `logsumexp`, those that cancel across several are not.

    Memory is 32 bytes per element of `shape`, 64 once there are weights, 8 more once there is `where`, and 32 more
    during `update`.

    Several threads may update accumulators of their own at the same time: the GIL is released during the computation.
    A shared accumulator is safe too, as `update` and `merge` are atomic, but then the order of the updates determines
    the last bits.

    The running state and its merging are those of [1]_ with an integer exponent as anchor.

    References
    ----------
    .. [1] Milakov, M. and Gimelshein, N., "Online normalizer calculation for softmax", 2018, arXiv:1805.02867.

    Examples
    --------
    >>> import lse
    >>> total = lse.LogSumExp()
    >>> for chunk in ([1000.0, 1001.0], [1002.0]):
    ...     total = total.update(chunk)
    >>> total.value
    np.float64(1002.4076059644444)
    >>> total.count
    3
    >>> (lse.LogSumExp.of([1000.0, 1001.0]) + lse.LogSumExp.of([1002.0])).value
    np.float64(1002.4076059644444)
    >>> lse.LogSumExp(shape=2).update([[0.0, 1.0], [0.0, 1.0]], axis=0).value
    array([0.69314718, 1.69314718])
    """

    # The sums of terms without weights, and of those with, or None, in the layout of rows_of. These arrays are never
    # modified, so that threads may read them, except those of a single sum, by quick_run. Another thread may replace
    # them, so that they are read only under the lock; frame, of their shape, is constant.
    cdef cnp.ndarray plain
    cdef cnp.ndarray weighted
    cdef cnp.ndarray frame
    cdef bint single
    cdef object elements  # how many; an array is never modified

    def __cinit__(self, shape=(), dtype=np.float64):
        self.single, lengths = _streaming.checked(shape, dtype)
        self.plain = np.zeros((4, *lengths))
        self.plain[0] = -np.inf
        self.weighted = None
        self.frame = np.broadcast_to(0.0, (4, *lengths))
        self.elements = 0

    # Memory does not depend on what a subclass returns for shape and dtype
    cdef tuple lengths(self):
        return (<object>self.frame).shape[1:]

    @classmethod
    def of(cls, a, axis=None, b=None, *, where=True, dtype=None):
        """Accumulator of the shape of `a` without the reduced axes, with `a` added.

        Parameters
        ----------
        a : array_like
            As for `update`.
        axis : None, int or tuple of ints, optional
            Axes to reduce; None, the default, reduces all.
        b : array_like, optional
            Weights, as for `update`.
        where : array_like of bool, optional
            Broadcast to `a`; elements where it is False are excluded, even if NaN.
        dtype : dtype, optional
            Type of the result, float32 or float64; by default float32 where `a` and `b` are, else float64.

        Returns
        -------
        LogSumExp

        Examples
        --------
        >>> import lse
        >>> lse.LogSumExp.of([[0.0, 0.0], [1.0, 1.0]], axis=1)
        LogSumExp(shape=(2,), dtype=float64, count=2)
        """
        return quietly(_streaming.of, (cls, a, axis, b, where, dtype))

    def update(self, a, axis=None, b=None, *, where=True):
        """Add ``sum(b * exp(a))`` over some axes.

        Parameters
        ----------
        a : array_like
            Real numbers of any shape and memory layout. float16, bfloat16, float64, integers and booleans are summed
            in float64, and so is float32 unless that is the dtype of the accumulator.
        axis : None, int or tuple of ints, optional
            Axes to reduce; None, the default, reduces all. The remaining axes must have the shape of the accumulator.
        b : array_like, optional
            Real weights of either sign, broadcast with `a`; an element of weight 0 is excluded, even if NaN, but
            counted.
        where : array_like of bool, optional
            Broadcast to `a`; elements where it is False are excluded, even if NaN, and not counted.

        Returns
        -------
        LogSumExp
            The accumulator itself.

        Raises
        ------
        ValueError
            The reduced shape is not that of the accumulator; shapes do not broadcast; an axis is repeated.
        AxisError
            An axis is out of range.
        TypeError
            A dtype is complex, longdouble or not numeric; `where` is not boolean; an argument is a masked array.
        MemoryError
            There is not enough memory for another state of this shape.
        OverflowError
            `where` was given, and a sum has more than 2**63 - 1 elements.

            After any error the accumulator is unchanged.

        Examples
        --------
        >>> import lse
        >>> lse.LogSumExp().update([0.0, 0.0], b=[3.0, -1.0]).value
        np.float64(0.6931471805599453)
        >>> lse.LogSumExp().update([1.0, float("nan")], where=[True, False])
        LogSumExp(shape=(), dtype=float64, count=1, value=1.0)
        """
        if not self.quick_update(a, axis, b, where):
            quietly(_streaming.update, (self, a, axis, b, where))
        return self

    cdef bint quick_update(self, object a, object axis, object b, object where) except -1:
        """Add base-class arrays over valid axes; False for all else."""
        cdef lse_type real = LSE_F64
        cdef unsigned long long reduced = 0
        cdef cnp.ndarray weights = None, mask = None, array = fast_array(a, &real)
        cdef int left = 0, i
        if array is None or not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced):
            return False
        if b is not None:
            weights = broadcast_view(b, array, npy_type(real))
            if weights is None:
                return False
        if where is not True:
            mask = broadcast_view(where, array, cnp.NPY_BOOL)
            if mask is None:
                return False
        for i in range(cnp.PyArray_NDIM(array)):
            if reduced >> i & 1:
                continue
            if left + 1 == cnp.PyArray_NDIM(self.frame) or (
                    cnp.PyArray_DIM(self.frame, left + 1) != cnp.PyArray_DIM(array, i)):
                return False
            left += 1
        if left + 1 != cnp.PyArray_NDIM(self.frame):
            return False
        if not self.single:
            real = LSE_F64
        if left == 0 and weights is None and mask is None and self.quick_run(array, real):
            return True
        self.fold(array, mask, weights, reduced, real)
        return True

    cdef bint quick_run(self, cnp.ndarray array, lse_type real) except -1:
        """Add one contiguous run of moderate length to a single sum; False where that needs recomputation."""
        cdef lse_sum one
        cdef lse_sums sums
        cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
        cdef const void *data = cnp.PyArray_DATA(array)
        cdef bint done
        if not (n <= LSE_PIECE and cnp.PyArray_IS_C_CONTIGUOUS(array)
                and cnp.PyArray_TYPE(array) == npy_type(real)):
            return False
        if n < GIL_KEPT_BELOW:
            done = lse_quick_sum(table, real, data, n, &one)
        else:
            with nogil:
                done = lse_quick_sum(table, real, data, n, &one)
        if not done:
            return False
        with cython.critical_section(self):
            elements = add_elements(self.elements, n)  # before any change, as there may be no memory for it
            sums = rows_of(self.plain)
            lse_put_sum(sums, 0, lse_merge_sum(table, False, lse_sum_at(sums, 0), one))
            self.elements = elements
        return True

    cdef cnp.ndarray sums_of(self, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                             lse_type real, cnp.ndarray before):
        """The sums of an array, added to `before` unless that is None."""
        cdef cnp.ndarray sums = new_sums(self.frame)
        cdef lse_request request = new_request(LSE_SUMS, reduced, real)
        cdef ptrdiff_t stride[LSE_MAX_DIMS]
        if before is not None:
            request.given = rows_of(before)
        request.into = rows_of(sums)
        request.sum_stride = strides_of(sums, stride)
        execute(&request, a, where, weights, None)
        return sums

    cdef int fold(self, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                  lse_type real) except -1:
        """Add arrays of the right shape."""
        cdef object many = elements_of(a, where, reduced)
        cdef bint weighted = weights is not None, kept = False
        cdef cnp.ndarray before = None, sums = None
        if cnp.PyArray_SIZE(a) > 0:
            if cnp.PyArray_SIZE(self.frame) > 4:
                with cython.critical_section(self):
                    before = self.weighted if weighted else self.plain
            sums = self.sums_of(a, where, weights, reduced, real, before)
            if before is not None:
                with cython.critical_section(self):
                    kept = before is (self.weighted if weighted else self.plain)
                    if kept:
                        self.put(sums, weighted, many)
                if kept:
                    return 0
                sums = self.sums_of(a, where, weights, reduced, real, None)  # another thread has added something
        with cython.critical_section(self):
            self.put(add_sums(self.weighted if weighted else self.plain, sums, weighted), weighted, many)
        return 0

    cdef int put(self, cnp.ndarray sums, bint weighted, many) except -1:
        """Store new sums; called under the lock."""
        elements = add_elements(self.elements, many)
        if weighted:
            self.weighted = sums
        else:
            self.plain = sums
        self.elements = elements
        return 0

    def _fold(self, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
              bint single):
        """Add arrays that Python has checked."""
        cdef unsigned long long none = 0
        check_shape("the state", a, self.frame[0, ...], reduced)
        if where is not None:
            check_shape("where", a, where, none)
        if weights is not None:
            check_shape("b", a, weights, none)
        self.fold(a, where, weights, reduced, type_of(single))

    def merge(self, other):
        """Add the sums of another accumulator.

        Parameters
        ----------
        other : LogSumExp
            Of the same shape; it is not changed.

        Returns
        -------
        LogSumExp
            The accumulator itself.

        Raises
        ------
        TypeError
            `other` is not a LogSumExp.
        ValueError
            The shapes differ.

        Examples
        --------
        >>> import lse
        >>> a, b = lse.LogSumExp.of([0.0]), lse.LogSumExp.of([0.0])
        >>> a.merge(b).value
        np.float64(0.6931471805599453)
        """
        cdef LogSumExp from_other
        cdef cnp.ndarray plain, weighted
        if not isinstance(other, LogSumExp):
            raise TypeError(f"LogSumExp.merge: expected a LogSumExp, not {type(other).__name__}; update() takes data")
        mine, theirs = self.lengths(), (<LogSumExp>other).lengths()
        if mine != theirs:
            raise ValueError(f"LogSumExp.merge: shapes {mine} and {theirs} differ; expected the same")
        from_other = (<LogSumExp>other).twin()
        with cython.critical_section(self):
            plain = add_sums(self.plain, from_other.plain, False)
            weighted = add_sums(self.weighted, from_other.weighted, True)
            elements = add_elements(self.elements, from_other.elements)
            self.plain, self.weighted, self.elements = plain, weighted, elements
        return self

    def __add__(self, other):
        if not isinstance(other, LogSumExp):
            return NotImplemented
        result = type(self)(self.shape, np.result_type(self.dtype, other.dtype))
        return result.merge(self).merge(other)

    def __iadd__(self, other):
        return self.merge(other) if isinstance(other, LogSumExp) else NotImplemented

    def reset(self):
        """Remove all data.

        Returns
        -------
        LogSumExp
            The accumulator itself.

        Examples
        --------
        >>> import lse
        >>> lse.LogSumExp.of([0.0, 1.0]).reset()
        LogSumExp(shape=(), dtype=float64, count=0, value=-inf)
        """
        cdef cnp.ndarray empty = np.zeros((4, *self.lengths()))
        empty[0] = -np.inf
        with cython.critical_section(self):
            self.plain = empty
            self.weighted = None
            self.elements = 0
        return self

    def copy(self):
        """Another accumulator in the same state.

        Returns
        -------
        LogSumExp

        Examples
        --------
        >>> import lse
        >>> total = lse.LogSumExp.of([0.0, 0.0])
        >>> total.copy().update([0.0]).count, total.count
        (3, 2)
        """
        return self.twin(type(self))

    cdef LogSumExp twin(self, kind=LogSumExp):
        """Another accumulator of a class in the same state, sharing no memory."""
        cdef LogSumExp result = kind(self.lengths(), np.float32 if self.single else np.float64)
        if result.lengths() != self.lengths():
            raise TypeError(
                f"LogSumExp.copy: {kind.__name__}{(self.lengths(), self.dtype.name)} has shape {result.lengths()}; a "
                "subclass must make of shape and dtype what LogSumExp does")
        with cython.critical_section(self):
            result.plain = cnp.PyArray_NewCopy(self.plain, cnp.NPY_CORDER)
            if self.weighted is not None:
                result.weighted = cnp.PyArray_NewCopy(self.weighted, cnp.NPY_CORDER)
            result.elements = self.elements
        return result

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    @property
    def shape(self):
        return self.lengths()

    @property
    def dtype(self):
        return np.dtype(np.float32 if self.single else np.float64)

    @property
    def count(self):
        with cython.critical_section(self):
            elements = self.elements
        return elements

    @property
    def nbytes(self):
        count = self.count
        sums = (<object>self.frame).nbytes * (1 if self.weighted is None else 2)
        return sums if type(count) is int else sums + count.nbytes

    def _parts(self, bint single=False):
        """log|sum| in two float64 arrays, and the sign; finished as a sum of float32, or to full precision."""
        cdef cnp.ndarray parts = np.empty((3, *self.lengths()))
        cdef double *value = <double *>cnp.PyArray_DATA(parts)
        cdef lse_sums plain, weighted
        cdef lse_results results
        cdef lse_fp_state found
        cdef Py_ssize_t size = cnp.PyArray_SIZE(parts) // 3, start, i, count
        weighted.max = NULL
        with cython.critical_section(self):
            found = lse_fp_enter()
            for start in range(0, size, LSE_BATCH):
                count = min(<Py_ssize_t>LSE_BATCH, size - start)
                plain = lse_sums_from(rows_of(self.plain), start)
                if self.weighted is not None:
                    weighted = lse_sums_from(rows_of(self.weighted), start)
                lse_finish_sums(table, type_of(single), plain, weighted, count, &results)
                for i in range(count):
                    value[start + i] = results.value[i]
                    value[size + start + i] = results.value_lo[i]
                    value[2 * size + start + i] = results.sign[i]
            lse_fp_leave(found)
        return parts[0, ...], parts[1, ...], parts[2, ...]

    @property
    def value(self):
        log_abs, _, sign = self._parts(self.single)
        return quietly(_streaming.in_dtype, (log_abs, self.dtype, sign))

    @property
    def log_abs(self):
        return quietly(_streaming.in_dtype, (self._parts(self.single)[0], self.dtype))

    @property
    def sign(self):
        return quietly(_streaming.in_dtype, (self._parts()[2], self.dtype))

    def __repr__(self):
        count, seen = self.count, f"shape={self.shape}, dtype={self.dtype.name}"
        if type(count) is int:
            seen += f", count={count}"
        if self.shape == ():
            seen += f", value={self.value!s}"
        return f"{type(self).__name__}({seen})"

    def __sizeof__(self):
        return object.__sizeof__(self) + self.nbytes

    def to_bytes(self):
        """State as bytes, for a file or for another process, machine or language.

        Returns
        -------
        bytes
            16 bytes, 8 for each axis of `shape`, 32 for each of its elements, 32 more once there are weights and 8 more
            once `count` is an array. For a single sum they are those of ``lse_state_to_bytes`` of ``lse.h``. A count of
            2**63 and more becomes 2**63 - 1.

        See Also
        --------
        from_bytes

        Notes
        -----
        The bytes are the same on every processor. They begin with a version, which rises when their meaning changes.
        Pickles hold them.

        Examples
        --------
        >>> import lse
        >>> data = lse.LogSumExp.of([1000.0, 1001.0]).to_bytes()
        >>> len(data)
        48
        >>> lse.LogSumExp.from_bytes(data).update([1002.0]).value
        np.float64(1002.4076059644444)
        """
        cdef LogSumExp now = self.twin()
        return _streaming.to_bytes(self.lengths(), bool(self.single), now.elements, now.plain, now.weighted)

    @classmethod
    def from_bytes(cls, data):
        """Accumulator in the state that `to_bytes` returned.

        Parameters
        ----------
        data : bytes-like
            What `to_bytes` returned, or ``lse_state_to_bytes`` of ``lse.h``.

        Returns
        -------
        LogSumExp
            Of the shape and dtype of the accumulator that was saved.

        Raises
        ------
        TypeError
            `data` is not bytes.
        ValueError
            The bytes are not those of a state, are damaged or of another version.

        Examples
        --------
        >>> import lse
        >>> lse.LogSumExp.from_bytes(lse.LogSumExp.of([0.0]).to_bytes())
        LogSumExp(shape=(), dtype=float64, count=1, value=0.0)
        """
        return _streaming.from_bytes(cls, data)

    def __reduce__(self):
        return type(self), (self.lengths(), "float32" if self.single else "float64"), self.to_bytes()

    def __setstate__(self, state):
        count, plain, weighted = _streaming.read_state(state, self.lengths(), bool(self.single))
        with cython.critical_section(self):
            self.elements, self.plain, self.weighted = count, plain, weighted


def map_sums(str operation not None, cnp.ndarray x not None, unsigned long long reduced, bint single,
             cnp.ndarray out not None, LogSumExp total not None):
    """Softmax or log-softmax of elements from `total`, their sums over the axes whose bits are set and possibly more.

    `total` has the shape of x without its reduced axes; nothing may be empty.
    """
    cdef lse_request request = new_request(operation_named(operation), reduced, type_of(single))
    cdef ptrdiff_t stride[LSE_MAX_DIMS]
    cdef cnp.ndarray given
    cdef unsigned long long none = 0
    with cython.critical_section(total):
        given = total.plain
    check_shape("the output", x, out, none)
    check_shape("the sums", x, given[0, ...], reduced)
    if reduced and cnp.PyArray_NDIM(given) - 1 == cnp.PyArray_NDIM(x):
        raise ValueError("lse: the sums have a shape that keeps the reduced axes")
    request.given = rows_of(given)
    request.sum_stride = strides_of(given, stride)
    execute(&request, x, None, None, out)
