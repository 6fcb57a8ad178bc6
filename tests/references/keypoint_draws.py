"""Instances with keypoints for the tests."""

from __future__ import annotations

import numpy as np


def ordinary(rng, units, keypoints, dtype=np.float64, present=("area", "sigmas", "visible")):
    """Points of instances of very different sizes, most near enough to matter; one of each is visible."""
    area = np.exp(rng.uniform(np.log(10), np.log(5000), units))
    sigmas = rng.uniform(0.025, 0.11, keypoints)
    target = rng.uniform(0, 100, (*units, keypoints, 2))
    far = np.where(rng.random((*units, keypoints)) < 0.1, 20, 1)
    spread = sigmas * np.sqrt(area)[..., np.newaxis] * far
    input = target + spread[..., np.newaxis] * rng.standard_normal(target.shape)
    visible = rng.choice([0.0, 0.5, 1.0, 2.0], (*units, keypoints))
    visible[..., 0] = 1
    drawn = {"input": input, "target": target, "area": area, "sigmas": sigmas, "visible": visible}
    wanted = {"input", "target", "area", *present} | ({"sigmas"} if keypoints != 17 else set())
    return {name: np.asarray(x).astype(dtype) for name, x in drawn.items() if name in wanted}
