"""A straight line through points of which some are plainly wrong: squared error against Huber's.

Run it with `python examples/robust_regression.py`.
"""

import numpy as np

import fastloss as fl

TRUE_SLOPE, TRUE_INTERCEPT = 2.0, -1.0


def make_points(rng):
    x = rng.uniform(-3, 3, 200)
    y = TRUE_SLOPE * x + TRUE_INTERCEPT + rng.normal(0, 0.3, x.size)
    wrong = rng.choice(x.size, 20, replace=False)
    y[wrong] += 25.0
    return x, y


def fit(loss, x, y, steps=3000, rate=0.05):
    """Gradient descent: `loss` is a fastloss loss, with its options bound if it has any."""
    slope = intercept = 0.0
    for _ in range(steps):
        gradient = loss.grad(slope * x + intercept, y)
        slope -= rate * np.dot(gradient, x)
        intercept -= rate * gradient.sum()
    return slope, intercept


def main():
    x, y = make_points(np.random.default_rng(0))
    lines = {
        "mse_loss": fit(fl.mse_loss, x, y),
        "huber_loss, delta=0.5": fit(fl.huber_loss.partial(delta=0.5), x, y),
    }
    print(f"{'true line':24}slope {TRUE_SLOPE:6.3f}   intercept {TRUE_INTERCEPT:6.3f}")
    for name, (slope, intercept) in lines.items():
        print(f"{name:24}slope {slope:6.3f}   intercept {intercept:6.3f}")
    return lines


if __name__ == "__main__":
    main()
