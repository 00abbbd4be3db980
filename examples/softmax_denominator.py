"""The denominator of softmax, and the cross-entropy of logits over a vocabulary.

For the logits z of one token and the index t of the right word:

    log Z        = log(sum_v exp(z_v))
    loss         = log Z - z_t = -log_softmax(z)_t
    d loss / d z = softmax(z) - onehot(t)

Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.2.2.3.
"""

import numpy as np

import lse


def log_denominator(logits):
    """Logarithm of the denominator of softmax; the last axis of logits is the vocabulary."""
    return lse.logsumexp(logits, axis=-1)


def cross_entropy(logits, targets):
    """Loss of each token. Where the model is sure, log Z - z_t would cancel; log_softmax keeps the digits."""
    return -np.take_along_axis(lse.log_softmax(logits, axis=-1), targets[..., None], axis=-1)[..., 0]


def cross_entropy_gradient(logits, targets):
    """Derivative of each token's loss by its logits."""
    gradient = lse.softmax(logits, axis=-1)
    of_target = np.expm1(-cross_entropy(logits, targets))  # p - 1, to the last digit also where p is almost 1
    np.put_along_axis(gradient, targets[..., None], of_target[..., None], axis=-1)
    return gradient


def main():
    rng = np.random.default_rng(0)
    batch, time, vocabulary = 4, 16, 32000
    logits = 24 * rng.standard_normal((batch, time, vocabulary), dtype=np.float32)
    targets = np.argmax(logits + rng.gumbel(size=logits.shape), axis=-1)  # words drawn from the softmax itself

    log_z = log_denominator(logits)
    with np.errstate(over="ignore"):
        naive = np.log(np.exp(logits).sum(axis=-1))
    losses = cross_entropy(logits, targets)
    print(f"log Z of {log_z.size} tokens, {vocabulary} words: {log_z.min():.3f} to {log_z.max():.3f}")
    print(f"infinite without the shift by the maximum: {np.isinf(naive).sum()} of {naive.size}")
    print(f"mean loss {losses.mean():.4f}, perplexity {np.exp(losses.mean()):.4f}")
    sure = losses.argmin()
    cancelled = log_z.flat[sure] - logits.max(axis=-1).flat[sure]
    print(f"smallest loss {losses.min():.3e}; as log Z - z_t it would be {cancelled:.3e}")
    print(f"gradient of the first token: norm {np.linalg.norm(cross_entropy_gradient(logits, targets)[0, 0]):.6f}")


if __name__ == "__main__":
    main()
