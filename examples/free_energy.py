"""The free energy of an energy-based model: the Ising chain in a ring.

    E(s) = -J sum_i s_i s_{i+1} - h sum_i s_i,    s_i = -1 or +1
    F    = -kT log(sum_s exp(-E(s) / kT))
    p(s) = softmax(-E / kT)_s,    S / k = -sum_s p(s) log p(s)

For few spins the sum runs over all 2^n states. For many it is the trace of the n-th power of the transfer matrix
T_ab = exp((J a b + h (a + b) / 2) / kT), taken here by repeated squaring in log space.

Source: Baxter, Exactly Solved Models in Statistical Mechanics (1982), section 2.1.
"""

import numpy as np

import lse


def ring_energies(n, coupling, field):
    """Energies of all 2^n states of a ring of n spins."""
    spins = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    return -coupling * (spins * np.roll(spins, 1, axis=1)).sum(axis=1) - field * spins.sum(axis=1)


def free_energy(energies, kt):
    """Free energy at each temperature, (m,), of states with energies (states,)."""
    return -kt * lse.logsumexp(-energies / kt[:, None], axis=1)


def entropy(energies, kt):
    """Entropy at each temperature, in units of Boltzmann's constant."""
    log_p = lse.log_softmax(-energies / kt[:, None], axis=1)
    return -(np.exp(log_p) * log_p).sum(axis=1)


def log_power(a, n):
    """Logarithm of the n-th power, n >= 1, of a matrix, from its logarithm."""
    if n == 1:
        return a
    square = log_power(lse.logmatmulexp(a, a), n // 2)
    return lse.logmatmulexp(square, a) if n % 2 else square


def ring_free_energy(n, coupling, field, kt):
    """Free energy of a ring of n spins by its transfer matrix."""
    a = np.array([1.0, -1.0])
    log_transfer = (coupling * a[:, None] * a + field * (a[:, None] + a) / 2) / kt
    return -kt * lse.logsumexp(np.diagonal(log_power(log_transfer, n)))


def main():
    n, kt = 12, np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    energies = ring_energies(n, coupling=1.0, field=0.0)
    with np.errstate(over="ignore"):
        naive = -kt * np.log(np.exp(-energies / kt[:, None]).sum(axis=1))
    print(f"{n} spins, {energies.size} states")
    for row in zip(kt, free_energy(energies, kt), naive, entropy(energies, kt), strict=True):
        print("kT {:6.2f}: F {:11.6f}, without the shift {:11.6f}, S/k {:.6f}".format(*row))
    print(f"S/k goes from log 2 = {np.log(2):.6f}, two ground states, to {n} log 2 = {n * np.log(2):.6f}")

    n = 10**6
    limit = -np.log(2 * np.cosh(1.0))
    print(f"{n} spins at kT 1: F/n {ring_free_energy(n, 1.0, 0.0, 1.0) / n:.12f}, endless chain {limit:.12f}")


if __name__ == "__main__":
    main()
