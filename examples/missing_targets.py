"""Several targets for each row, many of them missing, and rows of different weight.

`where` takes the holes out of value, gradient and denominator alike; what is in them, NaN here, is never looked at.

Run it with `python examples/missing_targets.py`.
"""

import numpy as np

import fastloss as fl


def main():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 6))
    truth = rng.normal(size=(6, 3))
    targets = features @ truth + rng.normal(0, 0.1, (500, 3))
    targets[rng.random(targets.shape) < 0.4] = np.nan
    importance = rng.uniform(0.5, 2.0, 500)  # one weight for each row

    known = ~np.isnan(targets)
    coefficients = np.zeros((6, 3))
    first = None
    for _ in range(300):
        value, gradient = fl.mse_loss.value_and_grad(
            features @ coefficients, targets, where=known, sample_weight=importance
        )
        first = value if first is None else first
        coefficients -= 0.5 * features.T @ gradient

    worst = float(np.abs(coefficients - truth).max())
    print(f"{known.mean():.0%} of the targets known; loss {first:.4f} -> {value:.4f}; coefficients within {worst:.4f}")
    return float(first), float(value), worst


if __name__ == "__main__":
    main()
