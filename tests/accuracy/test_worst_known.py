"""The rows with the largest known errors, found by searches (`python -m reliability worst`), are within the bounds."""

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle

pytestmark = pytest.mark.usefixtures("kernel")

f32, f64 = np.float32, np.float64

# The number of elements; a single different element, and its index; repeated runs: length, value and weight. Errors are
# fractions of max(1 ulp, 2^-52 or 2^-23).
SUMS = [
    # 1.19 when the rounding error of the sum of two terms was dropped
    (f64, 256, "-0x1.1f6caa2e8dc4dp+2", 0, [(8, "-0x1.203145d4715f2p+2"), (8, "-0x1.2036b790ddf52p+2")]),
    (f64, 256, "-0x1.1f6caa2e8dc4dp+2", 0, [(8, "-0x1.2036b790ddf52p+2"), (8, "-0x1.203145d4715f2p+2")]),
    # .98 when sums of doubles were compensated; the others are at .94, .96, .94, .95, .96, .91; .53, .57, .60, .66
    (f64, 247, "-0x1.8ff5ab7b1dac8p+1", 0, [(16, "-0x1.1fca3b71a0c43p+2")]),
    (f64, 256, "-0x1.1fc78ce7cdb9dp+2", 0, [(8, "-0x1.2025dfb58effdp+2"), (8, "-0x1.1fc78ce7ce003p+2")]),
    (f64, 256, "-0x1.8fced4fbc4e36p+1", 255, [(15, "-0x1.1ff4bf1cc3decp+2")]),
    (f64, 251, "-0x1.90797d42631c1p+1", 46, [(128, "-0x1.1fc120ad6ac3cp+2"), (1, "-0x1.80283812131dp+4")]),
    (
        f64,
        440,
        "-0x1.904611a810b15p+1",
        409,
        [(112, "-0x1.2014fbf1fd4dfp+2"), (16, "-0x1.1f61116dcb7a4p+2"), (16, "-0x1.1fab9de3918bcp+2")],
    ),
    (
        f64,
        512,
        "-0x1.9059599ddeab3p+1",
        69,
        [(112, "-0x1.1fcc69c624482p+2"), (32, "-0x1.1ff5fca7c034bp+2"), (32, "-0x1.79f7388fa5858p+4")],
    ),
    (f64, 12859, "-0x1.fdbfe2effd69fp+2", 8637, [(256, "-0x1.fdc762cfa8d74p+2"), (1, "-0x1.fda9a21e6004fp+2")]),
    (f32, 176, "-0x1.3b2a2ep+1", 48, [(256, "-0x1.a02622p+1")]),
    (f32, 512, "-0x1.a0aa22p+1", 118, [(16, "-0x1.712ec8p+2"), (8, "-0x1.3d329ep+4"), (64, "-0x1.6a7f8ap+4")]),
    (f32, 524, "-0x1.760396p+2", 216, [(15, "-0x1.760942p+2"), (112, "-0x1.ae66ccp+3")]),
    (f32, 257, "-0x1.18631ep+2", 30, [(16, "-0x1.499a2cp+2"), (128, "-0x1.edd734p+3")]),
    # 1.07 when each lane had its own maximum
    (
        f32,
        14464,
        "-0x1.a3690ap+2",
        0,
        [(16, x) for x in ("-0x1.a3690ap+2", "-0x1.6a6c36p+4", "-0x1.73bfeap+4", "-0x1.71d78p+4")],
    ),
    (f32, 632, "-0x1.40e87ap+2", 336, [(256, "-0x1.ea5382p+3"), (16, "-0x1.442d1ap+2"), (8, "-0x1.aa4518p+3")]),
]
WEIGHTED = [  # 1.37, with weights of 1, when what rounding a sum loses was added to the next; .88 in its time, .85, .68
    (f32, 640, "-0x1.4072b2p+2", 472, [(8, "-0x1.e7eca4p+1"), (15, "-0x1.e7aa24p+3"), (16, "-0x1.57cd0ep+4")]),
    (
        f64,
        256,
        "-0x1.1fe55322736e4p+2",
        252,
        [
            (8, "-0x1.1fea29c80c9ap+2", "0x1.07dfcce4141ccp+0"),
            (256, "-0x1.20286c19af011p+2"),
            (8, "-0x1.203bd5a235521p+2", "0x1.d9f893549b28p+0"),
        ],
    ),
    (f32, 512, "-0x1.4ca81ep+2", 79, [(16, "-0x1.4cab1p+2"), (256, "-0x1.4caa68p+2")]),
    (f32, 384, "-0x1.4ca79ep+2", 58, [(15, "-0x1.4cad8p+2", "0x1.4e0bb2p+0"), (128, "-0x1.4caa68p+2", "0x1.fba3cp+0")]),
    # .88, .88; .84, .85
    (
        f64,
        153,
        "-0x1.36fbcffe7ac28p+1",
        20,
        [
            (256, "-0x1.1ff7e6e9c4a61p+2", "0x1.dd550d70a280ap+0"),
            (32, "-0x1.1fb9bdbb0f5bbp+2", "0x1.154e94f1a7c74p+0"),
            (15, "-0x1.fe921f862cb8p-1", "0x1.1ea59fc3a7779p+0"),
        ],
    ),
    (
        f64,
        262,
        "-0x1.1fe33242850f2p+2",
        170,
        [
            (256, "-0x1.1fe43dfc59a3ep+2", "0x1.3586a7e416de6p+0"),
            (128, "-0x1.a5651b5bd825dp+4"),
            (112, "-0x1.1fe02bfba187fp+2", "0x1.e31d632b11fccp+0"),
        ],
    ),
    (f32, 256, "-0x1.20374p+2", 116, [(128, "-0x1.204de2p+2", "0x1.e68e14p+0"), (16, "-0x1.de52ap+3")]),
    (f32, 506, "-0x1.505104p+2", 55, [(15, "-0x1.4cacb8p+2"), (128, "-0x1.4caa68p+2", "0x1.893c36p+0")]),
]
LOG_SOFTMAX = [  # .87; .96, .96, .96, .97 when terms were rounded to floats; .87; .73, .64
    (f64, 257, "0x1.8e9b4ab9ff081p+1", 42, [(16, "0x1.6e2c2e09f40ep-2"), (32, "-0x1.1fb3615862c3cp+2")]),
    (f32, 40, "0x1.342a7ap+1", 3, [(16, "0x1.471de4p-1"), (1, "-0x1.026b94p+4")]),
    (f32, 257, "0x1.2621b2p+1", 157, [(16, "0x1.4f24e6p-1"), (8, "-0x1.046744p+4"), (112, "-0x1.145d0ap+4")]),
    (f32, 513, "0x1.9cfd5ap+0", 502, [(8, "0x1.505ec4p-1"), (1, "-0x1.871b1p+2"), (256, "-0x1.9292dap+3")]),
    (f32, 197, "0x1.3cf9ccp+2", 180, [(112, "0x1.03a6eep+1"), (64, "-0x1.ed1536p+2"), (16, "-0x1.92764cp+2")]),
    (f64, 44, "-0x1.36eb17991aef8p+1", 2, [(112, "-0x1.20305498804e8p+2"), (32, "0x1.ed5c0480adc74p+1")]),
    (f32, 256, "0x1.210d28p+3", 229, [(64, "0x1.8d233ep+2"), (1, "-0x1.0d0376p+2"), (256, "-0x1.c27de2p+1")]),
    (f32, 266, "0x1.f84dfep+2", 240, [(16, "0x1.8d2d56p+2"), (112, "-0x1.53df48p+1"), (8, "-0x1.7dc552p-1")]),
]

