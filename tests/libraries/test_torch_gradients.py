"""Are gradients of lse.torch right, of any order and for special values, also transformed and compiled?"""

import math

import mpmath
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402

import lse.torch  # noqa: E402

inf, nan = math.inf, math.nan
LABELS = torch.tensor([1, 0, 1, 1, 0, 1])
OF_ONE = {
    "logsumexp": lambda x: lse.torch.logsumexp(x, 1),
    "logsumexp of two axes": lambda x: lse.torch.logsumexp(x, (0, -1), keepdim=True),
    "logsumexp of all": lambda x: lse.torch.logsumexp(x, ()),
    "logmeanexp": lambda x: lse.torch.logmeanexp(x, (0, 2)),
    "softmax": lambda x: lse.torch.softmax(x, 1),
    "log_softmax": lambda x: lse.torch.log_softmax(x, -1),
    "logcumsumexp": lambda x: lse.torch.logcumsumexp(x, 1),
    "scatter_logsumexp": lambda x: lse.torch.scatter_logsumexp(x, LABELS[: x.shape[1]], 1, 2),
    "scatter_softmax": lambda x: lse.torch.scatter_softmax(x, LABELS[: x.shape[1]], 1, 2),
    "scatter_log_softmax": lambda x: lse.torch.scatter_log_softmax(x, LABELS[None, : x.shape[1], None], 1, 2),
}
PRODUCTS = {
    "matrices": ((3, 4), (4, 2)),
    "stacks": ((2, 1, 3, 4), (3, 4, 2)),
    "vectors": ((4,), (4,)),
    "vector and matrix": ((4,), (4, 3)),
    "stack and vector": ((2, 3, 4), (4,)),
}
OPERATORS = torch.ops.lse
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning:torch"
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def normal(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def gradient(f, x, grad=None):
    y = f(x)
    return torch.autograd.grad(y, x, torch.ones_like(y) if grad is None else grad)[0]


# Any order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_ONE)
def test_first_and_second_derivatives(name):
    x = normal(3, 4, 2)
    assert gradcheck(OF_ONE[name], x, check_batched_grad=True)
    assert gradgradcheck(OF_ONE[name], x, check_batched_grad=True)


@pytest.mark.parametrize("name", OF_ONE)
def test_third_derivatives(name):
    def second(x):
        (first,) = torch.autograd.grad(OF_ONE[name](x).sin().sum(), x, create_graph=True)
        return torch.autograd.grad(first.sin().sum(), x, create_graph=True)[0]

    assert gradcheck(second, normal(2, 3, 2))


@pytest.mark.parametrize("shapes", PRODUCTS.values(), ids=PRODUCTS)
def test_derivatives_of_products(shapes):
    a, b = (normal(*shape) for shape in shapes)
    assert gradcheck(lse.torch.logmatmulexp, (a, b), check_batched_grad=True)
    assert gradgradcheck(lse.torch.logmatmulexp, (a, b), check_batched_grad=True)


def test_third_derivatives_of_products():
    def second(a, b):
        first = torch.autograd.grad(lse.torch.logmatmulexp(a, b).sin().sum(), (a, b), create_graph=True)
        return torch.autograd.grad(sum(g.sin().sum() for g in first), (a, b), create_graph=True)

    assert gradcheck(second, (normal(2, 3), normal(3, 2)))


def test_the_gradient_of_one_operand():
    a, b = normal(2, 3), normal(3, 2).detach()
    assert gradcheck(lambda a: lse.torch.logmatmulexp(a, b), a)
    assert gradcheck(lambda a: lse.torch.logmatmulexp(b, a), a)


# Hard rows, against exact derivatives -----------------------------------------------------------------------

ROWS = {
    "one": [3.0],
    "ties": [1000.0, 1000.0, 1000.0],
    "a far maximum": [-745.0, 700.0, 0.0, 699.0],
    "near 0": [0.0, -40.0],
    "descending": np.linspace(500, -500, 40).tolist(),
    "ascending": np.linspace(-500, 500, 40).tolist(),
    "-inf first": [-inf, -inf, 1.0, 2.0],
    "-inf last": [1.0, 2.0, -inf],
    "large": [-3e4, 3e4, 3e4 - 1],
}
FAR = {"far ties": [1e30, 1e30, -1e30], "the farthest": [-1.7e38, 1.7e38, 1.7e38]}


def exact_sum(terms):
    return mpmath.fsum(mpmath.exp(t) for t in terms)


def exactly(values):
    return [mpmath.mpf(v) if v != -inf else mpmath.mpf("-inf") for v in values]


def check(got, expected, scale, ulps):
    """Errors in units of the last place of the sums of absolute values."""
    unit = torch.finfo(got.dtype).eps
    for g, e, s in zip(got.double().tolist(), expected, scale, strict=True):
        assert abs(g - e) <= ulps * max(unit * s, torch.finfo(got.dtype).smallest_normal), (g, e)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("row", (ROWS | FAR).values(), ids=ROWS | FAR)
def test_logsumexp_of_hard_rows(row, dtype):
    x = torch.tensor(row, dtype=dtype, requires_grad=True)
    with mpmath.workdps(60):
        values = exactly(x.tolist())
        top = max(values)
        total = exact_sum(v - top for v in values)
        shares = [mpmath.exp(v - top) / total for v in values]
        for f in (lse.torch.logsumexp, lse.torch.logmeanexp):
            check(gradient(lambda x, f=f: f(x, 0), x, torch.tensor(3.0, dtype=dtype)), [3 * s for s in shares],
                  [3 * s for s in shares], 5)  # fmt: skip
        grad = torch.linspace(-1, 2, len(row), dtype=dtype)
        mean = mpmath.fsum(s * g for s, g in zip(shares, grad.tolist(), strict=True))
        expected = [s * (g - mean) for s, g in zip(shares, grad.tolist(), strict=True)]
        for f in (lse.torch.softmax, lambda x, _: lse.torch.scatter_softmax(x, torch.zeros_like(x).int())):
            check(gradient(lambda x, f=f: f(x, 0), x, grad), expected, [4 * s for s in shares], 8)
        total = mpmath.fsum(grad.tolist())
        expected = [g - s * total for s, g in zip(shares, grad.tolist(), strict=True)]
        size = float(grad.abs().sum())
        # an exponential of a log-softmax y is off by half an ulp of y
        scale = [abs(g) + size * s * (1 + abs(mpmath.log(s)) if s else 1)
                 for s, g in zip(shares, grad.tolist(), strict=True)]  # fmt: skip
        for f in (lse.torch.log_softmax, lambda x, _: lse.torch.scatter_log_softmax(x, torch.zeros_like(x).int())):
            check(gradient(lambda x, f=f: f(x, 0), x, grad), expected, scale, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_groups_are_those_of_rows(dtype):
    """Of all hard rows, dealt in turns, infinite elements included."""
    rows = [*ROWS.values(), *FAR.values(), [inf, 0.0, inf], [-inf, -inf], [inf, nan]]
    rows = [torch.tensor(row, dtype=dtype, requires_grad=True) for row in rows]
    places = sorted((i, label) for label, row in enumerate(rows) for i in range(len(row)))
    x = torch.stack([rows[label][i] for i, label in places])
    index = torch.tensor([label for _, label in places])
    grad = torch.linspace(-2, 3, len(rows), dtype=dtype)
    got = gradient(lambda x: lse.torch.scatter_logsumexp(x, index), x.detach().requires_grad_(), grad)
    for label, row in enumerate(rows):
        expected = gradient(lambda x: lse.torch.logsumexp(x, 0), row, grad[label])
        torch.testing.assert_close(got[index == label], expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_logcumsumexp_of_hard_rows(row, dtype):
    x = torch.tensor(row, dtype=dtype, requires_grad=True)
    grad = torch.linspace(-1, 2, len(row), dtype=dtype)
    n = len(row)
    with mpmath.workdps(800):
        values = exactly(x.tolist())
        sums = [exact_sum(values[: j + 1]) for j in range(n)]
        shares = [[mpmath.exp(values[i]) / sums[j] if sums[j] else 0 for j in range(i, n)] for i in range(n)]
        terms = [[g * s for g, s in zip(grad.tolist()[i:], shares[i], strict=True)] for i in range(n)]
        expected = [mpmath.fsum(t) for t in terms]
        scale = [float(mpmath.fsum(abs(s) for s in t)) for t in terms]
    check(gradient(lambda x: lse.torch.logcumsumexp(x, 0), x, grad), expected, scale, 1 if dtype.itemsize == 4 else 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_of_hard_rows(dtype):
    a = torch.tensor([[0.0, -1000.0, -inf], [700.0, 800.0, 0.0], [-inf] * 3], dtype=dtype, requires_grad=True)
    b = torch.tensor([[-2000.0, 0.0], [-500.0, -inf], [300.0, -inf]], dtype=dtype, requires_grad=True)
    grad = torch.tensor([[1.0, -2.0], [3.0, 0.0], [5.0, 7.0]], dtype=dtype)
    of_a, of_b = torch.autograd.grad(lse.torch.logmatmulexp(a, b), (a, b), grad)
    with mpmath.workdps(800):
        x, y = [exactly(row) for row in a.tolist()], [exactly(row) for row in b.tolist()]
        share = {}
        for i in range(3):
            for j in range(2):
                terms = [mpmath.exp(x[i][k] + y[k][j]) for k in range(3)]
                total = mpmath.fsum(terms)
                for k in range(3):
                    share[i, k, j] = grad[i, j].item() * terms[k] / total if total else mpmath.mpf(0)
        expected_a = [[mpmath.fsum(share[i, k, j] for j in range(2)) for k in range(3)] for i in range(3)]
        expected_b = [[mpmath.fsum(share[i, k, j] for i in range(3)) for j in range(2)] for k in range(3)]
    ulps = 2 if dtype.itemsize == 4 else 4e4  # of sums, of at most 2^12
    for got, expected in ((of_a, expected_a), (of_b, expected_b)):
        check(got.flatten(), [e for row in expected for e in row], [10.0] * got.numel(), ulps)


SHAPES = {
    "short rows": ((1000, 3), 1),
    "narrow blocks": ((300, 5, 7), 1),
    "narrow and long": ((2, 700, 3), 1),
    "columns": ((50, 600), 0),
    "blocks": ((3, 40, 700), 1),
    "whole blocks": ((300, 9, 16), 1),
    "long rows": ((3, 70_001), 1),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logcumsumexp"])
def test_the_bits_of_gradients(name, shape, dtype, kernel):
    """Those of each row alone, for every layout of the results and of their gradients."""
    shape, dim = shape
    f = getattr(lse.torch, name)
    x, grad = 5 * torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    rows = x.movedim(dim, -1).reshape(-1, shape[dim])
    for of_result in (grad, grad.mT.contiguous().mT, torch.ones((), dtype=dtype).expand(shape)):
        of_rows = of_result.movedim(dim, -1).reshape(-1, shape[dim])
        pairs = zip(rows[:20], of_rows, strict=False)
        expected = torch.stack([gradient(lambda x: f(x, 0), row.clone().requires_grad_(), g) for row, g in pairs])
        for layout in (x, x.mT.contiguous().mT):
            got = gradient(lambda x: f(x, dim), layout.detach().requires_grad_(), of_result)
            assert got.stride() == layout.stride()
            got = got.movedim(dim, -1).reshape(-1, shape[dim])[:20]
            torch.testing.assert_close(got, expected, rtol=0, atol=0)


# Special values ---------------------------------------------------------------------------------------------


def test_what_no_element_contributes_to_has_no_gradient():
    x = torch.tensor([[-inf, -inf], [0.0, -inf]], dtype=torch.float64, requires_grad=True)
    for name in ("logsumexp", "logmeanexp"):
        f = getattr(lse.torch, name)
        assert gradient(lambda x, f=f: f(x, 1), x).tolist() == [[0, 0], [1, 0]]
    assert gradient(lambda x: lse.torch.logcumsumexp(x, 1), x).tolist() == [[0, 0], [2, 0]]
    a, b = x.detach().requires_grad_(), torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    of_a, of_b = torch.autograd.grad(lse.torch.logmatmulexp(a, b).sum(), (a, b))
    assert of_a.tolist() == [[0, 0], [pytest.approx(3), 0]]
    assert of_b.tolist() == [[pytest.approx(1)] * 3, [0, 0, 0]]


def test_infinite_elements_share_the_gradient():
    x = torch.tensor([inf, 0.0, inf, inf, 5.0, inf], requires_grad=True)
    for name in ("logsumexp", "logmeanexp"):
        f = getattr(lse.torch, name)
        assert gradient(lambda x, f=f: f(x, 0), x).tolist() == [0.25, 0, 0.25, 0.25, 0, 0.25]
    x = torch.tensor([1.0, 1.0, inf, inf, 5.0], requires_grad=True)
    grad = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    got = gradient(lambda x: lse.torch.logcumsumexp(x, 0), x, grad)
    assert got.tolist() == pytest.approx([2, 1, 16, 12, 0], rel=1e-6)
    a = torch.tensor([[inf, 0.0, inf], [0.0, 0.0, 0.0]], requires_grad=True)
    b = torch.tensor([[0.0], [inf], [0.0]], requires_grad=True)
    of_a, of_b = torch.autograd.grad(lse.torch.logmatmulexp(a, b).sum(), (a, b))
    torch.testing.assert_close(of_a, torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]]))
    torch.testing.assert_close(of_b, torch.tensor([[1 / 3], [4 / 3], [1 / 3]]))


@pytest.mark.parametrize("name", OF_ONE)
def test_nan_stays_in_its_row(name):
    x = torch.randn(3, 4, 2)
    x[1, 2, 1] = nan
    f = OF_ONE[name]
    got = gradient(f, x.requires_grad_(), torch.randn_like(f(x.detach())))
    assert got[1, 2, 1].isnan()
    if name in ("logsumexp", "softmax", "logcumsumexp"):
        assert got[0].isfinite().all()
        assert got[1, :, 0].isfinite().all()


def test_a_gradient_of_0_and_large_gradients():
    x = normal(5, dtype=torch.float32)
    f = OF_ONE["logcumsumexp"]
    for grad in (torch.zeros(1, 5), torch.full((1, 5), 1e30), torch.full((1, 5), -1e-30)):
        got = gradient(lambda x: f(x[None]), x, grad)
        wide = x.detach().double().requires_grad_()
        torch.testing.assert_close(got.double(), gradient(lambda x: f(x[None]), wide, grad.double()), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", OF_ONE)
def test_half_precision(name, dtype):
    x = torch.randn(3, 4, 2).to(dtype).requires_grad_()
    wide = x.detach().double().requires_grad_()
    f = OF_ONE[name]
    grad = torch.randn_like(f(x))
    got = gradient(f, x, grad)
    assert got.dtype is dtype
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(got.double(), gradient(f, wide, grad.double()), rtol=4 * eps, atol=8 * eps)


# PyTorch's own tests ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples():
    """PyTorch's own sample inputs, by function."""
    pytest.importorskip("expecttest")
    database = pytest.importorskip("torch.testing._internal.common_methods_invocations").op_db
    found = {}
    for info in database:
        if info.name in ("logsumexp", "softmax", "log_softmax", "logcumsumexp") and not info.variant_test_name:
            found[info.name] = info
    return found


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax", "logcumsumexp"])
def test_sample_inputs_of_torch(name, samples):
    """Against torch in float64, for it is less accurate in the dtype itself."""
    info = samples[name]
    count = 0
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        for sample in info.sample_inputs("cpu", dtype, requires_grad=True):
            like = info.op(sample.input, *sample.args, **sample.kwargs)
            got = getattr(lse.torch, name)(sample.input, *sample.args, **sample.kwargs)
            assert (got.dtype, got.shape, got.requires_grad) == (like.dtype, like.shape, like.requires_grad)
            wide = sample.input.detach().double().requires_grad_()
            options = sample.kwargs | ({"dtype": torch.float64} if "dtype" in sample.kwargs else {})
            expected = info.op(wide, *sample.args, **options)
            eps = max(torch.finfo(dtype).eps, 1e4 * torch.finfo(torch.float64).eps)  # some sums are 10^4
            torch.testing.assert_close(got.double(), expected, rtol=eps, atol=eps)
            if got.numel():
                grad = torch.randn_like(got)
                (got,) = torch.autograd.grad(got, sample.input, grad)
                (expected,) = torch.autograd.grad(expected, wide, grad.double())
                torch.testing.assert_close(got.double(), expected, rtol=4 * eps, atol=32 * eps)
            count += 1
    assert count > 10


X, Y = torch.randn(3, 4, 5), torch.randn(3, 1, 5)
INDEX = torch.tensor([0, 2, 0, 1]).reshape(1, 4, 1)
CALLS = {
    "logsumexp": (X, [1], False),
    "logsumexp ": (X.mT, [0, 2], True),
    "logmeanexp": (X, [0], True),
    "softmax": (X.mT, [1]),
    "log_softmax": (X[::2], [2]),
    "logcumsumexp": (X, 1),
    "logmatmulexp": (X, X.mT),
    "logsumexp_backward": (Y, X, torch.logsumexp(X, 1, True), [1]),
    "logcumsumexp_backward": (X, X, 1),
    "logcumsumexp_tangent": (X, X, 1),
    "scatter_logsumexp": (X, INDEX, 1, 5),
    "scatter_logsumexp ": (X.mT, INDEX.mT, 2, 3),
    "scatter_softmax": (X.mT, INDEX.mT, 2, None),
    "scatter_log_softmax": (X[::2], INDEX, 1, 4),
    "scatter_logsumexp_backward": (torch.randn(3, 3, 5), X, INDEX, lse.torch.scatter_logsumexp(X, INDEX, 1), 1),
    "group_sums": (X, INDEX, 1),
    "logmatmulexp_shares": (None, None, X @ X.mT, X, X.mT, lse.torch.logmatmulexp(X, X.mT), 0),
    "logmatmulexp_shares ": (X, X.mT, None, X, X.mT, lse.torch.logmatmulexp(X, X.mT), 2),
}


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_operators_are_registered_right(name, recorded):
    arguments = [
        a.detach().clone().requires_grad_(recorded) if isinstance(a, torch.Tensor) and a.is_floating_point() else a
        for a in CALLS[name]
    ]
    torch.library.opcheck(getattr(OPERATORS, name.strip()).default, tuple(arguments))


# Transforms and compilation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_ONE)
def test_transforms(name):
    f = OF_ONE[name]
    x = torch.randn(2, 3, 4, 2, dtype=torch.float64)
    expected = torch.stack([f(row) for row in x])
    torch.testing.assert_close(torch.func.vmap(f)(x), expected, rtol=0, atol=0)
    torch.testing.assert_close(torch.func.vmap(f, in_dims=2)(x.movedim(0, 2)), expected, rtol=0, atol=0)
    torch.testing.assert_close(torch.func.vmap(lambda _: f(x[0]))(x), torch.stack([f(x[0])] * 2), rtol=0, atol=0)
    grad = torch.func.grad(lambda x: f(x).sin().sum())
    rows = torch.stack([gradient(lambda x: f(x).sin().sum(), row.clone().requires_grad_()) for row in x])
    torch.testing.assert_close(torch.func.vmap(grad)(x), rows)
    jacobian = torch.autograd.functional.jacobian(f, x[0])
    torch.testing.assert_close(torch.func.jacrev(f)(x[0]), jacobian)
    twice = torch.func.jacrev(torch.func.jacrev(lambda x: f(x).sin().sum()))(x[0])
    torch.testing.assert_close(twice, torch.autograd.functional.hessian(lambda x: f(x).sin().sum(), x[0]))


def test_transforms_of_products():
    f = lse.torch.logmatmulexp
    a, b = torch.randn(5, 2, 3, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(torch.func.vmap(f, in_dims=(0, None))(a, b), f(a, b), rtol=0, atol=0)
    torch.testing.assert_close(torch.func.vmap(f, in_dims=(None, 0))(b.mT, a.mT), f(b.mT, a.mT), rtol=0, atol=0)
    got = torch.func.jacrev(f, argnums=(0, 1))(a[0], b)
    for g, e in zip(got, torch.autograd.functional.jacobian(f, (a[0], b)), strict=True):
        torch.testing.assert_close(g, e)
    of_rows = torch.func.vmap(torch.func.grad(lambda a, b: f(a, b).sum()), in_dims=(0, None))(a, b)
    torch.testing.assert_close(of_rows, gradient(lambda a: f(a, b), a.clone().requires_grad_()))


FORWARD = OF_ONE | {"logmatmulexp": lambda x: lse.torch.logmatmulexp(x, x.mT)}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_mode(name):
    f, forward_ad = FORWARD[name], torch.autograd.forward_ad
    x, tangent = torch.randn(2, 3, 4, 2, dtype=torch.float64)
    assert gradcheck(f, x.clone().requires_grad_(), check_forward_ad=True, check_batched_forward_grad=True)
    assert gradgradcheck(f, x.clone().requires_grad_(), check_fwd_over_rev=True)
    value, pushed = torch.func.jvp(f, (x,), (tangent,))
    torch.testing.assert_close(value, f(x), rtol=0, atol=0)
    with forward_ad.dual_level():
        found = forward_ad.unpack_dual(f(forward_ad.make_dual(x, tangent))).tangent
        assert forward_ad.unpack_dual(f(x)).tangent is None
    torch.testing.assert_close(found, pushed)
    of_sum = lambda x: f(x).sin().sum()  # noqa: E731
    expected = torch.autograd.functional.hessian(of_sum, x)
    torch.testing.assert_close(torch.func.hessian(of_sum)(x), expected)
    torch.testing.assert_close(torch.func.jacrev(torch.func.jacfwd(of_sum))(x), expected)
    with pytest.raises(NotImplementedError, match="hessian"):
        torch.func.jacfwd(torch.func.jacfwd(of_sum))(x)


def test_forward_mode_of_one_operand():
    a, b, tangent = torch.randn(3, 4), torch.randn(4, 2), torch.randn(4, 2)
    _, pushed = torch.func.jvp(lambda b: lse.torch.logmatmulexp(a, b), (b,), (tangent,))
    expected = torch.autograd.functional.jvp(lambda b: lse.torch.logmatmulexp(a, b), b, tangent)[1]
    torch.testing.assert_close(pushed, expected)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Nothing that was compiled before with another version of the operators, which torch does not notice."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


@pytest.mark.compiles
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", OF_ONE)
def test_compiled(name):
    torch._dynamo.reset()
    f = OF_ONE[name]
    compiled = torch.compile(lambda x: f(x * 2).sin(), fullgraph=True)
    for x in (normal(3, 4, 2), normal(3, 5, 2)):  # the second one of other sizes
        torch.testing.assert_close(compiled(x), f(x * 2).sin(), rtol=1e-14, atol=1e-14)
        torch.testing.assert_close(gradient(compiled, x), gradient(lambda x: f(x * 2).sin(), x))


@pytest.mark.compiles
@pytest.mark.usefixtures("fresh")
def test_compiled_products():
    torch._dynamo.reset()
    a, b = normal(2, 3, 4), normal(4, 5)
    compiled = torch.compile(lse.torch.logmatmulexp, fullgraph=True)
    torch.testing.assert_close(compiled(a, b), lse.torch.logmatmulexp(a, b), rtol=0, atol=0)
    got = torch.autograd.grad(compiled(a, b).sin().sum(), (a, b))
    expected = torch.autograd.grad(lse.torch.logmatmulexp(a, b).sin().sum(), (a, b))
    for g, e in zip(got, expected, strict=True):
        torch.testing.assert_close(g, e)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.randn(4, 3))

    def forward(self, x):
        x = lse.torch.logmatmulexp(x, self.weights)
        x = lse.torch.logcumsumexp(lse.torch.log_softmax(x, -1), 0)
        return lse.torch.logsumexp(x, -1, keepdim=True) - lse.torch.logmeanexp(x, (0, 1)) + lse.torch.softmax(x, 0)


@pytest.mark.parametrize("strict", [False, True])
def test_exported(strict):
    model, x = Model(), torch.randn(5, 4)
    rows = {"x": {0: torch.export.Dim("rows", min=2)}}
    exported = torch.export.export(model, (x,), strict=strict, dynamic_shapes=rows)
    for rows in (x, torch.randn(7, 4)):
        torch.testing.assert_close(exported.module()(rows), model(rows), rtol=0, atol=0)


class OfGroups(torch.nn.Module):
    def forward(self, x, index):
        sums = lse.torch.scatter_logsumexp(x, index, 1, 3)
        return sums, lse.torch.scatter_softmax(x, index, 1), lse.torch.scatter_log_softmax(x, index, 1, 3)


@pytest.mark.parametrize("strict", [False, True])
def test_groups_are_exported(strict):
    x, index = torch.randn(5, 4), torch.tensor([0, 2, 0, 1])
    rows = {"x": {0: torch.export.Dim("rows", min=2)}, "index": None}
    exported = torch.export.export(OfGroups(), (x, index), strict=strict, dynamic_shapes=rows)
    for rows in (x, torch.randn(7, 4)):
        for got, expected in zip(exported.module()(rows, index), OfGroups()(rows, index), strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_traced():
    x = torch.randn(3, 4)
    for f in OF_ONE.values():
        graph = torch.fx.experimental.proxy_tensor.make_fx(f)(x[None])
        torch.testing.assert_close(graph(2 * x[None]), f(2 * x[None]), rtol=0, atol=0)
    traced = torch.jit.trace(lambda x: lse.torch.softmax(x, 1), x)
    torch.testing.assert_close(traced(2 * x), lse.torch.softmax(2 * x, 1), rtol=0, atol=0)


@pytest.mark.parametrize("name", OF_ONE)
def test_another_default_device(name):
    x = torch.randn(3, 4, 2)
    x[1] = -inf
    f = OF_ONE[name]
    x.requires_grad_()
    expected = gradient(f, x)
    with torch.device("meta"):
        got = gradient(f, x, torch.ones_like(f(x)))
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


def test_a_module_learns():
    model, x = Model(), torch.randn(5, 4)
    expected = lse.torch.logmatmulexp(x, torch.randn(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (lse.torch.logmatmulexp(x, model.weights) - expected).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10
