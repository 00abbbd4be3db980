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


cdef cnp.ndarray no_sums(cnp.ndarray like):
    cdef cnp.ndarray sums = cnp.PyArray_ZEROS(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), cnp.NPY_FLOAT64, False)
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(sums) // 4):
        (<double *>cnp.PyArray_DATA(sums))[i] = -INFINITY
    return sums


cdef bint are_lengths(object shape) except -1:
    """Whether a shape is a tuple of a few integers, small enough to need no check."""
    cdef Py_ssize_t most = 1 << 20
    if type(shape) is not tuple or len(<tuple>shape) > 8:
        return False
    for length in <tuple>shape:
        if type(length) is not int or not 0 <= length <= most:
            return False
        most //= max(<Py_ssize_t>length, 1)
    return True


cdef cnp.ndarray ZERO = np.zeros(())


cdef cnp.ndarray frame_of(tuple lengths):
    """An array without memory of the shape of states."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef cnp.ndarray frame
    cdef int axis
    for axis in range(len(lengths) + 1):
        shape[axis] = lengths[axis - 1] if axis else 4
        stride[axis] = 0
    frame = cnp.PyArray_New(cnp.ndarray, len(lengths) + 1, shape, cnp.NPY_FLOAT64, stride, cnp.PyArray_DATA(ZERO), 0, 0,
                            None)
    cnp.set_array_base(frame, ZERO)
    return frame


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
    """How many elements go into each sum: an integer, or where there are several sums and a mask an array of int64."""
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
    """The sum of two such numbers; if one is an array it is another, which nobody may write to.

    Called under the lock, which a call of Python might release.
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


cdef tuple begin_fold(quick_call *call, object a, object axis, object b, object where):
    """The arrays of elements, weights and mask that the fast path takes, of which the latter may be None."""
    cdef bint weak_a, weak_b = False
    cdef cnp.ndarray weights = None, mask = None, array = quick_array(a, &weak_a)
    if array is None:
        return None
    if b is not None:
        weights = quick_array(b, &weak_b)
        if weights is None:
            return None
    if where is not True:
        mask = quick_mask(where)
        if mask is None:
            return None
    if begin_call(call, LSE_SUMS, array, weak_a, weights, weak_b, mask, None) and (
            quick_axes(axis, call.ndim, &call.request.reduced)):
        return array, weights, mask
    return None


