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
        How many elements were added to each element of the result; an array of shape `shape` once they may differ,
        because `where` has excluded elements of several sums, or by `update_at`.
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

    Memory is 32 bytes per element of `shape`, 64 once there are weights, 8 more once there is `where` or `update_at`,
    and 32 more during either update.

    Several threads may update accumulators of their own at the same time: the GIL is released during the computation.
    A shared accumulator is safe too, as `update` and `merge` are atomic, but then the order of the updates determines
    the last bits.

    ``a + b`` is another accumulator, and ``sum`` adds up any number of them. Copies and pickles of a subclass are of
    its class and keep the attributes of the instance; none of its constructors is called. A subclass whose constructor
    takes other arguments overrides ``__new__``, which calls ``LogSumExp.__new__(cls, shape, dtype)``, and if they are
    to be used `of` and `from_bytes`, which call the class with a shape and a dtype.

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

    def __cinit__(self, shape=(), dtype=np.float64, *others, **named):
        if are_lengths(shape) and (dtype is FLOAT64 or dtype is FLOAT32) and not others and not named:
            self.single, lengths = dtype is FLOAT32, shape
        else:
            self.single, lengths = _streaming.checked(type(self), shape, dtype, (*others, *named))
        self.frame = frame_of(lengths)
        self.plain = no_sums(self.frame)
        self.weighted = None
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
        total = None if cls is not LogSumExp else try_total(a, axis, b, where, dtype)
        if total is not None:
            return total
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
            A dtype is complex, longdouble or not numeric; `where` is not boolean; an argument is a masked array that
            hides something.
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
        if not try_update(self, a, axis, b, where):
            quietly(_streaming.prepare_update, (self, a, axis, b, where))()
        return self

    def _fold(self, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
              bint single, int terms=1):
        """Add arrays that Python has checked, with so many terms for each element."""
        cdef unsigned long long none = 0
        check_shape("the state", a, self.frame[0, ...], reduced)
        if where is not None:
            check_shape("where", a, where, none)
        if weights is not None:
            check_shape("b", a, weights, none)
        fold(self, a, where, weights, reduced, type_of(single), terms)

    def update_at(self, index, a, b=None, *, where=True):
        """Add ``b * exp(a)`` to the sums that labels name, as ``numpy.add.at`` does for sums.

        Parameters
        ----------
        index : array_like of int
            For each element the number of its sum, along the first axis of the accumulator. Any order, any of them
            repeated or missing.
        a : array_like
            Real numbers, broadcast to the shape of `index`, followed by the axes of the accumulator after the first.
        b : array_like, optional
            Real weights of either sign, broadcast likewise; an element of weight 0 is excluded, but counted.
        where : array_like of bool, optional
            Broadcast likewise; elements where it is False are excluded, even if NaN, and not counted.

        Returns
        -------
        LogSumExp
            The accumulator itself, whose `count` is an array from now on.

        Raises
        ------
        ValueError
            A label is negative or not less than the length of the first axis (the message names the first such); shapes
            do not broadcast; the accumulator has no axes.
        TypeError, MemoryError, OverflowError
            As `update`.

            After any error the accumulator is unchanged.

        See Also
        --------
        scatter_logsumexp

        Notes
        -----
        What is added at once has the bits of `scatter_logsumexp` if there are no weights, and its memory.

        Examples
        --------
        >>> import lse
        >>> total = lse.LogSumExp(shape=3)
        >>> for index, a in (([0, 2, 0], [0.0, 5.0, 0.0]), ([2], [1.0])):
        ...     total = total.update_at(index, a)
        >>> total.value
        array([0.69314718,       -inf, 5.01814993])
        >>> total.count
        array([2, 0, 2])
        """
        quietly(_streaming.prepare_update_at, (self, index, a, b, where))()
        return self

    def _fold_at(self, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, cnp.ndarray offsets not None,
                 bint single, cnp.ndarray many not None):
        """Add segments of the first axis of arrays that Python has checked, and their numbers of elements."""
        cdef unsigned long long none = 0
        if (cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(self.frame) - 1 or cnp.PyArray_NDIM(offsets) != 1
                or cnp.PyArray_TYPE(offsets) != cnp.NPY_INTP or not cnp.PyArray_ISCARRAY_RO(offsets)
                or cnp.PyArray_DIM(offsets, 0) != cnp.PyArray_DIM(self.frame, 1) + 1):
            raise ValueError("lse: segments that do not fit the state")
        check_shape("the state", a, self.frame[0, 0, ...], 1)
        check_shape("the counts", self.frame[0, ...], many, none)
        if where is not None:
            check_shape("where", a, where, none)
        if weights is not None:
            check_shape("b", a, weights, none)
        fold(self, a, where, weights, 1, type_of(single), 1, offsets, many)

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
        from_other = twin(other, LogSumExp, (<LogSumExp>other).single)
        with cython.critical_section(self):
            plain = add_sums(self.plain, from_other.plain, False)
            weighted = add_sums(self.weighted, from_other.weighted, True)
            elements = add_elements(self.elements, from_other.elements)
            self.plain, self.weighted, self.elements = plain, weighted, elements
        return self

    def __add__(self, other):
        if not isinstance(other, LogSumExp):
            return NotImplemented
        return copied(self, self.single and (<LogSumExp>other).single).merge(other)

    def __radd__(self, other):
        return self.copy() if type(other) is int and other == 0 else NotImplemented  # as sum() starts

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
        return copied(self, self.single)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return copied(self, self.single, memo)

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
        cdef cnp.ndarray parts = finish(self, single)
        return parts[0, ...], parts[1, ...], parts[2, ...]

    @property
    def value(self):
        return finished(self, self.single, 0, True)

    @property
    def log_abs(self):
        return finished(self, self.single, 0, False)

    @property
    def sign(self):
        return finished(self, False, 2, False)

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
        cdef LogSumExp now = twin(self, LogSumExp, self.single)
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
        made_of = self.lengths(), "float32" if self.single else "float64"
        if type(self) is LogSumExp:
            return LogSumExp, made_of, self.to_bytes()
        return _streaming.new, (type(self), *made_of), (self.to_bytes(), _streaming.attributes_of(self))

    def __setstate__(self, state):
        owned = type(self) is not LogSumExp and type(state) is tuple and len(state) == 2
        data, attributes = state if owned else (state, None)
        count, plain, weighted = _streaming.read_state(data, self.lengths(), bool(self.single))
        with cython.critical_section(self):
            self.elements, self.plain, self.weighted = count, plain, weighted
        if attributes is not None:
            _streaming.set_attributes(self, attributes)