# log2(e) times these is so close to a half-integer that a float and a double are rounded to different integers
HALVES = [(f32, 149, x, 1, [(32, "0x1p-1"), (256, "0x1.2p-1")]) for x in ("0x1.e7f9c2p+1", "0x1.ababfcp+7")]


def row(case):
    """The elements and weights of a case."""
    dtype, n, top, place, runs = case
    runs = [(length, float.fromhex(x), float.fromhex(b[0]) if b else 1.0) for length, x, *b in runs]
    x, b = (np.concatenate([np.full(run[0], run[k], dtype) for run in runs]) for k in (1, 2))
    a, weights = np.resize(x, n), np.resize(b, n)
    a[place], weights[place] = float.fromhex(top), 1
    return a, weights


def exactly(a, weights):
    """The log of the sum of few different terms, each repeated many times."""
    pairs, counts = np.unique(np.stack([a, weights]), axis=1, return_counts=True)
    with mp.workdps(oracle.DIGITS):
        terms = [int(c) * mp.mpf(float(w)) * mp.exp(mp.mpf(float(x))) for x, w, c in zip(*pairs, counts, strict=True)]
        return mp.log(mp.fsum(terms))


def of(case):
    return f"{np.dtype(case[0])}-{case[1]}-{case[2]}"


@pytest.mark.parametrize("case", SUMS, ids=of)
def test_sums(case):
    a, weights = row(case)
    exact = exactly(a, weights)
    assert oracle.error(lse.logsumexp(a), exact) <= 1
    assert oracle.error(lse.logsumexp(a[:, np.newaxis], axis=0)[0], exact) <= 1
    assert oracle.error(lse.LogSumExp.of(a).value, exact) <= 1


@pytest.mark.parametrize("case", SUMS + WEIGHTED, ids=of)
def test_weighted_sums(case):
    a, weights = row(case)
    assert oracle.error(lse.logsumexp(a, b=weights), exactly(a, weights)) <= 1


@pytest.mark.parametrize("case", SUMS + LOG_SOFTMAX + HALVES, ids=of)
def test_log_softmax(case):
    a, weights = row(case)
    exact = exactly(a, np.ones_like(weights))
    got = lse.log_softmax(a)
    assert (got == lse.log_softmax(np.tile(a, (20, 1)), axis=1)).all()
    assert (got == lse.log_softmax(np.tile(a, (20, 1)).T, axis=0).T).all()
    _, places = np.unique(a, return_index=True)
    with mp.workdps(oracle.DIGITS):
        assert max(oracle.error(got[i], mp.mpf(float(a[i])) - exact) for i in places) <= 1
