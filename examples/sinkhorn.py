"""Optimal transport with an entropic penalty, by Sinkhorn's iteration in log space.

Of all plans P >= 0 with row sums p and column sums q, the one that minimises sum(P C) + eps sum(P log P) is

    log P_ij = u_i - C_ij / eps + v_j
    u = log p - log(sum_j exp(-C_ij / eps + v_j))
    v = log q - log(sum_i exp(u_i - C_ij / eps))

and the iteration takes the last two lines in turn. Both are products in log space of the matrix -C / eps, prepared
once, and a vector. With eps = 1e-3 and costs up to 4 its elements go down to -4000, where exp(-C / eps) is 0, and the
potentials u and v up to thousands: the iteration without logarithms divides 0 by 0.

Source: Cuturi, Sinkhorn distances: lightspeed computation of optimal transport, NeurIPS 26 (2013); Peyre and Cuturi,
Computational optimal transport, Foundations and Trends in Machine Learning 11 (2019), sections 4.1 and 4.4.
"""

import sys

import numpy as np

import lse


def transport(log_p, log_q, cost, eps, rounds=20000, tolerance=1e-8):
    """Log-plan, and how often both marginals were fitted until the rows summed to p within the tolerance.

    eps is lowered to its value in steps, each started with the potentials of the one before.
    """
    v = np.zeros(len(log_q))
    count = 0
    for level in eps * 4.0 ** np.arange(6, -1, -1):
        kernel = lse.LogMatrix(-cost / level)
        transposed = kernel.T
        while count < rounds:
            u = log_p - lse.logmatmulexp(kernel, v)
            v = log_q - lse.logmatmulexp(transposed, u)
            count += 1
            rows = u + lse.logmatmulexp(kernel, v) if count % 10 == 0 else np.inf
            if np.abs(np.exp(rows) - np.exp(log_p)).sum() < tolerance:
                break
        if level > eps:
            v *= 4.0  # v is a potential over eps
    return u[:, None] - cost / eps + v, count


def naive(p, q, cost, eps, rounds):
    """The same plan without logarithms."""
    kernel = np.exp(-cost / eps)
    v = np.ones(len(q))
    for _ in range(rounds):
        u = p / (kernel @ v)
        v = q / (kernel.T @ u)
    return u[:, None] * kernel * v


def densities(n):
    """Points on [0, 2], and two densities on them: a wide one, and one with two narrow peaks."""
    x = 2 * (np.arange(n) + 0.5) / n
    log_p = -0.5 * ((x - 0.4) / 0.12) ** 2
    log_q = np.logaddexp(-0.5 * ((x - 1.2) / 0.03) ** 2, -0.5 * ((x - 1.7) / 0.05) ** 2)
    return x, lse.log_softmax(log_p), lse.log_softmax(log_q)


def draw(name, plans, x):
    """The plans, side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(plans), figsize=(3.2 * len(plans), 3.4), sharey=True, layout="constrained")
    for axis, (eps, log_plan) in zip(axes, plans.items(), strict=True):
        image = axis.imshow(log_plan / np.log(10), origin="lower", extent=(x[0], x[-1], x[0], x[-1]), vmin=-12, vmax=-2)
        axis.set(title=f"eps = {eps:g}", xlabel="to")
    axes[0].set_ylabel("from")
    figure.colorbar(image, ax=axes, label="log10 of the plan")
    figure.savefig(name, dpi=110)


def main(picture=None):
    x, log_p, log_q = densities(200)
    cost = (x[:, None] - x) ** 2
    plans = {}
    for eps in 1e-1, 1e-2, 1e-3:
        plans[eps], count = transport(log_p, log_q, cost, eps)
        with np.errstate(all="ignore"):
            other = naive(np.exp(log_p), np.exp(log_q), cost, eps, 100)
        state = "fits" if np.isfinite(other).all() else "0 / 0"
        plan = np.exp(plans[eps])
        print(
            f"eps {eps:5.3f}: cost {np.sum(plan * cost):.6f} after {count} rounds, "
            f"rows off by {np.abs(plan.sum(axis=1) - np.exp(log_p)).sum():.1e}, without logarithms: {state}"
        )
    if picture:
        draw(picture, plans, x)


if __name__ == "__main__":
    main(*sys.argv[1:])
