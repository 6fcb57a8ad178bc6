"""What a loss of keypoints adds to the tests: its formula, and what to feed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from references.units import LONG, Sized, Units, leading, times

# exp(-87), in units of the last digit of 1 in float32.
VANISHES = np.exp(-87.0) / np.finfo(np.float32).eps


class Term(NamedTuple):
    """A formula of e, the squared distance of a keypoint over twice its variance, with its first two derivatives."""

    value: np.ndarray
    slope: np.ndarray
    curve: np.ndarray


@dataclass(frozen=True)
class KeypointCase:
    """Operands, keywords, and the value that is known for them, right to ten decimals."""

    operands: Mapping[str, Any]
    keywords: Mapping[str, Any]
    value: float


@dataclass(frozen=True)
class KeypointReference:
    """A loss of keypoints as its literature defines it.

    Parameters
    ----------
    term
        `f(e) -> Term`.
    torch
        `f(torch, input, target, area, sigmas, visible, **options) -> tensor`: the published formula, unreduced, written
        with torch's operations.
    sigmas
        Where they are left out.
    """

    name: str
    term: Callable[[np.ndarray], Term]
    torch: Callable[..., Any]
    sigmas: tuple[float, ...]
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    golden: tuple[KeypointCase, ...] = ()
    outside: Mapping[str, float] = field(default_factory=dict)  # numbers that domains of operands exclude

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values."""
        return [{}, *({name: value} for name, values in self.options.items() for value in values)]


class KeypointLoss(Units):
    """The loss of every instance before any reduction, and the way back to the coordinates of its keypoints."""

    names = ("input", "target")

    def __init__(self, reference: KeypointReference, operands, options=None):
        eps = LONG({**reference.defaults, **(options or {})}["eps"])
        wide = {name: np.asarray(x).astype(LONG) for name, x in operands.items()}
        shape = wide["input"].shape[:-1]
        sigmas = wide.get("sigmas", np.array(reference.sigmas, LONG))
        weights = np.broadcast_to(wide.get("visible", LONG(1)), shape)
        area = leading(wide["area"], shape[:-1])[..., np.newaxis]
        with np.errstate(all="ignore"):
            weights = np.where(weights < 0, np.nan, weights)
            variance = (2 * sigmas) ** 2 * (np.where(area < 0, np.nan, area) + eps)
            apart = wide["input"] - wide["target"]
            e = (apart**2).sum(axis=-1) / (2 * variance)
            term, total = reference.term(e), weights.sum(axis=-1)
            shares = np.where(weights == 0, 0, weights / total[..., np.newaxis])
            self.values = times(shares, term.value).sum(axis=-1)
            # In units of the last digit of 1: e is off by some 8 of its own, and a sum by as many as it has roundings.
            self.magnitudes = times(shares, 2 * term.value + times(np.abs(term.slope), 8 * e)).sum(axis=-1)
            slopes = times(times(term.slope, shares)[..., np.newaxis] / variance[..., np.newaxis], apart)
            missing = np.isnan(self.values)[..., np.newaxis] & (weights != 0)
            self.slopes = np.where(missing[..., np.newaxis], np.nan, slopes)
            curve = times(np.abs(term.curve), 8 * e)
            bent = times(times(shares, curve)[..., np.newaxis] / variance[..., np.newaxis], np.abs(apart))
            # A slope that is subnormal in float32 may be 0.
            vanished = times(shares[..., np.newaxis] / variance[..., np.newaxis], np.abs(apart)) * LONG(VANISHES)
            self.slope_magnitudes = 6 * np.abs(self.slopes) + bent + np.where(np.isfinite(vanished), vanished, 0)
        self.counts = np.ones(shape[:-1], bool)
        ones = np.ones(shape[:-1], LONG)
        self.terms = {None: ones, "weight": ones}

    def pull_back(self, flow):
        """Each keypoint has coordinates of its own, and its target's move against them."""
        flow = flow[..., np.newaxis, np.newaxis]
        slopes, sizes = times(flow, self.slopes), times(np.abs(flow), self.slope_magnitudes)
        return {"input": Sized(slopes, sizes), "target": Sized(-slopes, sizes)}
