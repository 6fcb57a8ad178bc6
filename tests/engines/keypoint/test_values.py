"""Values and gradients of losses of keypoints against their definition, on every instruction set."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines import Shape
from engines.keypoint.adapter import Keypoint
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype, isa, use_isa):
    use_isa(isa)
    call = Keypoint(name)
    for options in call.option_sets():
        for present in call.presences():
            operands = call.draw(cases.seed(name, options, present), Shape((211,), 17), dtype, present)
            check(call, operands, dtype, f"{options} {present}", reductions=("none", "mean"), options=options)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("keypoints", [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 68, 512, 513, 1025, 5000])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_keypoints_and_of_instances(name, keypoints, isa, use_isa):
    use_isa(isa)
    call = Keypoint(name)
    for dtype in cases.DTYPES:
        for units in ((), (1,), (2, 3), (33,)):
            operands = call.draw(cases.seed(name, units, keypoints), Shape(units, keypoints), dtype)
            few = {k: x for k, x in operands.items() if k != "visible"}
            for given in (operands, few):
                check(call, given, dtype, f"{keypoints} {units}", reductions=("none", "sum"))


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    loss = cases.loss(name)
    for case in KEYPOINT_REFERENCES[name].golden:
        value = loss(**case.operands, **case.keywords)
        assert value == pytest.approx(case.value, abs=1e-10)
        assert value.dtype == np.float64
        points = {each: np.array([case.operands[each]], np.float32) for each in BOTH}
        single = loss(**{**case.operands, **points}, **case.keywords)
        assert single.dtype == np.float32
        assert single == pytest.approx(case.value, rel=1e-6)


def test_sigmas_left_out_are_those_of_coco():
    operands = keypoint_draws.ordinary(cases.seed("coco"), (40,), 17, present=())
    sigmas = KEYPOINT_REFERENCES["oks_loss"].sigmas
    for one, other in zip(
        fl.oks_loss.value_and_grad(**operands), fl.oks_loss.value_and_grad(**operands, sigmas=sigmas), strict=True
    ):
        assert_same(one, other, "sigmas")


@pytest.mark.parametrize("name", NAMES)
def test_small_losses_keep_their_digits(name):
    """Where 1 - exp(-e) is 0."""
    for dtype in cases.DTYPES:
        for distance in (1e-3, 1e-5, 1e-9, 1e-15):
            target = np.zeros((17, 2), dtype)
            input = np.full_like(target, distance)
            value = cases.loss(name)(input, target, 1.0, 0.5)
            assert value == pytest.approx(-np.expm1(-(float(dtype(distance)) ** 2)), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_is_over_instances_and_not_over_keypoints(name):
    operands = keypoint_draws.ordinary(cases.seed(name), (9,), 17)
    operands["visible"][:4, 1:] = 0
    each = cases.loss(name)(**operands, reduction="none")
    assert cases.loss(name)(**operands) == pytest.approx(each.mean(), rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_keypoints_of_every_kind_and_shape(name):
    loss = cases.loss(name)
    operands = keypoint_draws.ordinary(cases.seed(name), (3, 5), 17, present=())
    mask = np.arange(17) % 3 > 0
    full = np.broadcast_to(mask, (3, 5, 17))
    expected = loss.value_and_grad(**operands, visible=full.astype(np.float64), reduction="none")
    for visible in (
        mask,
        mask[np.newaxis, np.newaxis],
        mask.astype(np.int8),
        mask * np.uint64(1),
        mask.astype(np.float16),
        full,
        np.asfortranarray(full),
        full[:, ::-1],
        full[:1],
    ):
        for one, other in zip(
            loss.value_and_grad(**operands, visible=visible, reduction="none"), expected, strict=True
        ):
            assert_same(one, other, f"{visible.dtype} {visible.shape}")
    plain = loss.value_and_grad(**operands, reduction="none")
    for visible in (1, True, 2.5, np.ones((3, 1, 1)), np.ones((1, 5, 1), bool)):
        for one, other in zip(loss.value_and_grad(**operands, visible=visible, reduction="none"), plain, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_areas_align_to_the_leading_axes(name):
    loss = cases.loss(name)
    operands = keypoint_draws.ordinary(cases.seed(name), (3, 5), 17)
    area = operands.pop("area")[:, :1]
    expected = loss.value_and_grad(**operands, area=np.broadcast_to(area, (3, 5)).copy())
    for given in (area, area[:, 0], np.broadcast_to(area, (3, 5))):
        for one, other in zip(loss.value_and_grad(**operands, area=given), expected, strict=True):
            assert_same(one, other, f"{given.shape}")
    number = float(area[0, 0])
    assert_same(loss(**operands, area=number), loss(**operands, area=np.full((3, 5), number)), "a number")


@pytest.mark.parametrize("name", NAMES)
def test_sigmas_and_weights_do_not_widen_the_computation(name):
    operands = keypoint_draws.ordinary(cases.seed(name), (5,), 17, np.float32)
    wide = {each: x.astype(np.float64) for each, x in operands.items()}
    for each in ("sigmas", "visible"):
        assert cases.loss(name)(**{**operands, each: wide[each]}).dtype == np.float32
    for each in ("input", "target", "area"):
        assert cases.loss(name)(**{**operands, each: wide[each]}).dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_does_not_depend_on_the_others(name):
    """Not on its place, nor on how many there are."""
    loss = cases.loss(name)
    for dtype in cases.DTYPES:
        operands = keypoint_draws.ordinary(cases.seed(name, "alone"), (1100,), 17, dtype)
        value, gradients = loss.value_and_grad(**operands, wrt=BOTH, reduction="none")
        for first, last in ((0, 1), (5, 22), (510, 530), (1099, 1100)):
            some = {k: x if k == "sigmas" else x[first:last].copy() for k, x in operands.items()}
            part, slopes = loss.value_and_grad(**some, wrt=BOTH, reduction="none")
            assert_same(part, value[first:last], f"{first} {last}")
            for one, whole in zip(slopes, gradients, strict=True):
                assert_same(one, whole[first:last], f"{first} {last}")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_alone_and_beside_gradients_has_the_same_bits(name):
    loss = cases.loss(name)
    for dtype in cases.DTYPES:
        for keypoints in (5, 17, 133):
            operands = keypoint_draws.ordinary(cases.seed(name), (1000,), keypoints, dtype)
            for reduction in ("none", "mean", "sum"):
                call = {**operands, "reduction": reduction}
                alone, (value, gradient) = loss(**call), loss.value_and_grad(**call)
                assert_same(alone, value, reduction)
                assert_same(loss.grad(**call), gradient, reduction)
                for one, other in zip(loss.grad(**call, wrt=BOTH), (gradient, loss.grad(**call, wrt=1)), strict=True):
                    assert_same(one, other, reduction)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_large_instances_of_narrow_numbers(name, dtype):
    """The square of 512 pixels is beyond float16."""
    target = np.full((2, 17, 2), 512, dtype)
    input, area = np.zeros_like(target), np.array([60000, 1], dtype)
    value, gradient = cases.loss(name).value_and_grad(input, target, area, 1.0, reduction="none")
    assert value.dtype == np.float32
    assert value[0] == pytest.approx(-np.expm1(-(2 * 512.0**2) / (8 * float(area[0]))), rel=1e-6)
    assert gradient.dtype == dtype
    assert np.isfinite(gradient.astype(np.float32)).all()
