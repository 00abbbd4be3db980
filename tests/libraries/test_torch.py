"""Do the functions of lse.torch have the values of lse and the arguments of torch, everywhere that torch's own run?"""

import inspect
import multiprocessing
import subprocess
import sys
import threading
import typing
from collections.abc import Sequence

import numpy as np
import pytest

import lse
from checks import same

torch = pytest.importorskip("torch")
import lse.torch  # noqa: E402

REDUCTIONS = ["logsumexp", "logmeanexp"]
MAPS = ["softmax", "log_softmax", "logcumsumexp"]
WITH_DIM = REDUCTIONS + MAPS
SCATTER = ["scatter_logsumexp", "scatter_softmax", "scatter_log_softmax"]
OF_TORCH = ["logsumexp", "softmax", "log_softmax", "logcumsumexp"]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
LAYOUTS = {
    "C": lambda: torch.randn(3, 4, 5),
    "transposed": lambda: torch.randn(5, 4, 3).mT.movedim(0, -1),
    "sliced": lambda: torch.randn(6, 8, 10)[::2, ::2, ::2],
    "expanded": lambda: torch.randn(3, 1, 5).expand(3, 4, 5),
    "negated": lambda: torch.randn(3, 4, 5, dtype=torch.complex64).conj().imag,
    "parameter": lambda: torch.nn.Parameter(torch.randn(3, 4, 5)),
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def function(name):
    return getattr(lse.torch, name)


def equal(got, expected):
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


# Values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", WITH_DIM)
def test_the_bits_of_lse(name, dtype, layout, recorded):
    x = LAYOUTS[layout]().to(dtype)
    for dim in range(-3, 3):
        expected = getattr(lse, name)(x.detach(), dim)
        got = function(name)(x.detach().requires_grad_(recorded), dim)
        assert got.requires_grad is recorded
        assert got.dtype is dtype
        equal(got.detach(), expected)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_axes_of_reductions(name):
    x = torch.randn(3, 4, 5)
    f = function(name)
    for dim, axis in (((0, 2), (0, 2)), ([-1, 0], (0, 2)), ((1,), 1), ((), None), ([], None)):
        equal(f(x, dim), getattr(lse, name)(x, axis))
        equal(f(input=x, dim=dim, keepdim=True), getattr(lse, name)(x, axis, keepdims=True))
        equal(f(x.requires_grad_(), dim, True).detach(), getattr(lse, name)(x.detach(), axis, keepdims=True))
        x = x.detach()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", WITH_DIM)
def test_tensors_without_axes_and_without_elements(name, recorded):
    x = torch.tensor(2.5, requires_grad=recorded)
    for dim in (0, -1):
        result = function(name)(x, dim)
        assert result.shape == ()
        expected = {"softmax": 1.0, "log_softmax": 0.0}.get(name, 2.5)
        assert result.item() == expected
    x = torch.zeros(0, 3, requires_grad=recorded)
    if name in REDUCTIONS:
        equal(function(name)(x, 0).detach(), torch.full((3,), -np.inf if name == "logsumexp" else np.nan))
        assert function(name)(x, 1).shape == (0,)
    else:
        assert function(name)(x, 0).shape == function(name)(x, 1).shape == (0, 3)
    if recorded:
        assert torch.autograd.grad(function(name)(x, 0).sum(), x)[0].shape == (0, 3)


@pytest.mark.parametrize("name", WITH_DIM)
def test_integers_become_the_default_dtype(name):
    x = torch.arange(6).reshape(2, 3)
    for integers in (x, x.to(torch.uint8), x > 2):
        result = function(name)(integers, 1)
        assert result.dtype is torch.float32
        equal(result, function(name)(integers.float(), 1))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_dtype_is_that_of_the_computation(name):
    x = torch.randn(3, 4, dtype=torch.float16)
    for dtype in FLOATS:
        equal(function(name)(x, 1, dtype), function(name)(x.to(dtype), 1))
        equal(function(name)(x.int(), dim=1, dtype=dtype), function(name)(x.int().to(dtype), 1))


@pytest.mark.parametrize("dtype", FLOATS)
def test_products(dtype):
    a, b = torch.randn(2, 3, 4).to(dtype), torch.randn(4, 5).to(dtype)
    f = lse.torch.logmatmulexp
    for left, right in ((a, b), (a[0], b), (a[0, 0], b), (a, b[:, 0]), (a[0, 0], b[:, 0]), (a, a.mT), (b.mT, a.mT)):
        expected = lse.logmatmulexp(left, right)
        equal(f(left, right), expected)
        equal(f(left.detach().requires_grad_(), right).detach(), expected)
        assert f(left, right).shape == torch.matmul(left, right).shape
    equal(f(a[..., :0], b[:0]), torch.full((2, 3, 5), -np.inf, dtype=dtype))
    assert f(a.int(), b.double()).dtype is torch.float64


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", SCATTER)
def test_the_bits_of_groups(name, dtype, layout, recorded):
    x = LAYOUTS[layout]().to(dtype)
    for dim in range(-3, 3):
        n = x.shape[dim]
        shape = [n if i == dim % 3 else 1 for i in range(3)]
        one = torch.arange(n) * 3 % 4
        rows = one.reshape(shape)
        for index in (one, one.int(), rows, rows.expand(3, 4, 5), torch.randint(5, (3, 4, 5))):
            for size in (None, 6):
                expected = getattr(lse, name)(x.detach(), index, dim, size)
                got = function(name)(x.detach().requires_grad_(recorded), index, dim, size)
                assert got.requires_grad is recorded
                assert got.dtype is dtype
                equal(got.detach(), expected)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", SCATTER)
def test_groups_of_nothing(name, recorded):
    x, index = torch.zeros(0, 3, requires_grad=recorded), torch.zeros(0, dtype=torch.int64)
    result = function(name)(x, index, 0, 2)
    equal(result.detach(), torch.full((2, 3), -np.inf) if name == "scatter_logsumexp" else torch.zeros(0, 3))
    if recorded:
        assert torch.autograd.grad(result.sum(), x)[0].shape == (0, 3)
    assert function(name)(x, index, 0).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_tensors_seen_as_arrays(dtype):
    for layout in LAYOUTS.values():
        x = layout().to(dtype)
        array = lse._core.view_tensor(x.requires_grad_())
        if x.is_neg():
            assert array is None
            continue
        expected = x.detach().numpy()
        if array is not None:  # torch 2.9 and older have no such function
            assert (array.dtype, array.strides, array.ctypes.data) == (
                expected.dtype, expected.strides, expected.ctypes.data)  # fmt: skip
            expected = expected.copy()
            del x
            same(array, expected)
    x = torch.tensor(2.0, dtype=dtype)
    assert lse._core.view_tensor(x) in (2.0, None)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_tensors_that_are_not_seen_as_arrays():
    for x in (
        torch.zeros(3, device="meta"), torch.zeros(3).to_sparse(), torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3).int(), torch.zeros(3).bfloat16(), torch.zeros(0), torch._efficientzerotensor((3,)), None, 1.0,
        torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    ):  # fmt: skip
        assert lse._core.view_tensor(x) is None
    seen = []

    def f(x):
        seen.append(lse._core.view_tensor(x))
        return x.sum()

    torch.func.vmap(f)(torch.zeros(2, 3))
    torch.func.grad(f)(torch.zeros(3))
    assert seen == [None, None]


# Arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", lse.torch.__all__)
def test_annotations(name):
    hints = typing.get_type_hints(function(name))
    assert hints.keys() == {*inspect.signature(function(name)).parameters, "return"}
    assert hints["input"] is hints["return"] is torch.Tensor
    assert hints.get("dim", int) in (int, int | Sequence[int])


@pytest.mark.parametrize("name", WITH_DIM)
def test_wrong_axes(name):
    f = function(name)
    for x in (torch.zeros(2, 3), torch.zeros(2, 3, requires_grad=True), torch.tensor(1.0)):
        with pytest.raises(IndexError):
            f(x, 2)
        with pytest.raises(TypeError):
            f(x, 1.0)
        with pytest.raises(TypeError):
            f(x, None)
    if name in REDUCTIONS:
        with pytest.raises(RuntimeError, match="multiple times"):
            f(x.expand(2, 3), (0, -2))
    else:
        with pytest.raises(TypeError):
            f(x, (0,))


def test_operands_that_do_not_fit():
    a = torch.zeros(2, 3)
    for b in (torch.zeros(2, 3), torch.zeros(2), torch.tensor(1.0)):
        with pytest.raises(RuntimeError, match="logmatmulexp"):
            lse.torch.logmatmulexp(a, b)
    with pytest.raises(RuntimeError):
        lse.torch.logmatmulexp(torch.zeros(2, 4, 3), torch.zeros(3, 3, 4))


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", SCATTER)
def test_wrong_labels(name, recorded):
    f = function(name)
    x, index = torch.zeros(2, 3, requires_grad=recorded), torch.tensor([0, 1, 2])
    for dim in (2, -3):
        with pytest.raises(IndexError):
            f(x, index, dim)
    with pytest.raises(IndexError, match="none"):
        f(x.sum(), index)
    for wrong in (index.float(), index > 1, [0, 1, 2]):
        with pytest.raises(TypeError, match="integers"):
            f(x, wrong)
    for wrong in (index[:2], index[None, :2], index[None, None], torch.tensor(0), index[:1]):
        with pytest.raises(RuntimeError, match="fit"):
            f(x, wrong)
    with pytest.raises(ValueError, match=r"-1; labels must not be negative"):
        f(x, index - 1)
    with pytest.raises(ValueError, match="size is 2"):
        f(x, index, dim_size=2)


