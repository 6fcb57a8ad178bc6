"""Handwritten digits: which of ten an image shows, trained with cross_entropy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped,unused-ignore]

import fastloss as fl
from fastloss.cli.demo.models import Network, train_network

HIDDEN_UNITS = 512
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


def train_digits(*, epochs: int, seed: int, on_epoch: Callable[[float], object] = lambda loss: None) -> DigitsResult:
    """Trains on 80 % of the images and measures the accuracy on the other 20 %, which training never sees."""
    images, digits = load_digits(return_X_y=True)
    x_train, x_test, d_train, d_test = train_test_split(
        (images / 16).astype(np.float32), digits, test_size=0.2, stratify=digits, random_state=seed
    )
    rng = np.random.default_rng(seed)
    network = Network(x_train.shape[1], HIDDEN_UNITS, 10, rng)

    started = time.perf_counter()
    losses = []
    for loss in train_network(
        network,
        fl.cross_entropy.value_and_grad,
        x_train,
        d_train,
        epochs=epochs,
        batch=BATCH,
        rate=LEARNING_RATE,
        rng=rng,
    ):
        losses.append(loss)
        on_epoch(loss)
    seconds = time.perf_counter() - started

    logits, _ = network.forward(x_test)
    _, more = fl.cross_entropy(logits, d_test, return_="correct")
    accuracy = float(more["correct"].mean())
    return DigitsResult(len(x_train), len(x_test), epochs, losses, accuracy, seconds)
