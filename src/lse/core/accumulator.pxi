# Running sums -----------------------------------------------------------------------------------------------

cdef lse_sums rows_of(cnp.ndarray states) noexcept:
    """Of an array whose first axis has the maxima, the tails, their low parts and the counts of the maxima."""
    cdef lse_sums sums
    sums.max = <double *>cnp.PyArray_DATA(states)
    sums.tail = sums.max + cnp.PyArray_SIZE(states) // 4
    sums.tail_lo = sums.tail + cnp.PyArray_SIZE(states) // 4
    sums.count = sums.tail_lo + cnp.PyArray_SIZE(states) // 4
    return sums


cdef ptrdiff_t *strides_of(cnp.ndarray states, ptrdiff_t *stride) noexcept:
    """From a sum to the next along each axis but the first, in elements."""
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


cdef class LogSumExp:
    # the docstring starts with the signature, as inspect wants it of a class in C
    """LogSumExp(shape=(), dtype='float64')\n--\n
    Log-sum-exp of data that arrives in pieces, or lies in several places.

    An accumulator holds the running state of the streaming algorithm, ``sum(b * exp(a))`` of all that was folded in,
    for each element of `shape`. States of disjoint data may be merged, in any grouping, in any process.

    Parameters
    ----------
    shape : int or tuple of ints, optional
        Shape of the result; (), the default, for a single sum.
    dtype : dtype, optional
        Type of the result, and that in which float32 data are summed: float64, the default, or float32. The state is
        kept in float64 pairs in either case.

    Attributes
    ----------
    shape : tuple of ints
    dtype : dtype
    count : int
        How many elements were folded into each element of the result.
    value : numpy scalar or ndarray
        Logarithm of the magnitude of the sum, of shape `shape`; -inf where nothing was folded in.
    sign : numpy scalar or ndarray
        1, or with weights -1, 0 or NaN; 0 for a sum over nothing.
    nbytes : int
        Size of the state.

    Raises
    ------
    TypeError
        `dtype` is neither float64 nor float32, `shape` is not of integers.
    ValueError
        `shape` is negative somewhere or has too many dimensions.

    See Also
    --------
    logsumexp

    Notes
    -----
    `value` obeys the error bound of `logsumexp` however the data are cut, and has the bits of `logsumexp` where all
    came in one piece without weights. With weights of both signs the error is relative to ``sum(abs(b) * exp(a))`` over
    all that was folded in: what cancels within one `update` is computed again, as `logsumexp` does, what cancels across
    several is not.

    Memory is 32 bytes an element of `shape`, 64 once there are weights, and 32 more during
    `update`.

    Several threads may update accumulators of their own at the same time: the GIL is released while data are read. One
    that is shared is safe too, each `update` or `merge` takes effect whole or not at all, but then the order of arrival
    decides the last bits.

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

    # The sums of terms without weights, and of those with, or None: as rows_of has them. These arrays
    # are never written to once they are here, so that threads may read them; but for those of a single sum, by
    # quick_run. Another thread may put others in their place, so that they are taken under the lock alone; frame, of
    # their shape, stays.
    cdef cnp.ndarray plain
    cdef cnp.ndarray weighted
    cdef cnp.ndarray frame
    cdef bint single
    cdef readonly object count

    def __cinit__(self, shape=(), dtype=np.float64):
        self.single, lengths = _streaming.checked(shape, dtype)
        self.plain = np.zeros((4, *lengths))
        self.plain[0] = -np.inf
        self.weighted = None
        self.frame = np.broadcast_to(0.0, (4, *lengths))
        self.count = 0

    # what a subclass says of its shape and dtype is not believed where memory is concerned
    cdef tuple lengths(self):
        return (<object>self.frame).shape[1:]

    @classmethod
    def of(cls, a, axis=None, b=None, dtype=None):
        """Accumulator of the shape that `a` has once `axis` is reduced, with `a` folded in.

        Parameters
        ----------
        a : array_like
            As for `update`.
        axis : None, int or tuple of ints, optional
            Axes to reduce; None, the default, reduces all.
        b : array_like, optional
            Weights.
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
        return quietly(_streaming.of, (cls, a, axis, b, dtype))

    def update(self, a, b=None, axis=None):
        """Fold in ``sum(b * exp(a))`` over some axes.

        Parameters
        ----------
        a : array_like
            Real numbers of any shape and memory layout. float16, bfloat16, float64, integers and booleans are summed
            in float64, and so is float32 unless that is the dtype of the accumulator.
        b : array_like, optional
            Real weights of either sign, broadcast with `a`; a term of weight 0 does not exist.
        axis : None, int or tuple of ints, optional
            Axes to reduce; None, the default, reduces all. What is left must have the shape of the accumulator.

        Returns
        -------
        LogSumExp
            The accumulator itself.

        Raises
        ------
        ValueError
            The shape that is left is not that of the accumulator; `a` and `b` do not broadcast; an axis is repeated.
        AxisError
            An axis is out of range.
        TypeError
            A dtype is complex, longdouble or not numeric; an argument is a masked array.
        MemoryError
            There is no room for another state of this shape.

            After any error the accumulator is as it was.

        Examples
        --------
        >>> import lse
        >>> lse.LogSumExp().update([0.0, 0.0], b=[3.0, -1.0]).value
        np.float64(0.6931471805599453)
        """
        if not self.quick_update(a, b, axis):
            quietly(_streaming.update, (self, a, b, axis))
        return self

    cdef bint quick_update(self, object a, object b, object axis) except -1:
        """Fold in plain arrays over plain axes; False for all else."""
        cdef lse_type real = LSE_F64
        cdef unsigned long long reduced = 0
        cdef cnp.ndarray weights = None, array = fast_array(a, &real)
        cdef int left = 0, i
        cdef Py_ssize_t many = 1
        if array is None or not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced):
            return False
        if b is not None:
            weights = broadcast_view(b, array, npy_type(real))
            if weights is None:
                return False
        for i in range(cnp.PyArray_NDIM(array)):
            if reduced >> i & 1:
                many *= cnp.PyArray_DIM(array, i)
            elif left + 1 < cnp.PyArray_NDIM(self.frame) and (
                    cnp.PyArray_DIM(self.frame, left + 1) == cnp.PyArray_DIM(array, i)):
                left += 1
            else:
                return False
        if left + 1 != cnp.PyArray_NDIM(self.frame):
            return False
        if not self.single:
            real = LSE_F64
        if left == 0 and weights is None and self.quick_run(array, real):
            return True
        self.fold(array, None, weights, reduced, real, many)
        return True

    cdef bint quick_run(self, cnp.ndarray array, lse_type real) except -1:
        """Fold one contiguous run of moderate length into a single sum; False where that wants more than a look."""
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
            count = self.count + n  # before anything is changed, for there may be no memory for it
            sums = rows_of(self.plain)
            lse_put_sum(sums, 0, lse_merge_sum(table, False, lse_sum_at(sums, 0), one))
            self.count = count
        return True

    cdef cnp.ndarray sums_of(self, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                             lse_type real, cnp.ndarray before):
        """The sums of an array, added to those before, if any."""
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
                  lse_type real, Py_ssize_t many) except -1:
        """Fold in what has the right shape; `many` elements go into each sum."""
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
                sums = self.sums_of(a, where, weights, reduced, real, None)  # another thread has folded something in
        with cython.critical_section(self):
            self.put(add_sums(self.weighted if weighted else self.plain, sums, weighted), weighted, many)
        return 0

    cdef int put(self, cnp.ndarray sums, bint weighted, many) except -1:
        """Under the lock."""
        count = self.count + many
        if weighted:
            self.weighted = sums
        else:
            self.plain = sums
        self.count = count
        return 0

    def _fold(self, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
              bint single, many):
        """Fold in arrays that Python has checked."""
        cdef unsigned long long none = 0
        check_shape("the state", a, self.frame[0, ...], reduced)
        if where is not None:
            check_shape("where", a, where, none)
        if weights is not None:
            check_shape("b", a, weights, none)
        self.fold(a, where, weights, reduced, type_of(single), many)

    def merge(self, other):
        """Fold in all that another accumulator has seen.

        Parameters
        ----------
        other : LogSumExp
            Of the same shape; it stays as it is.

        Returns
        -------
        LogSumExp
            The accumulator itself.

        Raises
        ------
        TypeError
            `other` is no LogSumExp.
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
            count = self.count + from_other.count
            self.plain, self.weighted, self.count = plain, weighted, count
        return self

    def __add__(self, other):
        if not isinstance(other, LogSumExp):
            return NotImplemented
        result = type(self)(self.shape, np.result_type(self.dtype, other.dtype))
        return result.merge(self).merge(other)

    def __iadd__(self, other):
        return self.merge(other) if isinstance(other, LogSumExp) else NotImplemented

    def reset(self):
        """Forget all that was folded in.

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
            self.count = 0
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
        """Another of this class in the same state, and of no memory of this one."""
        cdef LogSumExp result = kind(self.lengths(), np.float32 if self.single else np.float64)
        if result.lengths() != self.lengths():
            raise TypeError(
                f"LogSumExp.copy: {kind.__name__}{(self.lengths(), self.dtype.name)} has shape {result.lengths()}; a "
                "subclass must make of shape and dtype what LogSumExp does")
        with cython.critical_section(self):
            result.plain = cnp.PyArray_NewCopy(self.plain, cnp.NPY_CORDER)
            if self.weighted is not None:
                result.weighted = cnp.PyArray_NewCopy(self.weighted, cnp.NPY_CORDER)
            result.count = self.count
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
    def nbytes(self):
        return (<object>self.frame).nbytes * (1 if self.weighted is None else 2)

    def _parts(self, bint single=False):
        """log|sum| in two float64 arrays, and the sign; finished as a sum of float32, or with all digits."""
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
        return quietly(_streaming.in_dtype, (self._parts(self.single)[0], self.dtype))

    @property
    def sign(self):
        return quietly(_streaming.in_dtype, (self._parts()[2], self.dtype))

    def __repr__(self):
        seen = f"shape={self.shape}, dtype={self.dtype.name}, count={self.count}"
        return f"{type(self).__name__}({seen}, value={self.value!s})" if self.shape == () else (
            f"{type(self).__name__}({seen})")

    def __sizeof__(self):
        return object.__sizeof__(self) + self.nbytes

    def __reduce__(self):
        cdef LogSumExp now = self.twin()
        state = (_streaming.STATE_VERSION, now.count, now.plain, now.weighted)
        return type(self), (self.lengths(), "float32" if self.single else "float64"), state

    def __setstate__(self, state):
        count, plain, weighted = _streaming.checked_state(state, self.lengths())
        with cython.critical_section(self):
            self.count, self.plain, self.weighted = count, plain, weighted


def map_sums(int operation, cnp.ndarray x not None, unsigned long long reduced, bint single,
             cnp.ndarray out not None, LogSumExp total not None):
    """Softmax or log-softmax of elements whose sums over the axes whose bits are set, and over more, are in `total`.

    `total` has the shape of x, its reduced axes left out; nothing may be empty.
    """
    cdef lse_request request = new_request(<lse_operation>operation, reduced, type_of(single))
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