cdef LogSumExp try_total(object a, object axis, object b, object where, object dtype):
    """An accumulator of what the fast path takes."""
    cdef quick_call call
    cdef quick_shape shape
    cdef LogSumExp total
    cdef int i
    arrays = begin_fold(&call, a, axis, b, where)
    if arrays is None:
        return None
    find_shape(&call, False, &shape)
    if dtype is None:
        dtype = FLOAT32 if call.number == cnp.NPY_FLOAT32 else FLOAT64
    total = LogSumExp(tuple([shape.length[i] for i in range(shape.ndim)]), dtype)
    array, weights, mask = arrays
    total.fold(view_in(&call, array, call.stride), view_in(&call, mask, call.where_stride),
               view_in(&call, weights, call.weight_stride), call.request.reduced,
               call.request.type if total.single else LSE_F64)
    return total


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
    count : int or ndarray of int64
        How many elements were folded into each element of the result; an array of shape `shape` once `where` has
        excluded elements of several sums.
    value : numpy scalar or ndarray
        Logarithm of the sum, of shape `shape`, as `logsumexp` returns it: -inf where nothing was folded in, NaN where
        the sum is negative.
    log_abs : numpy scalar or ndarray
        Logarithm of the magnitude of the sum, which together with `sign` is what `logsumexp` returns by `return_sign`.
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

    Memory is 32 bytes an element of `shape`, 64 once there are weights, 8 more once there is `where`, and 32 more
    during `update`.

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
    cdef object elements  # how many; an array, once there is one, is not written to either

    def __cinit__(self, shape=(), dtype=np.float64):
        if are_lengths(shape) and (dtype is FLOAT64 or dtype is FLOAT32):
            self.single, lengths = dtype is FLOAT32, shape
        else:
            self.single, lengths = _streaming.checked(shape, dtype)
        self.frame = frame_of(lengths)
        self.plain = no_sums(self.frame)
        self.weighted = None
        self.elements = 0

    # what a subclass says of its shape and dtype is not believed where memory is concerned
    cdef tuple lengths(self):
        return (<object>self.frame).shape[1:]

    @classmethod
    def of(cls, a, axis=None, b=None, *, where=True, dtype=None):
        """Accumulator of the shape that `a` has once `axis` is reduced, with `a` folded in.

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
        total = None if cls is not LogSumExp else try_total(a, axis, b, where, dtype)
        if total is not None:
            return total
        return quietly(_streaming.of, (cls, a, axis, b, where, dtype))

    def update(self, a, axis=None, b=None, *, where=True):
        """Fold in ``sum(b * exp(a))`` over some axes.

        Parameters
        ----------
        a : array_like
            Real numbers of any shape and memory layout. float16, bfloat16, float64, integers and booleans are summed
            in float64, and so is float32 unless that is the dtype of the accumulator.
        axis : None, int or tuple of ints, optional
            Axes to reduce; None, the default, reduces all. What is left must have the shape of the accumulator.
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
            The shape that is left is not that of the accumulator; shapes do not broadcast; an axis is repeated.
        AxisError
            An axis is out of range.
        TypeError
            A dtype is complex, longdouble or not numeric; `where` is not boolean; an argument is a masked array that
            hides something.
        MemoryError
            There is no room for another state of this shape.
        OverflowError
            `where` was given, and a sum has more than 2**63 - 1 elements.

            After any error the accumulator is as it was.

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
        """Fold in what the fast path takes; False for all else."""
        cdef quick_call call
        cdef quick_shape shape
        cdef lse_type real
        cdef int i
        arrays = begin_fold(&call, a, axis, b, where)
        if arrays is None:
            return False
        find_shape(&call, False, &shape)
        if shape.ndim + 1 != cnp.PyArray_NDIM(self.frame):
            return False
        for i in range(shape.ndim):
            if shape.length[i] != cnp.PyArray_DIM(self.frame, i + 1):
                return False
        array, weights, mask = arrays
        real = call.request.type if self.single else LSE_F64
        if weights is None and mask is None and shape.ndim == 0 and self.quick_run(array, real):
            return True
        self.fold(view_in(&call, array, call.stride), view_in(&call, mask, call.where_stride),
                  view_in(&call, weights, call.weight_stride), call.request.reduced, real)
        return True

    cdef bint quick_run(self, cnp.ndarray array, lse_type real) except -1:
        """Fold one contiguous run of moderate length into a single sum; False where that wants more than a look."""
        cdef lse_sum one
        cdef lse_sums sums
        cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
        cdef const void *data = cnp.PyArray_DATA(array)
        cdef bint done
        if not is_run(array, npy_type(real)):
            return False
        if n < GIL_KEPT_BELOW:
            done = lse_quick_sum(table, real, data, n, &one)
        else:
            with nogil:
                done = lse_quick_sum(table, real, data, n, &one)
        if not done:
            return False
        with cython.critical_section(self):
            elements = add_elements(self.elements, n)  # before anything is changed, for there may be no memory for it
            sums = rows_of(self.plain)
            lse_put_sum(sums, 0, lse_merge_sum(table, False, lse_sum_at(sums, 0), one))
            self.elements = elements
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
                  lse_type real, int terms=1) except -1:
        """Fold in what has the right shape."""
        cdef object many = elements_of(a, where, reduced) // terms
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
        elements = add_elements(self.elements, many)
        if weighted:
            self.weighted = sums
        else:
            self.plain = sums
        self.elements = elements
        return 0

    def _fold(self, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
              bint single, int terms=1):
        """Fold in arrays that Python has checked, with so many terms for each element."""
        cdef unsigned long long none = 0
        check_shape("the state", a, self.frame[0, ...], reduced)
        if where is not None:
            check_shape("where", a, where, none)
        if weights is not None:
            check_shape("b", a, weights, none)
        self.fold(a, where, weights, reduced, type_of(single), terms)

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
        cdef cnp.ndarray empty = no_sums(self.frame)
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
            Of the shape and dtype that it was of.

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
