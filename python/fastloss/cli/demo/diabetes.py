"""Diabetes progression: what a robust loss buys when some targets are wrong, and what a predicted variance tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_diabetes  # type: ignore[import-untyped,unused-ignore]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped,unused-ignore]

import fastloss as fl
from fastloss.cli.demo.models import Array, fit_linear, with_intercept

CORRUPTED_SHARE = 0.1
CORRUPTION_FACTOR = 10.0  # a slipped decimal point
NORMAL_90 = 1.6448536269514722  # 90 % of a normal distribution lies within so many standard deviations


@dataclass(frozen=True)
class RobustFit:
    """Errors on clean test targets, in their own units."""

    loss: str
    training_targets: str
    rmse: float
    mae: float


@dataclass(frozen=True)
class VarianceFit:
    """What a model that predicts its own variance says about patients it never saw, and what their errors are."""

    confident_deviation: float  # predicted standard deviation of the half of the patients where it is smaller
    confident_mae: float
    unsure_deviation: float
    unsure_mae: float
    inside_90: float  # share of the targets inside the predicted 90 % intervals


@dataclass(frozen=True)
class DiabetesResult:
    """Averages over the splits."""

    train_patients: int
    test_patients: int
    corrupted: int
    robust: list[RobustFit]
    variance: VarianceFit


@dataclass(frozen=True)
class Split:
    x_train: Array
    x_test: Array
    y_train: Array
    y_corrupted: Array
    y_test: Array
    corrupted: int


def split_patients(seed: int) -> Split:
    """70 % of the patients to learn from, 30 % to be judged by; features scaled to mean 0 and deviation 1."""
    features, progression = load_diabetes(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(features, progression, test_size=0.3, random_state=seed)
    centre, spread = x_train.mean(axis=0), x_train.std(axis=0)
    y_corrupted = y_train.copy()
    victims = np.random.default_rng(seed).choice(len(y_train), round(CORRUPTED_SHARE * len(y_train)), replace=False)
    y_corrupted[victims] *= CORRUPTION_FACTOR
    return Split((x_train - centre) / spread, (x_test - centre) / spread, y_train, y_corrupted, y_test, len(victims))


def fit_diabetes(*, splits: int, seed: int, on_split: Callable[[], object] = lambda: None) -> DiabetesResult:
    """Fits linear models on `splits` random splits, and averages their errors on the clean test targets."""
    robust, variance = [], []
    for i in range(splits):
        split = split_patients((seed + i) % 2**32)
        robust.append(fit_robust(split))
        variance.append(fit_variance(split))
        on_split()
    averages = [
        RobustFit(fits[0].loss, fits[0].training_targets, mean([f.rmse for f in fits]), mean([f.mae for f in fits]))
        for fits in zip(*robust, strict=True)
    ]
    own_variance = VarianceFit(*(mean(list(column)) for column in zip(*variance, strict=True)))
    return DiabetesResult(len(split.y_train), len(split.y_test), split.corrupted, averages, own_variance)


def mean(numbers: list[float]) -> float:
    return float(np.mean(numbers))


def fit_robust(split: Split) -> list[RobustFit]:
    """The same linear model under three losses; targets are scaled by their quartiles, which outliers hardly move."""
    design = with_intercept(split.x_test)
    fits = []
    for name, loss, label, targets in [
        ("mse_loss", fl.mse_loss, "clean", split.y_train),
        ("mse_loss", fl.mse_loss, "corrupted", split.y_corrupted),
        ("l1_loss", fl.l1_loss, "corrupted", split.y_corrupted),
        ("huber_loss", fl.huber_loss.partial(delta=0.5), "corrupted", split.y_corrupted),
    ]:
        low, median, high = np.percentile(targets, [25, 50, 75])
        coefficients = fit_linear(
            loss.value_and_grad, split.x_train, ((targets - median) / (high - low))[:, None], outputs=1
        )
        error = (design @ coefficients)[:, 0] * (high - low) + median - split.y_test
        fits.append(RobustFit(name, label, float(np.sqrt(np.mean(error**2))), float(np.mean(np.abs(error)))))
    return fits


def mean_and_log_variance(outputs: Array, targets: Array) -> tuple[float, Array]:
    """gaussian_nll_loss of a model with two outputs: the mean and the logarithm of the variance."""
    var = np.exp(outputs[:, 1])
    value, (by_mean, by_var) = fl.gaussian_nll_loss.value_and_grad(outputs[:, 0], targets, var, wrt=("input", "var"))
    return value, np.column_stack([by_mean, by_var * var])


def fit_variance(split: Split) -> tuple[float, float, float, float, float]:
    """Fits a linear mean and log-variance to the clean targets; see VarianceFit for what it returns."""
    centre, spread = split.y_train.mean(), split.y_train.std()
    coefficients = fit_linear(mean_and_log_variance, split.x_train, (split.y_train - centre) / spread, outputs=2)
    outputs = with_intercept(split.x_test) @ coefficients
    error = np.abs(outputs[:, 0] * spread + centre - split.y_test)
    deviation = np.exp(outputs[:, 1] / 2) * spread
    confident = deviation <= np.median(deviation)
    return (
        float(deviation[confident].mean()),
        float(error[confident].mean()),
        float(deviation[~confident].mean()),
        float(error[~confident].mean()),
        float(np.mean(error <= NORMAL_90 * deviation)),
    )
