"""The models of the demo: a small network and a linear model in plain NumPy, around gradients from fastloss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# (outputs of the model, targets) -> (value of the loss, its gradient in the outputs)
Objective = Callable[[Array, Array], tuple[float, Array]]


class Adam:
    """Updates arrays in place (D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015)."""

    def __init__(self, parameters: list[Array], rate: float) -> None:
        self.parameters = parameters
        self.rate = rate
        self.steps = 0
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients: list[Array]) -> None:
        self.steps += 1
        mean_bias, square_bias = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for parameter, gradient, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            parameter -= self.rate * (mean / mean_bias) / (np.sqrt(square / square_bias) + 1e-8)


class Network:
    """One hidden layer of rectified linear units."""

    def __init__(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> None:
        self.parameters: list[Array] = [
            rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)).astype(np.float32),
            np.zeros(hidden, np.float32),
            rng.normal(0, np.sqrt(2 / hidden), (hidden, outputs)).astype(np.float32),
            np.zeros(outputs, np.float32),
        ]

    def forward(self, x: Array) -> tuple[Array, Array]:
        """The outputs, and the hidden layer that `backward` needs."""
        w1, b1, w2, b2 = self.parameters
        hidden = np.maximum(x @ w1 + b1, 0)
        return hidden @ w2 + b2, hidden

    def backward(self, x: Array, hidden: Array, gradient: Array) -> list[Array]:
        """The gradients in the parameters, from the gradient of the loss in the outputs."""
        into_hidden = (gradient @ self.parameters[2].T) * (hidden > 0)
        return [x.T @ into_hidden, into_hidden.sum(axis=0), hidden.T @ gradient, gradient.sum(axis=0)]


def train_network(
    network: Network,
    objective: Objective,
    x: Array,
    y: Array,
    *,
    epochs: int,
    batch: int,
    rate: float,
    rng: np.random.Generator,
) -> Iterator[float]:
    """Trains in shuffled minibatches; yields the average loss of every epoch."""
    optimiser = Adam(network.parameters, rate)
    for _ in range(epochs):
        order, total = rng.permutation(len(x)), 0.0
        for start in range(0, len(x), batch):
            chosen = order[start : start + batch]
            outputs, hidden = network.forward(x[chosen])
            value, gradient = objective(outputs, y[chosen])
            optimiser.step(network.backward(x[chosen], hidden, gradient))
            total += float(value) * len(chosen)
        yield total / len(x)


def fit_linear(
    objective: Objective, x: Array, y: Array, *, outputs: int = 1, steps: int = 2000, rate: float = 0.02
) -> Array:
    """The coefficients, intercept last, of a linear model that minimises `objective` on all rows at once."""
    design = with_intercept(x)
    coefficients = np.zeros((design.shape[1], outputs))
    optimiser = Adam([coefficients], rate)
    for _ in range(steps):
        _, gradient = objective(design @ coefficients, y)
        optimiser.step([design.T @ gradient])
    return coefficients


def with_intercept(x: Array) -> Array:
    return np.column_stack([x, np.ones(len(x))])
