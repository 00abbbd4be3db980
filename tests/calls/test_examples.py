"""Do the examples run, and are their numbers right, compared with exact answers computed in another way?"""

import importlib
import pickle
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from mpmath import mp
from numpy.testing import assert_allclose

import lse
from checks import ROOT

EXAMPLES = ROOT / "examples"
NAMES = [
    "trick",
    "softmax_denominator",
    "gaussian_mixture",
    "hidden_markov_model",
    "sinkhorn",
    "free_energy",
    "importance_weighted_bound",
    "larger_than_memory",
    "two_processes",
]
EPS = 2.0**-52


load = importlib.import_module


@pytest.fixture(autouse=True)
def examples_in_the_path(monkeypatch):
    """Also in processes that are started."""
    monkeypatch.syspath_prepend(EXAMPLES)


@pytest.fixture(autouse=True)
def many_digits():
    """Enough digits for exact answers where terms differ by e^-1000."""
    with mp.workdps(60):
        yield


def as_float(values):
    return np.vectorize(float, otypes=[float])(values)


def logs(probabilities):
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


# Scripts ----------------------------------------------------------------------------------------------------


def test_every_example_is_listed():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(NAMES)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"]({name}.py)" in readme for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_script_runs_without_warnings_and_prints_the_same_each_time(name, capsys):
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    script = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert script.returncode == 0, script.stderr
    assert script.stderr == ""
    assert script.stdout.count("\n") >= 3
    assert "nan" not in script.stdout
    load(name).main()
    assert capsys.readouterr().out == script.stdout


# Softmax ----------------------------------------------------------------------------------------------------

LOGITS = [
    [0.5, -1.25, 3.0, 2.0],
    [1e4, 1e4 - 0.5, -1e4, 0.0],  # exp overflows
    [-3e4, -3e4 - 2, -3e4 - 1, -4e4],  # exp underflows
    [100.0, 60.0, 0.0, -100.0],  # log Z - z_0 cancels: the loss is e^-40
]
TARGETS = np.array([[0, 1], [2, 0]])


@pytest.fixture(params=[np.float32, np.float64])
def logits(request):
    return np.array(LOGITS, dtype=request.param).reshape(2, 2, 4)


def exact_log_z(row):
    return mp.log(mp.fsum(mp.exp(mp.mpf(float(z))) for z in row))


def test_log_denominator(logits):
    exact = as_float([[exact_log_z(row) for row in block] for block in logits])
    eps = np.finfo(logits.dtype).eps  # the bound of logsumexp is one ulp, and eps of results below 1
    assert np.all(
        np.abs(load("softmax_denominator").log_denominator(logits) - exact) <= eps * np.maximum(1, np.abs(exact))
    )


def test_cross_entropy(logits):
    exact = [
        [exact_log_z(row) - float(row[t]) for row, t in zip(*pair, strict=True)]
        for pair in zip(logits, TARGETS, strict=True)
    ]
    result = load("softmax_denominator").cross_entropy(logits, TARGETS)
    assert result.dtype == logits.dtype
    # a few ulp, relative also at the loss e^-40
    assert_allclose(result, as_float(exact), rtol=4 * np.finfo(logits.dtype).eps, atol=0)


def test_cross_entropy_gradient(logits):
    exact = [
        [mp.exp(float(z) - exact_log_z(row)) - (i == t) for i, z in enumerate(row)]
        for row, t in zip(logits.reshape(4, 4), TARGETS.ravel(), strict=True)
    ]
    kind = np.finfo(logits.dtype)
    result = load("softmax_denominator").cross_entropy_gradient(logits, TARGETS)
    # softmax is within 4 ulp; expm1 adds the error of a loss within 4 eps
    assert_allclose(result.reshape(4, 4), as_float(exact), rtol=8 * kind.eps, atol=float(kind.smallest_subnormal))


# Gaussian mixture -------------------------------------------------------------------------------------------

POINTS = np.array([[0.3, -0.2], [1.1, 0.4], [-0.7, 2.5], [2.2, 1.9], [60.0, -80.0]])
MIXTURE = (
    np.log([0.5, 0.3, 0.2]),
    np.array([[0.0, 0.0], [1.5, 1.0], [-40.0, 30.0]]),  # all responsibilities of the third underflow
    np.array([[[1.0, 0.3], [0.3, 2.0]], [[0.5, -0.1], [-0.1, 0.7]], [[1.0, 0.0], [0.0, 1.0]]]),
)


