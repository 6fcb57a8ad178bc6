"""Embeddings of handwritten digits, learnt with `supcon_loss` in NumPy: digits of one kind come near each other.

A network with one hidden layer takes 8 x 8 pixels to eight numbers, of which only the direction counts. It learns from
half of scikit-learn's digits, and each digit of the other half is then given the label of its nearest neighbour among
them, by the cosine: before training, and after it.

Run it with `python examples/digit_embeddings.py`, which needs scikit-learn; with `docs/digit_embeddings.png` behind it,
it also draws the picture of docs/losses.md, with matplotlib.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

import fastloss as fl

HIDDEN, FEATURES, TEMPERATURE = 64, 8, 0.2


def load():
    """Pixels from 0 to 1 and labels of the digits to learn from, and of those to judge by."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    pixels, labels = (pixels[order] / 16).astype(np.float32), labels[order]
    half = len(pixels) // 2
    return (pixels[:half], labels[:half]), (pixels[half:], labels[half:])


def begin():
    """Weights of two layers, drawn at random."""
    rng = np.random.default_rng(0)
    sizes = ((64, HIDDEN), (HIDDEN, FEATURES))
    return [rng.normal(scale=size[0] ** -0.5, size=size).astype(np.float32) for size in sizes]


def embed(weights, pixels):
    """The hidden layer and the embeddings."""
    hidden = np.maximum(pixels @ weights[0], 0)
    return hidden, hidden @ weights[1]


def train(weights, pixels, labels, steps=200, rate=0.01):
    """Adam on all digits at once: the loss compares each with all others."""
    means, squares = [0 * w for w in weights], [0 * w for w in weights]
    for step in range(1, steps + 1):
        hidden, embeddings = embed(weights, pixels)
        gradient = fl.supcon_loss.grad(embeddings, labels, temperature=TEMPERATURE)
        in_hidden = (gradient @ weights[1].T) * (hidden > 0)
        for k, g in enumerate((pixels.T @ in_hidden, hidden.T @ gradient)):
            means[k] += 0.1 * (g - means[k])
            squares[k] += 0.001 * (g**2 - squares[k])
            unbiased = means[k] / (1 - 0.9**step) / (np.sqrt(squares[k] / (1 - 0.999**step)) + 1e-8)
            weights[k] = weights[k] - rate * unbiased
    return weights


def directions(weights, pixels):
    """Embeddings of length 1."""
    embeddings = embed(weights, pixels)[1]
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def accuracy(weights, known, others):
    """How many of the others have the label of the nearest known one."""
    nearest = (directions(weights, others[0]) @ directions(weights, known[0]).T).argmax(axis=1)
    return float((known[1][nearest] == others[1]).mean())


def draw(path, weights, digits, titles):
    """The cosines of all pairs of every third digit, sorted by their labels."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    order = np.argsort(digits[1], kind="stable")[::3]
    middles = [np.flatnonzero(digits[1][order] == digit).mean() for digit in range(10)]
    figure, axes = plt.subplots(1, len(weights), figsize=(9, 4.4), layout="constrained")
    for ax, each, title in zip(axes, weights, titles, strict=True):
        found = directions(each, digits[0][order])
        picture = ax.imshow(found @ found.T, vmin=-1, vmax=1, cmap="RdBu_r")
        ax.set(title=title, xticks=middles, yticks=middles, xticklabels=range(10), yticklabels=range(10))
    figure.colorbar(picture, ax=axes, label="cosine")
    figure.savefig(path, dpi=90)


def main(path=None):
    """Prints the accuracies, which it returns, and draws if there is a path."""
    known, others = load()
    before = begin()
    after = train(list(before), *known)
    accuracies = [accuracy(weights, known, others) for weights in (before, after)]
    for when, found in zip(("before", "after"), accuracies, strict=True):
        print(f"nearest neighbours with the right label {when} training: {found:.1%}")
    if path is not None:
        titles = [f"{when} training: {a:.1%}" for when, a in zip(("before", "after"), accuracies, strict=True)]
        draw(path, (before, after), others, titles)
    return accuracies


if __name__ == "__main__":
    main(*sys.argv[1:])
