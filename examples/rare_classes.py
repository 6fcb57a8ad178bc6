"""Three classes, one of them rare: cross_entropy as it is, and with weights of the classes.

Some rows have no label. Their class index is `ignore_index`, so they count nowhere.

Run it with `python examples/rare_classes.py`.
"""

import numpy as np

import fastloss as fl

CENTRES = np.array([[0.0, 0.0], [2.5, 0.0], [1.25, 1.5]])
UNKNOWN = -100  # the default of ignore_index


def make_rows(rng, counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    features = CENTRES[labels] + rng.normal(size=(len(labels), 2))
    return np.column_stack([features, np.ones(len(labels))]), labels


def fit(features, labels, weight, steps=500, rate=1.0):
    """Gradient descent on a linear model: the scores of the classes are features @ coefficients."""
    coefficients = np.zeros((features.shape[1], len(CENTRES)))
    for _ in range(steps):
        coefficients -= rate * features.T @ fl.cross_entropy.grad(features @ coefficients, labels, weight)
    return coefficients


def recalls(coefficients, features, labels):
    """The share of each class that is recognised, and the mean probability of the right class."""
    scores = features @ coefficients
    _, more = fl.cross_entropy(scores, labels, return_="correct")
    right = [float(more["correct"][labels == c].mean()) for c in range(len(CENTRES))]
    probabilities = fl.softmax(scores)
    return right, float(probabilities[np.arange(len(labels)), labels].mean())


def main():
    rng = np.random.default_rng(0)
    features, labels = make_rows(rng, [1000, 1000, 50])
    test = make_rows(rng, [1000, 1000, 1000])
    seen = labels.copy()
    seen[rng.random(len(seen)) < 0.2] = UNKNOWN
    weight = fl.class_balanced_weights(np.bincount(seen[seen != UNKNOWN]))

    found = {}
    for name, given in (("unweighted", None), ("weighted", weight)):
        found[name], probability = recalls(fit(features, seen, given), *test)
        shares = ", ".join(f"{share:.0%}" for share in found[name])
        print(f"{name:10}  recognised of each class: {shares}; mean probability of the right class {probability:.2f}")
    return found


if __name__ == "__main__":
    main()
