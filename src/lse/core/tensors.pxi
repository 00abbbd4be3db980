# Tensors of torch -------------------------------------------------------------------------------------------
#
# Seen as arrays by the functions in C that a class of tensors offers (DLPack 1.2), in a fifth of the time of
# tensor.detach().numpy().

cdef extern from *:
    '''
    typedef struct {
        void *data;
        int32_t device, device_id, ndim;
        uint8_t code, bits;
        uint16_t lanes;
        int64_t *shape, *strides;
        uint64_t byte_offset;
    } lse_dlpack_tensor;
    typedef struct {
        uint32_t major, minor;
        void *previous, *allocate, *from_object, *to_object;
        int (*describe)(void *object, lse_dlpack_tensor *found);
    } lse_dlpack_table;
    '''
    ctypedef struct lse_dlpack_tensor:
        char *data
        int32_t device
        int32_t ndim
        uint8_t code
        uint8_t bits
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset
    ctypedef struct lse_dlpack_table:
        uint32_t major
        int (*describe)(void *object, lse_dlpack_tensor *found) except -1


cdef extern from "Python.h":
    bint PyObject_TypeCheck(object a, void *kind)  # without the __instancecheck__ of torch, in Python


cdef object tensor_class = None
cdef object plain_classes = frozenset()
cdef const lse_dlpack_table *tensor_table = NULL
cdef object from_numpy, is_grad_enabled, functorch_level, len_dispatch_stack, tracing_state, forward_ad


def set_torch(torch) -> bool:
    """Take what is needed from torch. Whether its tensors can be seen by `view_tensor` from now on."""
    global tensor_class, tensor_table, plain_classes
    global from_numpy, is_grad_enabled, functorch_level, len_dispatch_stack, tracing_state, forward_ad
    capsule = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
    from_numpy, is_grad_enabled = torch.from_numpy, torch.is_grad_enabled
    functorch_level, tracing_state = torch._C._functorch.maybe_current_level, torch._C._get_tracing_state
    len_dispatch_stack, forward_ad = torch._C._len_torch_dispatch_stack, torch.autograd.forward_ad
    plain_classes = frozenset((torch.Tensor, torch.nn.Parameter))  # and no subclasses
    if capsule is not None:
        tensor_table = <const lse_dlpack_table *>PyCapsule_GetPointer(capsule, "dlpack_exchange_api")
        tensor_class = torch.Tensor if tensor_table.major == 1 else None
    return tensor_class is not None


cpdef bint is_observed() except -1:
    """Whether a mode, a tracer or forward differentiation has to see the operators that are called."""
    return <int>len_dispatch_stack() > 0 or <int>forward_ad._current_level >= 0 or tracing_state() is not None


cdef bint is_unobserved() except -1:
    """Whether nothing but autograd has to know of what is computed."""
    return functorch_level() is None and not is_observed()


cpdef view_tensor(tensor):
    """The elements of a dense tensor of float16, float32 or float64 in main memory as an array, also if it requires a
    gradient; None for other tensors."""
    cdef lse_dlpack_tensor found
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.npy_intp strides[LSE_MAX_DIMS]
    cdef cnp.ndarray array
    cdef int axis, number
    if tensor_class is None or not PyObject_TypeCheck(tensor, <void *>tensor_class) or tensor.is_neg():
        return None
    try:
        tensor_table.describe(<void *>tensor, &found)
    except Exception:  # a tensor without memory of its own
        return None
    if found.device != 1 or found.code != 2 or found.data == NULL or found.strides == NULL or (
            found.ndim > LSE_MAX_DIMS):
        return None
    if found.bits == 64:
        number = cnp.NPY_FLOAT64
    elif found.bits == 32:
        number = cnp.NPY_FLOAT32
    elif found.bits == 16:
        number = cnp.NPY_FLOAT16
    else:
        return None
    for axis in range(found.ndim):
        shape[axis], strides[axis] = found.shape[axis], found.strides[axis] * (found.bits // 8)
    array = PyArray_New(ndarray_type, found.ndim, shape, number, strides, found.data + found.byte_offset, 0,
                        cnp.NPY_ARRAY_WRITEABLE, None)
    cnp.set_array_base(array, tensor)
    return array


def recorder_of_map(compute not None):
    """The forward pass of a node of autograd: the result, in the array or else computed, is saved with the axes."""
    def forward(ctx, x, list axes, array):
        result = compute(x, axes) if array is None else from_numpy(array)
        ctx.dim = axes
        ctx.to_save = (result,)
        return result
    return forward


def map_tensor(str operation not None, record, x, axis):
    """The softmax or log-softmax of a tensor along one axis, by `record` if it requires a gradient; None for what takes
    more checks."""
    cdef cnp.ndarray array
    if type(axis) is not int or type(x) not in plain_classes or not is_unobserved():
        return None
    array = view_tensor(x)
    result = None if array is None else try_map(operation_named(operation), array, axis, True, None, None, NAN)
    if type(result) is not np.ndarray:
        return None
    if x.requires_grad and is_grad_enabled():
        return record(x, [axis if axis >= 0 else axis + cnp.PyArray_NDIM(array)], result)
    return from_numpy(result)


def differentiate_tensors(str operation not None, y, grad, list axes not None):
    """`differentiate` for tensors, along one axis; None for those that it does not take, and if anything has to know of
    what is computed."""
    cdef cnp.ndarray of_y, of_grad
    if len(axes) != 1 or is_grad_enabled() or not is_unobserved():
        return None
    of_y, of_grad = view_tensor(y), view_tensor(grad)
    if of_y is None or of_grad is None or not is_real(cnp.PyArray_TYPE(of_y)) or not cnp.PyArray_ISCARRAY_RO(of_y):
        return None
    if cnp.PyArray_TYPE(of_y) == cnp.NPY_FLOAT16:  # torch's own is quicker
        return None
    return from_numpy(differentiate(operation, of_y, of_grad, axes[0]))