@pytest.mark.parametrize("name", SCATTER)
def test_groups_by_torch(name):
    x, index = torch.randn(3, 4, 5, dtype=torch.complex128), torch.tensor([2, 0, 2, 1])
    labels = torch.randint(3, (3, 4, 1))
    for i in (index, labels):
        got = function(name)(x, i, 1, 4)
        torch.testing.assert_close(got.exp(), getattr(lse, name)(x, i, 1, 4).exp())
    on_meta = x.real.to("meta").requires_grad_()
    result = function(name)(on_meta, index.to("meta"), 1, 4)
    assert result.shape == got.shape
    assert torch.autograd.grad(result.sum(), on_meta)[0].shape == x.shape


@pytest.mark.parametrize("name", OF_TORCH)
def test_other_tensors_go_to_torch(name):
    x = torch.zeros(3, 4, device="meta", requires_grad=True)
    result = function(name)(x, 1)
    assert result.device.type == "meta"
    assert result.shape == getattr(torch, name)(x, 1).shape
    if name in ("logsumexp", "logcumsumexp"):
        x = torch.randn(3, 4, dtype=torch.complex128)
        equal(function(name)(x, 1), getattr(torch, name)(x, 1))


def test_other_tensors_where_torch_has_no_function():
    x = torch.zeros(3, 4, device="meta", requires_grad=True)
    assert lse.torch.logmeanexp(x, 1).shape == (3,)
    assert lse.torch.logmatmulexp(x, x.mT).shape == (3, 3)
    x = torch.randn(3, 4, dtype=torch.float64)
    composed = torch.logsumexp(x, 1) - np.log(4)
    torch.testing.assert_close(lse.torch.logmeanexp(x, 1), composed)


@pytest.mark.parametrize("name", OF_TORCH)
def test_autocast_changes_what_it_changes_in_torch(name):
    for dtype in FLOATS:
        x = torch.randn(3, 4).to(dtype)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert function(name)(x, 1).dtype is getattr(torch, name)(x, 1).dtype


@pytest.mark.parametrize("name", SCATTER)
def test_autocast_of_groups_keeps_the_dtype(name):
    index = torch.tensor([0, 2, 0, 1])
    for dtype in FLOATS:
        x = torch.randn(3, 4).to(dtype).requires_grad_()
        expected = function(name)(x, index, 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = function(name)(x, index, 1)
        assert got.dtype is dtype
        equal(got.detach(), expected.detach())
        assert torch.autograd.grad(got.float().sum(), x)[0].dtype is dtype


# Beside threads and forks of torch --------------------------------------------------------------------------


def step(seed):
    """The gradient of a loss, by all functions."""
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(300, 400))).requires_grad_()
    loss = sum(function(name)(x, 1).sin().sum() for name in WITH_DIM) + lse.torch.logmatmulexp(x, x.mT).sum()
    loss += sum(function(name)(x, torch.arange(400) % 7, 1).sin().sum() for name in SCATTER)
    return torch.autograd.grad(loss, x)[0].numpy()


def test_threads():
    expected = [step(i) for i in range(4)]
    got = [None] * 4

    def run(i):
        got[i] = step(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(a), torch.from_numpy(b), rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of jax, if it was imported before
def test_a_forked_child():
    """Without gradients: torch itself refuses autograd in a child after a backward pass of its parent."""
    x = torch.randn(1000, 1000)
    expected = lse.torch.softmax(x, 1).numpy()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=lambda: queue.put(lse.torch.softmax(x, 1).numpy().tobytes()))
    child.start()
    got = np.frombuffer(queue.get(timeout=60), np.float32).reshape(1000, 1000)
    child.join()
    same(got, expected)


