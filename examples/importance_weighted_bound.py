"""The importance-weighted bound on the evidence of a latent-variable model.

    w_k = p(x, z_k) / q(z_k),    z_k drawn from q
    L_K = E[log((1 / K) sum_k w_k)] = E[logsumexp_k(log w_k) - log K]

L_1 is the usual variational bound; L_K grows with K towards log p(x). The model here is one whose evidence is known:
z ~ N(0, 1), and x_i ~ N(z, 1) for i = 1 ... n. The weights of its samples are far below the least positive double.

Source: Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, ICLR 2016.
"""

import numpy as np

import lse


def log_normal(x, mean, std):
    """Log-density of a Gaussian."""
    return -0.5 * np.square((x - mean) / std) - np.log(std) - 0.5 * np.log(2 * np.pi)


def posterior(x):
    """Mean and standard deviation of z given x."""
    return x.sum() / (x.size + 1), 1 / np.sqrt(x.size + 1)


def log_evidence(x):
    """log p(x) = log p(x, z) - log p(z | x), the same for every z."""
    return log_normal(x, 0.0, 1.0).sum() - log_normal(0.0, *posterior(x)) + log_normal(0.0, 0.0, 1.0)


def log_weights(x, mean, std, noise):
    """Log-weights of z = mean + std * noise, of the shape of noise; q is N(mean, std^2)."""
    z = mean + std * noise
    centre = x.mean()
    log_likelihood = log_normal(x, centre, 1.0).sum() - 0.5 * x.size * np.square(z - centre)
    return log_likelihood + log_normal(z, 0.0, 1.0) - log_normal(z, mean, std)


def bound(log_w):
    """The bound from each group of K samples, which the last axis of log_w holds."""
    return lse.logsumexp(log_w, axis=-1) - np.log(log_w.shape[-1])


def effective_samples(log_w):
    """How many equally weighted samples each group is worth, 1 to K."""
    return 1 / np.square(lse.softmax(log_w, axis=-1)).sum(axis=-1)


def main():
    rng = np.random.default_rng(0)
    x = 0.7 + rng.standard_normal(1000)
    mean, std = posterior(x)
    log_w = log_weights(x, mean + std, 2 * std, rng.standard_normal(2**20))  # q is one deviation off and twice as wide

    exact = log_evidence(x)
    print(f"log p(x) = {exact:.6f}; the mean of the weights is {np.exp(log_w).mean()}, and its logarithm useless")
    for k in 1, 2, 4, 8, 16, 32, 64:
        groups = log_w.reshape(-1, k)
        value, worth = bound(groups).mean(), effective_samples(groups).mean()
        print(f"K = {k:2}: bound {value:.6f}, gap {exact - value:.6f}, effective samples {worth:6.3f}")


if __name__ == "__main__":
    main()