def exact_joint(points, log_weights, means, covariances):
    """exp(l_nk), by the inverse and determinant of 2 x 2 matrices."""
    joint = []
    for x in points:
        row = []
        for log_weight, mean, ((a, b), (_, d)) in zip(log_weights, means, covariances.tolist(), strict=True):
            a, b, d = mp.mpf(a), mp.mpf(b), mp.mpf(d)
            u, v = (mp.mpf(float(c)) - float(m) for c, m in zip(x, mean, strict=True))
            det = a * d - b * b
            square = (d * u * u - 2 * b * u * v + a * v * v) / det
            row.append(mp.exp(float(log_weight) - square / 2) / (2 * mp.pi * mp.sqrt(det)))
        joint.append(row)
    return joint


def test_mixture_density():
    joint = exact_joint(POINTS, *MIXTURE)
    exact = as_float([mp.log(mp.fsum(row)) for row in joint])
    assert exact[-1] < -1000  # an outlier whose density underflows
    # covariances of condition number below 3: some tens of roundings of the largest term
    assert_allclose(load("gaussian_mixture").log_density(POINTS, *MIXTURE), exact, rtol=64 * EPS, atol=0)


def test_em_step():
    points = POINTS[:4]
    joint = exact_joint(points, *MIXTURE)
    r = [[value / mp.fsum(row) for value in row] for row in joint]
    totals = [mp.fsum(row[k] for row in r) for k in range(3)]
    share = np.array([[row[k] / totals[k] for k in range(3)] for row in r])
    exact_means = share.T @ points
    centred = points[:, None, :] - exact_means
    exact_covariances = np.einsum("nk,nki,nkj->kij", share, centred, centred, optimize=False)

    log_weights, means, covariances = load("gaussian_mixture").em_step(points, *MIXTURE)
    assert all(row[2] < 5e-324 for row in r)
    # log r is about -1300 for the third component: its error of eps * 1300 is the relative one of the shares
    scale = 1300 * EPS
    assert_allclose(log_weights, as_float([mp.log(total / 4) for total in totals]), rtol=8 * EPS, atol=64 * EPS)
    assert_allclose(means, as_float(exact_means), rtol=0, atol=4 * scale)
    assert_allclose(covariances, as_float(exact_covariances), rtol=0, atol=16 * scale)


def test_em_climbs_to_the_mixture_that_was_sampled():
    example = load("gaussian_mixture")
    x = example.sample(np.random.default_rng(1), 2000)
    parameters = np.log(np.full(3, 1 / 3)), x[:3], np.array([4 * np.eye(2)] * 3)
    path = []
    for _ in range(100):
        path.append(example.log_density(x, *parameters).sum())
        parameters = example.em_step(x, *parameters)
    # each step raises the likelihood; once converged, up to the rounding of a sum of about 8000
    assert np.all(np.diff(path) >= -1e-10)
    assert path[-1] - path[0] > 1000
    order = np.argsort(parameters[1][:, 0])
    # standard errors: weights 0.011; means at most 1.5 / sqrt(600) = 0.06, a little more for the overlap
    assert_allclose(np.exp(parameters[0][order]), [0.5, 0.2, 0.3], atol=0.05)
    assert_allclose(parameters[1][order], [[-4, 0], [0, 5], [4, 0]], atol=0.25)


# Hidden Markov model ----------------------------------------------------------------------------------------


def dense_model():
    rng = np.random.default_rng(2)
    return rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), size=3), rng.dirichlet(np.ones(4), size=3)


def left_to_right_model():
    transition = np.array([[0.6, 0.4, 0.0], [0.0, 0.7, 0.3], [0.0, 0.0, 1.0]])
    emission = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0], [0.125, 0.0, 0.375, 0.5]])
    return np.array([1.0, 0.0, 0.0]), transition, emission


def enumerate_paths(symbols, initial, transition, emission):
    """Exact probability of the symbols, and of each state with them at each time."""
    joint = [[Fraction(0)] * len(initial) for _ in symbols]
    total = Fraction(0)
    for path in product(range(len(initial)), repeat=len(symbols)):
        probability = Fraction(initial[path[0]])
        for i, j in pairwise(path):
            probability *= Fraction(transition[i, j])
        for state, symbol in zip(path, symbols, strict=True):
            probability *= Fraction(emission[state, symbol])
        total += probability
        for t, state in enumerate(path):
            joint[t][state] += probability
    return total, joint


