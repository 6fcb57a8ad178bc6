"""Gradients and Hessians for gradient boosting.

Boosting libraries ask a custom objective for the first and second derivative of the loss of every row, in a call such
as `objective(predictions, targets)`. `grad_and_hess` with reduction="sum" is exactly that. The booster below is a
minimal one, of decision stumps with Newton leaves in plain NumPy, so that the example needs nothing else.

Run it with `python examples/boosting_objective.py`.
"""

import numpy as np

import fastloss as fl


def objective(predictions, targets):
    """The custom objective: pass it, or one like it, to a boosting library."""
    return fl.binary_cross_entropy_with_logits.grad_and_hess(predictions, targets, reduction="sum")


def fit_stump(features, gradient, hessian, regularisation=1.0):
    """The split with the largest gain, G^2 / (H + regularisation) over both sides, and the Newton step of each side."""
    best = (-np.inf, 0, 0.0, 0.0, 0.0)
    total_gradient, total_hessian = gradient.sum(), hessian.sum()
    for j in range(features.shape[1]):
        order = np.argsort(features[:, j])
        g, h = np.cumsum(gradient[order])[:-1], np.cumsum(hessian[order])[:-1]
        gain = g**2 / (h + regularisation) + (total_gradient - g) ** 2 / (total_hessian - h + regularisation)
        k = int(np.argmax(gain))
        if gain[k] > best[0]:
            threshold = features[order[k : k + 2], j].mean()
            left = -g[k] / (h[k] + regularisation)
            right = -(total_gradient - g[k]) / (total_hessian - h[k] + regularisation)
            best = (gain[k], j, threshold, left, right)
    return best[1:]


def apply_stump(stump, features):
    j, threshold, left, right = stump
    return np.where(features[:, j] <= threshold, left, right)


def boost(features, targets, rounds=60, rate=0.3):
    stumps, logits = [], np.zeros(len(targets))
    for _ in range(rounds):
        stump = fit_stump(features, *objective(logits, targets))
        logits += rate * apply_stump(stump, features)
        stumps.append(stump)
    return lambda rows: rate * sum(apply_stump(stump, rows) for stump in stumps)


def make_rows(rng, n):
    features = rng.normal(size=(n, 4))
    inside = features[:, 0] ** 2 + features[:, 1] ** 2 < 1.4  # a disc: no straight line separates it
    return features, inside


def main():
    rng = np.random.default_rng(0)
    train, test = make_rows(rng, 1000), make_rows(rng, 1000)
    model = boost(*train)
    logits = model(test[0])
    loss = float(fl.binary_cross_entropy_with_logits(logits, test[1]))
    accuracy = float(np.mean((logits > 0) == test[1]))
    print(f"log loss on new rows {loss:.4f} (chance {np.log(2):.4f}), accuracy {accuracy:.1%}")
    return loss, accuracy


if __name__ == "__main__":
    main()