FORKED = """
import os, signal
import torch
import lse.torch
torch.set_num_threads(4)
lse.set_num_threads(4)
x = torch.randn(1000, 1000)
y = x.clone().requires_grad_()
torch.softmax(x, 1)
expected = lse._core.differentiate("softmax", lse.torch.softmax(x, 1).numpy(), x.numpy(), 1).tobytes()
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    (got,) = torch.autograd.grad(lse.torch.softmax(y, 1), y, x)
    os._exit(got.numpy().tobytes() != expected)
raise SystemExit(os.waitpid(pid, 0)[1] != 0)
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_gradients_in_a_forked_child():
    """After parallel regions of lse and of torch, which would hang itself in a region of its own."""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], timeout=120).returncode == 0


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("name", WITH_DIM)
def test_gradients_have_the_same_bits_on_any_number_of_threads(name, dim):
    x = torch.randn(600, 700, requires_grad=True)
    found = []
    for threads in (1, 2, 5):
        with lse.num_threads(threads):
            y = function(name)(x, dim)
            found.append(torch.autograd.grad(y, x, torch.sin(y.detach()))[0])
    for other in found[1:]:
        equal(other, found[0])


# The functions of lse -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_DIM)
def test_tensors_that_require_a_gradient(name):
    f = getattr(lse, name)
    x = torch.randn(3, 4, requires_grad=True)
    for axis in (None, 0, -1, (0, 1), ()):
        if name == "logcumsumexp" and isinstance(axis, tuple):
            continue
        got, expected = f(x, axis), f(x.detach(), axis)
        equal(got.detach(), expected)
        assert torch.autograd.grad(got.sin().sum(), x)[0].shape == x.shape
        assert f(x, axis, dtype=np.float64).dtype is torch.float64
        with torch.no_grad():
            equal(f(x, axis), expected)
    with pytest.raises(np.exceptions.AxisError):
        f(x, 2)


def test_options_beside_a_gradient():
    x = torch.randn(3, 4, requires_grad=True)
    for name in REDUCTIONS:
        assert getattr(lse, name)(x, (0,), keepdims=True).shape == (1, 4)
    equal(lse.logcumsumexp(x, 1, reverse=True).detach(), lse.logcumsumexp(x.detach(), 1, reverse=True))
    assert lse.logcumsumexp(x).shape == (12,)


@pytest.mark.parametrize("name", SCATTER)
def test_groups_that_require_a_gradient(name):
    f = getattr(lse, name)
    x = torch.randn(3, 4, requires_grad=True)
    for index in ([0, 2, 0, 1], np.array([0, 2, 0, 1], np.uint8), torch.tensor([0, 2, 0, 1])):
        got = f(x, index, 1)
        equal(got.detach(), f(x.detach(), index, 1))
        assert torch.autograd.grad(got.sin().sum(), x)[0].shape == x.shape
        assert f(x, index, -1, 5, dtype=np.float64).dtype is torch.float64
    with pytest.raises(np.exceptions.AxisError):
        f(x, [0, 1], 2)
    with pytest.raises(ValueError, match="negative"):
        f(x, [0, 2, -1, 1])
    with pytest.raises(TypeError, match="masked_fill"):
        f(x, [0, 2, 0, 1], where=np.ones(4, bool))
    if name == "scatter_logsumexp":
        with pytest.raises(TypeError, match=r"b\.log\(\)"):
            f(x, [0, 2, 0, 1], b=np.ones(4))


def test_products_that_require_a_gradient():
    x = torch.randn(3, 4, requires_grad=True)
    b = np.ones((4, 2), np.float32)
    b.flags.writeable = False
    for other in (b, torch.from_numpy(b.copy()), b.astype(int), b.tolist(), lse.LogMatrix(b)):
        got = lse.logmatmulexp(x, other)
        assert got.requires_grad
        expected = lse.logmatmulexp(x.detach(), other)
        assert got.dtype is expected.dtype
        equal(got.detach(), expected)
    assert lse.logmatmulexp(b.T, x.mT.detach().requires_grad_(), dtype=np.float64).dtype is torch.float64


@pytest.mark.parametrize(
    ("name", "options", "advice"),
    [
        ("logsumexp", {"b": np.ones(3)}, r"b\.log\(\)"),
        ("logmeanexp", {"b": np.ones(3)}, r"b\.log\(\)"),
        ("logsumexp", {"return_sign": True}, "sign"),
        ("softmax", {"where": np.ones(3, bool)}, "masked_fill"),
        ("logsumexp", {"out": np.zeros(())}, "out"),
        ("log_softmax", {"dtype": np.complex64}, "real"),
    ],
)
def test_options_without_a_gradient(name, options, advice):
    x = torch.randn(3, requires_grad=True)
    with pytest.raises(TypeError, match=advice):
        getattr(lse, name)(x, **options)
    if "b" in options:
        with pytest.raises(TypeError, match="detach"):
            getattr(lse, name)(np.zeros(3), b=x)
    with pytest.raises(TypeError, match="complex"):
        getattr(lse, name)(x + 0j)
    with pytest.raises(TypeError, match="cpu"):
        getattr(lse, name)(x.to("meta"))