@pytest.mark.parametrize("model", [dense_model(), left_to_right_model()], ids=["dense", "left to right"])
@pytest.mark.parametrize("symbols", [(1,), (0, 1, 2, 2, 3, 0), (1, 1, 1, 2, 0, 2, 3)])
def test_forward_and_backward_sum_over_all_paths(model, symbols):
    example = load("hidden_markov_model")
    total, joint = enumerate_paths(symbols, *model)
    exact = float(mp.log(mp.mpf(total.numerator) / total.denominator))
    log_model = [logs(part) for part in model]
    # each of at most 7 steps makes four rounding errors in numbers below 25
    tolerance = 7 * 4 * 25 * EPS
    assert_allclose(example.log_likelihood(symbols, *log_model), exact, rtol=0, atol=tolerance)
    expected = [[float(value / total) for value in row] for row in joint]
    assert_allclose(example.posterior(symbols, *log_model), expected, rtol=0, atol=2 * tolerance)


def test_what_no_path_can_emit_is_impossible():
    log_model = [logs(part) for part in left_to_right_model()]
    assert load("hidden_markov_model").log_likelihood((3, 1, 2), *log_model) == -np.inf


def test_likelihood_far_below_the_least_double():
    example = load("hidden_markov_model")
    _, symbols = example.roll(np.random.default_rng(3), 1000)
    model = example.INITIAL, example.TRANSITION, example.EMISSION
    initial, transition, emission = (np.vectorize(mp.mpf, otypes=[object])(part) for part in model)
    alpha = initial * emission[:, symbols[0]]
    for symbol in symbols[1:]:
        alpha = alpha @ transition * emission[:, symbol]
    exact = mp.log(mp.fsum(alpha))
    assert exact < -1500
    # 1000 steps of four rounding errors each in numbers below 2048, which add up like a random walk
    assert_allclose(example.log_likelihood(symbols, *map(np.log, model)), float(exact), rtol=0, atol=1e-10)


# Free energy ------------------------------------------------------------------------------------------------


def exact_ring_free_energy(n, coupling, field, kt):
    """By the eigenvalues of the transfer matrix; where J < 0 they cancel, down to e^(2 J / kT)."""
    with mp.workdps(mp.dps + int(2 * abs(coupling) / kt)):
        k, b = mp.mpf(coupling) / kt, mp.mpf(field) / kt
        root = mp.sqrt(mp.exp(2 * k) * mp.sinh(b) ** 2 + mp.exp(-2 * k))
        middle = mp.exp(k) * mp.cosh(b)
        return -kt * mp.log((middle + root) ** n + (middle - root) ** n)


MODELS = [(1.0, 0.0), (1.0, 0.25), (-1.0, 0.5), (0.0, 1.0)]


@pytest.mark.parametrize(("coupling", "field"), MODELS)
@pytest.mark.parametrize("n", [3, 8, 11])
def test_free_energy_and_entropy_of_a_short_ring(n, coupling, field):
    example = load("free_energy")
    kt = np.array([0.01, 0.3, 1.0, 7.0])  # at the first, exp(-E / kT) overflows
    energies = example.ring_energies(n, coupling, field)
    free, entropy = example.free_energy(energies, kt), example.entropy(energies, kt)
    exact_free = [exact_ring_free_energy(n, coupling, field, float(t)) for t in kt]
    exact_entropy = [-mp.diff(lambda t: exact_ring_free_energy(n, coupling, field, t), float(t)) for t in kt]
    # a rounding of E / kT, of the sum, and of the product with kT
    assert_allclose(free, as_float(exact_free), rtol=4 * EPS, atol=0)
    # p log p inherits the rounding of E / kT, at most n (|J| + |h|) / kT
    largest = np.abs(energies).max() / kt
    assert np.all(np.abs(entropy - as_float(exact_entropy)) <= 8 * EPS * (largest + n))


@pytest.mark.parametrize(("coupling", "field"), MODELS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 1001, 2**20, 10**6 + 1])
@pytest.mark.parametrize("kt", [0.01, 1.0, 7.0])
def test_free_energy_of_a_ring_by_its_transfer_matrix(n, coupling, field, kt):
    result = load("free_energy").ring_free_energy(n, coupling, field, kt)
    exact = float(exact_ring_free_energy(n, coupling, field, kt))
    # up to 20 squarings and 20 products, each of which adds a relative rounding or two
    assert_allclose(result, exact, rtol=64 * EPS, atol=0)


