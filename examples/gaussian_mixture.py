"""Fit a mixture of Gaussians by expectation-maximisation, in log space.

    log p(x_n)  = log(sum_k exp(l_nk)),   l_nk = log pi_k + log N(x_n; mu_k, Sigma_k)
    log r_nk    = log_softmax(l_n)_k                       responsibilities
    log pi_k   <- log(sum_n exp(log r_nk)) - log N
    mu_k       <- sum_n s_nk x_n,   s = softmax(log r) over n
    Sigma_k    <- sum_n s_nk (x_n - mu_k)(x_n - mu_k)^T

s_nk is r_nk / sum_n r_nk, so a component stays well defined also when all of its responsibilities underflow.

Source: Bishop, Pattern Recognition and Machine Learning (2006), section 9.2.
"""

import numpy as np

import lse


def log_joint(x, log_weights, means, covariances):
    """l_nk for points (n, d), log weights (k,), means (k, d), covariances (k, d, d)."""
    roots = np.linalg.cholesky(covariances)
    white = np.linalg.solve(roots, (x[:, None, :] - means).transpose(1, 2, 0))  # (k, d, n)
    log_det = 2 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return log_weights - 0.5 * (np.square(white).sum(axis=1).T + log_det + x.shape[1] * np.log(2 * np.pi))


def log_density(x, log_weights, means, covariances):
    """Log-density of the mixture at each point."""
    return lse.logsumexp(log_joint(x, log_weights, means, covariances), axis=1)


def em_step(x, log_weights, means, covariances):
    """The parameters after one step of expectation-maximisation."""
    log_r = lse.log_softmax(log_joint(x, log_weights, means, covariances), axis=1)
    log_weights = lse.logsumexp(log_r, axis=0) - np.log(len(x))
    share = lse.softmax(log_r, axis=0)
    means = share.T @ x
    centred = x[:, None, :] - means
    covariances = np.einsum("nk,nki,nkj->kij", share, centred, centred)
    return log_weights, means, covariances


def sample(rng, count):
    """Points of three Gaussians of weights 0.5, 0.3 and 0.2."""
    centres = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
    scales = np.array([[1.0, 0.5], [0.7, 1.5], [1.0, 1.0]])
    component = rng.choice(3, size=count, p=[0.5, 0.3, 0.2])
    return centres[component] + scales[component] * rng.standard_normal((count, 2))


def main():
    x = sample(np.random.default_rng(0), 2000)
    parameters = np.log(np.full(3, 1 / 3)), x[:3], np.array([4 * np.eye(2)] * 3)
    for step in range(21):
        if step % 4 == 0:
            print(f"step {step:2}: log-likelihood {log_density(x, *parameters).sum():.6f}")
        parameters = em_step(x, *parameters)
    for weight, mean in zip(np.exp(parameters[0]), parameters[1], strict=True):
        print(f"weight {weight:.3f} at ({mean[0]:+.3f}, {mean[1]:+.3f})")

    outlier = np.array([[60.0, -80.0]])
    density = np.exp(log_joint(outlier, *parameters)).sum()
    print(f"an outlier: log-density {log_density(outlier, *parameters)[0]:.3f}, density {density}")


if __name__ == "__main__":
    main()
