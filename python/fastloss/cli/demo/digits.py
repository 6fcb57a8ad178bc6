"""Handwritten digits: ten yes-or-no questions for each image, trained with binary_cross_entropy_with_logits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped,unused-ignore]

import fastloss as fl
from fastloss.cli.demo.models import Array, Network, train_network

HIDDEN_UNITS = 128
BATCH = 32
LEARNING_RATE = 2e-3


@dataclass(frozen=True)
class DigitsResult:
    train_images: int
    test_images: int
    epochs: int
    losses: list[float]
    accuracy: float
    seconds: float


def one_vs_rest(logits: Array, labels: Array) -> tuple[float, Array]:
    """The sum of ten binary losses, averaged over the images."""
    value, gradient = fl.binary_cross_entropy_with_logits.value_and_grad(logits, labels, reduction="batchmean")
    return value, gradient


def train_digits(*, epochs: int, seed: int, on_epoch: Callable[[float], object] = lambda loss: None) -> DigitsResult:
    """Trains on 80 % of the images and measures the accuracy on the other 20 %, which training never sees."""
    images, digits = load_digits(return_X_y=True)
    x_train, x_test, d_train, d_test = train_test_split(
        (images / 16).astype(np.float32), digits, test_size=0.2, stratify=digits, random_state=seed
    )
    rng = np.random.default_rng(seed)
    network = Network(x_train.shape[1], HIDDEN_UNITS, 10, rng)
    y_train = np.eye(10, dtype=np.int8)[d_train]

    started = time.perf_counter()
    losses = []
    for loss in train_network(
        network, one_vs_rest, x_train, y_train, epochs=epochs, batch=BATCH, rate=LEARNING_RATE, rng=rng
    ):
        losses.append(loss)
        on_epoch(loss)
    seconds = time.perf_counter() - started

    logits, _ = network.forward(x_test)
    accuracy = float(np.mean(logits.argmax(axis=1) == d_test))
    return DigitsResult(len(x_train), len(x_test), epochs, losses, accuracy, seconds)
