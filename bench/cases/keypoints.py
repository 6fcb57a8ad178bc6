"""Cases of losses of keypoints."""

from __future__ import annotations

import numpy as np

from bench.keypoints import Keypoints

EPS = 1e-9


def oks(mode, out, input, target, area, sigmas):
    """One minus the mean of exp(-e), whose gradient is 2 e / distance of it."""
    apart = np.subtract(input, target, out=out if mode.gradient else None)
    e = np.einsum("nkc,nkc->nk", apart, apart)
    inverse = 1 / ((2 * sigmas) ** 2 * (area[:, np.newaxis] + np.float32(EPS)))
    e *= inverse
    e *= -0.5
    if not mode.gradient:
        return -np.expm1(e, out=e).mean(), None
    similarity = np.exp(e)
    value = -np.expm1(e, out=e).mean() if mode.value else None
    similarity *= inverse
    similarity *= 1 / e.size
    apart *= similarity[..., np.newaxis]
    return value, apart


def oks_formula(xp, input, target, area, sigmas):
    """For JAX and torch alike, as Ultralytics has it."""
    e = ((input - target) ** 2).sum(-1) / ((2 * sigmas) ** 2 * (area[:, None] + EPS) * 2)
    return (1 - xp.exp(-e)).mean()


CASES = {
    "oks_loss": Keypoints(
        numpy=oks, jax=oks_formula, torch=oks_formula, operands=("input", "target", "area", "sigmas")
    ),
}
