"""The log-sum-exp trick in pictures: the error of three formulas, and the state of a sum along a stream.

    python examples/trick.py                             # the numbers
    python examples/trick.py error.png stream.png        # also the pictures; needs matplotlib

The worst error of log(sum(exp(x))) as written, after subtracting the maximum, and by lse, in units in the last place of
the exact result, which mpmath computes with 50 digits: for elements around a level from -900 to 900, and for the two
elements 0 and -s.
"""

import sys

import mpmath
import numpy as np

import lse

FORMULAS = ("as written", "shifted", "lse")
LEVELS = np.linspace(-900, 900, 91)
DISTANCES = np.linspace(0.5, 60, 120)


def naive(x):
    with np.errstate(all="ignore"):
        return np.log(np.sum(np.exp(x)))


def shifted(x):
    return x.max() + np.log(np.sum(np.exp(x - x.max())))


def exact(x):
    with mpmath.workdps(50):
        return mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(one))) for one in x))


def error(found, wanted):
    """In units in the last place of the exact result; infinite for an overflow or a lost sum."""
    return float(abs(mpmath.mpf(float(found)) - wanted)) / float(np.spacing(abs(float(wanted))))


def errors(samples):
    """The worst error of each formula in a list of rows."""
    answers = [(x, exact(x)) for x in samples]
    return [max(error(formula(x), wanted) for x, wanted in answers) for formula in (naive, shifted, lse.logsumexp)]


def stream(x):
    """The state after each element, by the rule of the page: the maximum, and the sum relative to it."""
    greatest, total = -np.inf, 0.0
    for one in x:
        if one > greatest:
            total *= np.exp(greatest - one)
            greatest = one
        total += np.exp(one - greatest)
        yield greatest, total


def draw_errors(name, by_level, by_distance):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    lost = 1e18  # where infinite errors stand
    for axis, at, found in zip(axes, (LEVELS, DISTANCES), (by_level, by_distance), strict=True):
        height = np.where(np.isfinite(found), np.maximum(found, 0.05), lost)
        for column, colour, size in zip(height.T, ("#888888", "#1d6fa5", "#c1121f"), (6, 4, 3), strict=True):
            axis.semilogy(at, column, "o", color=colour, markersize=size)
        axis.axhline(1, color="#bbbbbb", linewidth=0.8)
    axes[0].text(0, lost, "overflow, or nothing left", ha="center", va="center", color="#666666")
    axes[0].set(xlabel="200 elements around", ylabel="worst error, ulp", ylim=(0.02, 1e20))
    axes[1].set(xlabel="0 and the negative of")
    axes[1].legend(FORMULAS, loc="center right", frameon=False)
    figure.savefig(name, dpi=110)


def draw_stream(name, x):
    import matplotlib.pyplot as plt

    states = np.array(list(stream(x)))
    greatest, total = states.T
    at = np.arange(1, x.size + 1)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 4.6), sharex=True, layout="constrained", height_ratios=(3, 2)
    )
    above.plot(at, x, "o", color="#999999", markersize=4, label="elements")
    above.step(at, greatest, where="post", color="#1d6fa5", label="maximum so far")
    above.plot(at, greatest + np.log(total), color="#c1121f", label="log-sum-exp so far")
    above.legend(frameon=False, loc="upper left", ncols=3)
    above.set_ylim(-7.5, 9)
    below.plot(at, total, color="#c1121f")
    for place in np.flatnonzero(np.diff(greatest) > 0):
        below.axvline(place + 2, color="#1d6fa5", linewidth=0.8, linestyle=":")
    below.set(xlabel="elements read", ylabel="sum / exp(maximum)", ylim=(0, None))
    figure.savefig(name, dpi=110)


def main(error_picture=None, stream_picture=None):
    rng = np.random.default_rng(1)
    by_level = [errors([level + 2 * rng.standard_normal(200) for _ in range(10)]) for level in LEVELS]
    by_distance = [errors([np.array([0.0, -distance])]) for distance in DISTANCES]
    for name, level, distance in zip(FORMULAS, np.transpose(by_level), np.transpose(by_distance), strict=True):
        lost, worst = np.mean(np.isinf(level)), level[np.isfinite(level)].max()
        print(
            f"{name:10}: infinite at {lost:.0%} of the levels, else {worst:.2g} ulp; of 0, -s {distance.max():.2g} ulp"
        )
    x = np.linspace(-3, 3, 60) + 1.5 * rng.standard_normal(60)
    greatest, total = list(stream(x))[-1]
    print(f"one element at a time: {greatest + np.log(total):.12f}, by lse {lse.logsumexp(x):.12f}")
    if error_picture:
        draw_errors(error_picture, by_level, by_distance)
    if stream_picture:
        draw_stream(stream_picture, x)


if __name__ == "__main__":
    main(*sys.argv[1:])
