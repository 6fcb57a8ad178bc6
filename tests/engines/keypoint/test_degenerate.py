"""Instances without an area or a visible keypoint, missing and infinite numbers: the documented rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same
from references import keypoint_draws
from references.keypoints_schema import KeypointLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names


def results(name, operands, **call):
    """The unreduced value and both gradients."""
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=BOTH, **{"reduction": "none", **call})
    return [value, *gradients]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_an_instance_without_a_visible_keypoint(name, dtype, isa, use_isa):
    use_isa(isa)
    operands = keypoint_draws.ordinary(cases.seed(name), (40,), 17, dtype)
    whole = results(name, operands)
    empty = np.arange(40) % 3 == 0
    operands["visible"][empty] = 0
    operands["input"][6], operands["target"][9], operands["area"][12] = np.nan, np.inf, np.nan
    for part, expected in zip(results(name, operands), whole, strict=True):
        assert not part[empty].any()
        np.testing.assert_array_equal(part[~empty], expected[~empty])
    # It is counted, as an instance like any other.
    total, denominator = cases.loss(name).statistics(**operands)
    assert denominator == 40
    assert cases.loss(name)(**operands) == pytest.approx(total / 40, rel=1e-6)
    operands["visible"][:] = 0
    assert all(not part.any() for part in results(name, operands, reduction="mean"))


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_visible_is_not_seen(name, dtype, isa, use_isa):
    use_isa(isa)
    for keypoints, shared in itertools.product((1, 5, 17, 133), (False, True)):
        clean = keypoint_draws.ordinary(cases.seed(name, keypoints), (40,), keypoints, dtype)
        if shared:
            clean["visible"] = clean["visible"][0]
        whole = results(name, clean)
        hidden = np.broadcast_to(clean["visible"] == 0, (40, keypoints))
        for each, poison in itertools.product(BOTH, (np.nan, np.inf, -np.inf, 1e30)):
            dirty = {k: x.copy() for k, x in clean.items()}
            dirty[each][hidden] = poison
            for part, expected in zip(results(name, dirty), whole, strict=True):
                assert_same(part, expected, f"{each} {poison}")
            assert all(not part[hidden].any() for part in results(name, dirty)[1:])
        if not shared:
            continue
        dirty = {**clean, "sigmas": np.where(clean["visible"] == 0, np.nan, clean["sigmas"])}
        for part, expected in zip(results(name, dirty), whole, strict=True):
            assert_same(part, expected, "sigmas")


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_missing(name, isa, use_isa):
    """The loss of its instance is missing, and the slopes of its visible keypoints; nothing of the others."""
    use_isa(isa)
    for dtype, keypoints, weighted in itertools.product(cases.DTYPES, (1, 5, 17), (False, True)):
        clean = keypoint_draws.ordinary(cases.seed(name), (40,), keypoints, dtype)
        clean = clean if weighted else {k: x for k, x in clean.items() if k != "visible"}
        whole = results(name, clean)
        dirty = {k: x.copy() for k, x in clean.items()}
        dirty["input"][3, 0, 1] = dirty["target"][5, 0, 0] = dirty["area"][8] = np.nan
        missing = np.isin(np.arange(40), (3, 5, 8))
        if weighted:
            dirty["visible"][20, 0] = np.nan
            missing[20] = True
        seen = dirty.get("visible", np.ones((40, keypoints))) != 0
        found = results(name, dirty)
        for part, expected in zip(found, whole, strict=True):
            np.testing.assert_array_equal(part[~missing], expected[~missing])
        assert np.isnan(found[0][missing]).all()
        for part in found[1:]:
            assert np.isnan(part[seen & missing[:, np.newaxis]]).all()
            assert not part[~seen & missing[:, np.newaxis]].any()
        assert np.isnan(cases.loss(name)(**dirty))
        for part, expected in zip(results(name, dirty, where=~missing), whole, strict=True):
            assert not part[missing].any()
            np.testing.assert_array_equal(part[~missing], expected[~missing])


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_keypoints_that_are_infinitely_far_off(name, dtype, isa, use_isa):
    use_isa(isa)
    huge = np.finfo(dtype).max
    operands = keypoint_draws.ordinary(cases.seed(name), (40,), 17, dtype, present=("sigmas",))
    far = {"input": [np.inf, huge, 3e18, 1.0], "target": [0.0, -huge, 0.0, -np.inf]}
    for each in BOTH:
        operands[each][7, :4, 0] = far[each]
    found = results(name, operands)
    operands["target"][7, :4, 0] = 0
    operands["input"][7, :4, 0] = 1000 * np.sqrt(operands["area"][7])
    for part, one in zip(found, results(name, operands), strict=True):
        assert_same(part, one, "far, but not so far")
    assert 4 / 17 <= found[0][7] <= 1
    assert not any(gradient[7, :4].any() for gradient in found[1:])
    # Two infinities have no distance.
    for each in BOTH:
        operands[each][7, 0] = np.inf
    assert np.isnan(results(name, operands)[0][7])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_areas_of_every_size(name, dtype):
    """From none to the largest number: where the distance is right for it, the loss is that of any other."""
    loss, info = cases.loss(name), np.finfo(dtype)
    for area in (float(info.tiny), 1e-20, 1e-9, 1.0, 1e9, 1e30, float(info.max) / 4):
        for eps in (1e-30, 1e-9):
            whole = float(dtype(area)) + float(dtype(eps))
            input = np.zeros((3, 2), dtype)
            input[:, 0] = np.sqrt(whole) * 0.5
            value, gradient = loss.value_and_grad(input, np.zeros_like(input), np.array(area, dtype), 0.25, eps=eps)
            assert value == pytest.approx(-np.expm1(-0.5), rel=1e-5)
            assert gradient[0, 0] * np.sqrt(whole) == pytest.approx(2 * np.exp(-0.5) / 3, rel=1e-5)
    points = np.ones((3, 2), dtype)
    for area in (0.0, 1.0, np.inf):  # in place
        assert loss(points, points, dtype(area), 0.1) == 0
        assert not loss.grad(points, points, dtype(area), 0.1).any()
    assert loss(points, 0 * points, dtype(0), 0.1) == 1  # away, and of no size
    assert not loss.grad(points, 0 * points, dtype(0), 0.1).any()
    assert loss(points, 0 * points, dtype(np.inf), 0.1) == 0
    assert np.isnan(loss(points, 0 * points, dtype(-1), 0.1))
    assert np.isnan(loss.grad(points, 0 * points, dtype(-1e-12), 0.1)).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_sigmas_and_eps_at_the_ends_of_their_ranges(name, dtype):
    for sigma, eps in itertools.product((1e-10, 1e10), (1e-30, 1e30)):
        for area in (0.0, 1.0, float(np.finfo(dtype).max)):
            for distance in (0.0, 1e-30, 1.0, 1e30):
                input = np.zeros((2, 2), dtype)
                input[0, 1] = distance
                with fl.errstate(nonfinite="raise", domain="raise"):
                    value, gradient = cases.loss(name).value_and_grad(input, 0 * input, dtype(area), sigma, eps=eps)
                e = np.longdouble(dtype(distance)) ** 2 / (8 * sigma**2 * (np.longdouble(dtype(area)) + eps))
                assert value == pytest.approx(float(-np.expm1(-e) / 2), rel=1e-5, abs=float(np.finfo(dtype).tiny))
                assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_weights_of_every_size(name, dtype):
    """Only what they are to one another matters; a sum beyond the dtype is no number."""
    loss, info = cases.loss(name), np.finfo(dtype)
    operands = keypoint_draws.ordinary(cases.seed(name), (20,), 5, dtype)
    operands["visible"] = np.where(operands["visible"] > 0, 1.0, 0.0).astype(dtype)
    expected = results(name, operands)
    for scale in (float(info.tiny), float(info.smallest_subnormal), 2.0**-40, 2.0**60, 2.0**100):
        scaled = {**operands, "visible": operands["visible"] * dtype(scale)}
        for part, one in zip(results(name, scaled), expected, strict=True):
            np.testing.assert_allclose(part, one, rtol=4 * info.eps, atol=info.tiny)
    scaled = {**operands, "visible": operands["visible"] * info.max}
    some = (operands["visible"] > 0).sum(axis=1) > 1
    assert np.isnan(loss(**scaled, reduction="none")[some]).all()
    opposed = {**operands, "visible": np.array([1, -1, 0, 0, 0], dtype)}
    assert np.isnan(loss(**opposed, reduction="none")).all()