# Importance-weighted bound ----------------------------------------------------------------------------------


@pytest.fixture
def data():
    return 0.7 + np.random.default_rng(4).standard_normal(1000)


def exact_evidence(x):
    """log N(x; 0, I + 1 1^T), by the determinant and the inverse of a rank-one update."""
    x = [mp.mpf(float(value)) for value in x]
    n = len(x)
    square = mp.fsum(value * value for value in x) - mp.fsum(x) ** 2 / (n + 1)
    return -(n * mp.log(2 * mp.pi) + mp.log(n + 1) + square) / 2


def divergence(shift, stretch):
    """KL(q || p) and the variance of the weights p / q, for q = N(m + shift s, (stretch s)^2) and p = N(m, s^2)."""
    kl = (stretch**2 + shift**2 - 1) / 2 - np.log(stretch)
    spread = 2 * stretch**2 - 1
    return kl, stretch**2 / np.sqrt(spread) * np.exp(shift**2 / spread) - 1


# Sums of 1000 terms of size 1 and logarithms near -1400.
EVIDENCE_TOLERANCE = 1e-11


def test_evidence_in_closed_form(data):
    exact = float(exact_evidence(data))
    assert exact < -1300
    assert_allclose(load("importance_weighted_bound").log_evidence(data), exact, rtol=0, atol=EVIDENCE_TOLERANCE)


def test_bound_is_tight_when_q_is_the_posterior(data):
    example = load("importance_weighted_bound")
    log_w = example.log_weights(data, *example.posterior(data), np.linspace(-6, 6, 60).reshape(5, 12))
    assert_allclose(example.bound(log_w), float(exact_evidence(data)), rtol=0, atol=EVIDENCE_TOLERANCE)
    assert_allclose(example.effective_samples(log_w), 12, rtol=EVIDENCE_TOLERANCE)


@pytest.mark.parametrize(("shift", "stretch"), [(1.0, 2.0), (-0.5, 1.25), (0.0, 0.9)])
def test_bound_by_quadrature(data, shift, stretch):
    """The expectation over the noise without sampling, so that the result is deterministic."""
    example = load("importance_weighted_bound")
    mean, std = example.posterior(data)
    node, weight = np.polynomial.hermite_e.hermegauss(64)
    weight /= weight.sum()
    pairs = np.stack(np.meshgrid(node, node), axis=-1)
    log_w = example.log_weights(data, mean + shift * std, stretch * std, pairs)
    one = weight @ example.bound(example.log_weights(data, mean + shift * std, stretch * std, node[:, None]))
    two = weight @ example.bound(log_w) @ weight
    gap = divergence(shift, stretch)[0]
    assert_allclose(float(exact_evidence(data)) - one, gap, rtol=0, atol=EVIDENCE_TOLERANCE)
    assert one < two < float(exact_evidence(data))


def test_bound_grows_to_the_evidence(data):
    example = load("importance_weighted_bound")
    mean, std = example.posterior(data)
    exact = float(exact_evidence(data))
    log_w = example.log_weights(data, mean + std, 2 * std, np.random.default_rng(5).standard_normal(2**20))
    kl, variance = divergence(1.0, 2.0)
    sizes = 2 ** np.arange(9)
    bounds = np.array([example.bound(log_w.reshape(-1, k)).mean() for k in sizes])

    # by Jensen's inequality, on these very samples; and below the evidence, where the gap exceeds the noise
    assert np.all(np.diff(bounds) > 0)
    noise = np.sqrt(variance / log_w.size)
    assert np.all(bounds[:6] < exact - 5 * noise)
    # in the noise u, log w is -1.5 u^2 - 2 u and a constant: of variance 8.5
    assert abs(exact - bounds[0] - kl) < 5 * np.sqrt(8.5 / log_w.size)

    # log(1 + e) - e = -e^2 / 2 + ... , so the gap is variance / (2 K) but for O(1 / K^2); the mean of e is 0, and
    # subtracting its sample takes most of the noise away: sqrt(2 K / samples) is left, 1.1 % and 2.2 %
    drift = np.exp(log_w - exact).mean() - 1
    for k, tolerance in (64, 0.06), (256, 0.12):
        gap = exact + drift - bounds[sizes == k][0]
        assert_allclose(2 * k * gap / variance, 1, rtol=0, atol=tolerance)


