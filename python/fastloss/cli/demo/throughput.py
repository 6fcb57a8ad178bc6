"""Value and gradient of large arrays: fastloss beside the same formulas in NumPy, compared before any clock runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import fastloss as fl
from fastloss.cli.demo.models import Array

ValueAndGradient = Callable[..., tuple[float, Array]]


@dataclass(frozen=True)
class Timing:
    name: str
    elements: int
    numpy_ms: float
    one_thread_ms: float
    all_threads_ms: float


def mse(x: Array, t: Array) -> tuple[float, Array]:
    r = x - t
    return np.mean(r * r), r * np.float32(2 / r.size)


def huber(x: Array, t: Array) -> tuple[float, Array]:
    r = x - t
    clipped = np.clip(r, -1, 1)
    return np.mean(clipped * (r - np.float32(0.5) * clipped)), clipped * np.float32(1 / r.size)


def bce_with_logits(x: Array, t: Array) -> tuple[float, Array]:
    e = np.exp(-np.abs(x))
    value = np.mean(np.maximum(x, 0) - x * t + np.log1p(e))
    sigmoid = np.where(x >= 0, 1, e) / (1 + e)
    return value, (sigmoid - t) * np.float32(1 / x.size)


def gaussian_nll(x: Array, t: Array, var: Array) -> tuple[float, Array]:
    v = np.maximum(var, np.float32(1e-6))
    r = x - t
    ratio = r / v
    return np.mean(np.float32(0.5) * (np.log(v) + r * ratio)), ratio * np.float32(1 / r.size)


def cases(elements: int, seed: int) -> list[tuple[str, ValueAndGradient, ValueAndGradient, tuple[Array, ...]]]:
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((2, elements), np.float32)
    labels = (rng.random(elements, np.float32) < 0.5).astype(np.float32)
    var = rng.random(elements, np.float32) + np.float32(0.1)
    return [
        ("mse_loss", fl.mse_loss.value_and_grad, mse, (x, t)),
        ("huber_loss", fl.huber_loss.value_and_grad, huber, (x, t)),
        (
            "binary_cross_entropy_with_logits",
            fl.binary_cross_entropy_with_logits.value_and_grad,
            bce_with_logits,
            (x, labels),
        ),
        ("gaussian_nll_loss", fl.gaussian_nll_loss.value_and_grad, gaussian_nll, (x, t, var)),
    ]


def time_losses(
    *, elements: int, rounds: int, seed: int, on_case: Callable[[str], object] = lambda name: None
) -> list[Timing]:
    """Medians over `rounds` rounds, in each of which the candidates take turns: a busy machine disturbs all alike."""
    timings = []
    for name, ours, numpys, arguments in cases(elements, seed):
        on_case(name)
        check_equal(name, ours(*arguments), numpys(*arguments))
        seconds: tuple[list[float], ...] = ([], [], [])
        for _ in range(rounds):
            seconds[0].append(clock(numpys, arguments))
            with fl.threads(1):
                seconds[1].append(clock(ours, arguments))
            seconds[2].append(clock(ours, arguments))
        timings.append(Timing(name, elements, *(1e3 * statistics.median(s) for s in seconds)))
    return timings


def clock(function: ValueAndGradient, arguments: tuple[Array, ...]) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def check_equal(name: str, ours: tuple[float, Array], numpys: tuple[float, Array]) -> None:
    same_value = abs(float(ours[0]) - float(numpys[0])) <= 1e-5 * max(1.0, abs(float(numpys[0])))
    if not same_value or not np.allclose(ours[1], numpys[1], rtol=1e-4, atol=1e-6 / ours[1].size):
        raise RuntimeError(f"{name}: fastloss and the NumPy formula disagree, so their times mean nothing")
