"""The forward and backward algorithms of a hidden Markov model, in log space.

For initial probabilities pi, transitions A_ij from i to j, and emissions B_jo of symbol o in state j:

    log alpha_0(j) = log pi_j + log B_j(o_0)
    log alpha_t(j) = log(sum_i exp(log alpha_{t-1}(i) + log A_ij)) + log B_j(o_t)
    log beta_t(i)  = log(sum_j exp(log A_ij + (log B_j(o_{t+1}) + log beta_{t+1}(j))))

Both sums are products in log space of a vector and the matrix of transitions, which is prepared once.
    log p(o)       = log(sum_j exp(log alpha_{T-1}(j)))
    p(j at t | o)  = softmax(log alpha_t + log beta_t)_j

What is impossible has the logarithm -inf and needs no care.

Source: Rabiner, A tutorial on hidden Markov models, Proceedings of the IEEE 77 (1989), section III.
The casino: Durbin, Eddy, Krogh and Mitchison, Biological Sequence Analysis (1998), section 3.2.
"""

import numpy as np

import lse

# The occasionally dishonest casino: a fair die, and a loaded one that shows a six half of the time.
INITIAL = np.array([0.5, 0.5])
TRANSITION = np.array([[0.95, 0.05], [0.10, 0.90]])
EMISSION = np.array([[1 / 6] * 6, [0.1] * 5 + [0.5]])


def log_forward(symbols, log_initial, log_transition, log_emission):
    """Log alpha, of shape (time, states)."""
    alpha = np.empty((len(symbols), len(log_initial)))
    alpha[0] = log_initial + log_emission[:, symbols[0]]
    transition = lse.LogMatrix(log_transition)
    for t in range(1, len(symbols)):
        alpha[t] = lse.logmatmulexp(alpha[t - 1], transition) + log_emission[:, symbols[t]]
    return alpha


def log_backward(symbols, log_transition, log_emission):
    """Log beta, of shape (time, states)."""
    beta = np.zeros((len(symbols), len(log_transition)))
    transition = lse.LogMatrix(log_transition)
    for t in range(len(symbols) - 1, 0, -1):
        beta[t - 1] = lse.logmatmulexp(transition, log_emission[:, symbols[t]] + beta[t])
    return beta


def log_likelihood(symbols, log_initial, log_transition, log_emission):
    """Log-probability of the symbols."""
    return lse.logsumexp(log_forward(symbols, log_initial, log_transition, log_emission)[-1])


def posterior(symbols, log_initial, log_transition, log_emission):
    """Probability of each state at each time, given all symbols."""
    alpha = log_forward(symbols, log_initial, log_transition, log_emission)
    return lse.softmax(alpha + log_backward(symbols, log_transition, log_emission), axis=1)


def roll(rng, count):
    """Hidden states and symbols of the casino."""
    states = [rng.choice(2, p=INITIAL)]
    while len(states) < count:
        states.append(rng.choice(2, p=TRANSITION[states[-1]]))
    return np.array(states), np.array([rng.choice(6, p=EMISSION[state]) for state in states])


def main():
    states, symbols = roll(np.random.default_rng(0), 3000)
    model = np.log(INITIAL), np.log(TRANSITION), np.log(EMISSION)
    for count in 30, 300, 3000:
        value = log_likelihood(symbols[:count], *model)
        print(f"{count:4} rolls: log-likelihood {value:.6f}, likelihood {np.exp(value):.3g}")
    loaded = posterior(symbols, *model)[:, 1] > 0.5
    print(f"the die is told from its rolls at {np.mean(loaded == states):.1%} of the times")


if __name__ == "__main__":
    main()