def test_effective_samples():
    log_w = -5000 + np.log([[1, 1, 1, 1], [1, 0.5, 0.5, 1e-300]])
    # the softmax of logarithms near -5000, which are rounded by eps * 5000 / 2
    assert_allclose(load("importance_weighted_bound").effective_samples(log_w), [4, 8 / 3], rtol=4 * 5000 * EPS)


# A file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 7, 1000, 1001, 5000])
def test_sums_of_a_file(chunk, tmp_path):
    example = load("larger_than_memory")
    path = tmp_path / "energies.npy"
    example.write(path, 1001, chunk)
    energies = [mp.mpf(float(u)) for u in np.load(path)]
    first, second = (mp.fsum(mp.exp(-k * u) for u in energies) for k in (1, 2))
    sums = example.sums(path, chunk)
    assert [total.count for total in sums] == [1001, 1001]
    # within the bound of logsumexp, however the file is cut: an ulp below 1024, and one below 2048
    assert_allclose(sums[0].value, float(mp.log(first)), rtol=0, atol=2.0**-43)
    assert_allclose(sums[1].value, float(mp.log(second)), rtol=0, atol=2.0**-42)
    assert_allclose(example.free_energy(sums[0]), float(-mp.log(first / 1001)), rtol=0, atol=2.0**-42)
    # the difference of logarithms near 2000 has their absolute error
    assert_allclose(example.effective_samples(*sums), float(first**2 / second), rtol=2.0**-40, atol=0)


# Two processes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 10, 14])  # fewer states than a chunk, and two chunks a process
def test_states_shared_out_between_processes(n):
    example = load("two_processes")
    kt = np.array([0.01, 0.3, 1.0, 7.0])
    partition, energy = example.shared_out(n, kt)
    assert partition.count == energy.count == 2**n
    free = [exact_ring_free_energy(n, 1.0, 0.0, float(t)) for t in kt]
    slope = [mp.diff(lambda t: exact_ring_free_energy(n, 1.0, 0.0, t), float(t)) for t in kt]
    mean = [f - float(t) * s for f, t, s in zip(free, kt, slope, strict=True)]
    # a rounding of E / kT, of the sum, and of the product with kT
    assert_allclose(example.free_energy(partition, kt), as_float(free), rtol=4 * EPS, atol=0)
    # a mean of energies up to n, from two logarithms of at most n / kT + log(n) + n log 2
    error = np.abs(example.mean_energy(partition, energy) - as_float(mean))
    assert np.all(error <= 4 * EPS * n * (n / kt + 2 * n))


def test_the_processes_send_what_one_would_compute():
    example = load("two_processes")
    kt = np.array([0.5, 2.0])
    alone, shared = example.sums(0, 2**10, 10, kt), example.shared_out(10, kt, processes=2)
    for a, b in zip(alone, shared, strict=True):
        assert a.count == b.count
        assert_allclose(a.log_abs, b.log_abs, rtol=EPS, atol=0)
        assert np.array_equal(a.sign, b.sign)
        assert len(pickle.dumps(b)) < 1000


# The log-sum-exp trick --------------------------------------------------------------------------------------


def test_trick(rng):
    example = load("trick")
    x = rng.normal(size=50) * 10
    greatest, total = list(example.stream(x))[-1]
    assert greatest == x.max()
    assert_allclose(greatest + np.log(total), lse.logsumexp(x), rtol=1e-14)
    as_written, shifted, by_lse = example.errors([np.full(3, 1000.0), np.array([0.0, -40.0])])
    assert as_written == np.inf
    assert shifted > 1e15
    assert by_lse <= 1


# Optimal transport ------------------------------------------------------------------------------------------


def test_sinkhorn_fits_both_marginals():
    example = load("sinkhorn")
    x, log_p, log_q = example.densities(40)
    cost = (x[:, None] - x) ** 2
    for eps in (1e-1, 1e-2):
        log_plan, rounds = example.transport(log_p, log_q, cost, eps)
        plan = np.exp(log_plan)
        assert rounds < 20000
        assert_allclose(plan.sum(axis=1), np.exp(log_p), atol=1e-9)
        assert_allclose(plan.sum(axis=0), np.exp(log_q), atol=1e-12)
        other = example.naive(np.exp(log_p), np.exp(log_q), cost, eps, 4 * rounds)
        assert_allclose(plan, other, atol=1e-7)
