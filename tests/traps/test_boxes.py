"""What losses of boxes get wrong in the wild; the numbers are those of the project's list of traps."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from references import BOX_REFERENCES, box_draws

BOTH = ("input", "target")
CORNERS = [name for name, reference in BOX_REFERENCES.items() if not reference.rotated]
ROTATED = [name for name, reference in BOX_REFERENCES.items() if reference.rotated]


def test_trap_096_a_box_without_size():
    """Against itself it shares nothing, as torchvision has it, and there is nothing to divide by but eps."""
    for dtype, box in itertools.product(cases.DTYPES, ([0, 0, 0, 0], [7, 9, 7, 9])):
        point = np.array(box, dtype)
        value, gradients = fl.generalized_box_iou_loss.value_and_grad(point, point, wrt=BOTH)
        assert value == 1
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    for name, reference in BOX_REFERENCES.items():
        point = np.zeros(reference.boxes.numbers)
        value, gradients = cases.loss(name).value_and_grad(point, point, wrt=BOTH)
        assert np.isfinite([value, *gradients[0], *gradients[1]]).all()


def test_trap_096_inverted_boxes_are_not_perfect():
    """The product of two negative sides is a positive area: the formula of others gives 1e-7 here."""
    inverted = np.array([3.0, 4.0, 1.0, 2.0])
    for name in ("box_iou_loss", "generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"):
        loss = cases.loss(name)
        for target in (inverted, np.array([1.0, 2.0, 3.0, 4.0])):
            assert loss(inverted, target) >= 1
            with (
                fl.errstate(domain="raise"),
                pytest.raises(ValueError, match=rf"{name}: input must have x1 <= x2 and y1 <= y2, got \[3\.0, 4\.0, 1"),
            ):
                loss(inverted, target)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_trap_096_boxes_of_512_pixels_in_narrow_numbers(dtype):
    """Their area is 262144, and the largest float16 is 65504."""
    box, target = np.array([0, 0, 512, 512], dtype), np.array([128, 0, 512, 512], dtype)
    for name in CORNERS:
        value, gradient = cases.loss(name).value_and_grad(box, target)
        assert np.isfinite(value)
        assert np.isfinite(gradient.astype(np.float32)).all()
    assert fl.box_iou_loss(box, target) == pytest.approx(0.25, rel=1e-6)
    assert fl.generalized_box_iou_loss(box, target) == pytest.approx(0.25, rel=1e-6)


@pytest.mark.parametrize("name", ["complete_box_iou_loss", "alpha_iou_loss"])
def test_trap_097_the_aspect_of_a_box_without_height(name):
    """atan(w / h) has no gradient at h = 0, and no value at w = h = 0."""
    loss = fl.alpha_iou_loss.partial(base="ciou") if name == "alpha_iou_loss" else cases.loss(name)
    target = [0.0, 0.0, 2.0, 1.0]
    for box in ([0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.5, 1.0, 0.5]):
        for pair in ((box, target), (target, box), (box, box)):
            value, gradients = loss.value_and_grad(*pair, wrt=BOTH)
            assert np.isfinite([value, *gradients[0], *gradients[1]]).all(), pair


def test_trap_097_the_angle_of_a_flat_box_is_a_right_one():
    """v is (4 / pi^2) (atan(2) - pi / 2)^2, and DIoU is 1 + 0.25 / 5."""
    v = 4 / np.pi**2 * (np.arctan(2.0) - np.pi / 2) ** 2
    value = fl.complete_box_iou_loss([0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 2.0, 1.0], eps=1e-15)
    assert value == pytest.approx(1.05 + v**2 / (1 + v), rel=1e-12)


def test_trap_097_identical_boxes_have_no_aspect_term():
    for box in ([0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 1e-3, 1e-3], [5.0, 5.0, 500.0, 6.0]):
        area = (box[2] - box[0]) * (box[3] - box[1])
        assert fl.complete_box_iou_loss(box, box) == pytest.approx(1e-7 / (area + 1e-7), rel=1e-6, abs=1e-15)
        assert np.isfinite(fl.complete_box_iou_loss.grad(box, box)).all()


def test_trap_098_the_weight_of_the_aspect_is_a_constant():
    """Both boxes begin at 0, where torch halves the gradient between them: the mean of those on either side."""
    step = 1e-7
    upright, flat = np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 0.0, 2.0, 1.0])
    beside = [upright + step * np.array([x, y, 0, 0]) for x, y in itertools.product((1, -1), (1, -1))]
    gradient = np.mean([fl.complete_box_iou_loss.grad(box, flat) for box in beside], axis=0)
    np.testing.assert_allclose(gradient, [-0.0049, 0.168, -0.327, 0.163], atol=6e-4)
    differentiated = [0.0286, 0.147, -0.351, 0.176]
    assert (np.abs(gradient - differentiated) > 0.01).all()


def order_of(turns):
    """Of the numbers of a box after turns of a right angle: for an odd number width and height change places."""
    return [0, 1, 3, 2, 4] if turns % 2 else [0, 1, 2, 3, 4]


def turned(boxes, turns):
    """The same boxes by other numbers."""
    return boxes[:, order_of(turns)] + [0, 0, 0, 0, turns * np.pi / 2]


@pytest.mark.parametrize("name", ROTATED)
def test_one_rotated_box_has_many_names(name):
    """Differences of angles jump where a detector's angles wrap, and where width and height change places."""
    for options in BOX_REFERENCES[name].option_sets():
        loss = cases.loss(name).partial(**options)
        boxes = [*box_draws.rotated(cases.seed(name, options), (200,)).values()]
        value, gradients = loss.value_and_grad(*boxes, reduction="none", wrt=BOTH)
        for turns in ((2, 0), (0, -2), (1, 0), (0, 3), (-1, 2), (1, 1)):
            others = [turned(x, n) for x, n in zip(boxes, turns, strict=True)]
            again, slopes = loss.value_and_grad(*others, reduction="none", wrt=BOTH)
            np.testing.assert_allclose(again, value, rtol=1e-11, atol=1e-13)
            for slope, gradient, n in zip(slopes, gradients, turns, strict=True):
                np.testing.assert_allclose(slope, gradient[:, order_of(n)], rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("name", ROTATED)
def test_a_box_under_another_name_is_next_to_nothing_away(name):
    """Right angles are rounded, and boxes may be 40 times as long as wide."""
    for dtype in cases.DTYPES:
        boxes = box_draws.rotated(cases.seed(name, dtype), (200,), dtype)["target"]
        for turns, options in itertools.product((-2, -1, 1, 2, 4), BOX_REFERENCES[name].option_sets()):
            if options.get("tau", 1) == 1:
                value = cases.loss(name)(turned(boxes, turns).astype(dtype), boxes, **options, reduction="none")
                assert (value < 200 * np.finfo(dtype).eps).all(), f"{options}"


@pytest.mark.parametrize("name", ROTATED)
def test_a_square_has_no_angle(name):
    """Its own means nothing, and what its target's means is left to the target's sides."""
    for dtype, options in itertools.product(cases.DTYPES, BOX_REFERENCES[name].option_sets()):
        number, call = np.finfo(dtype), {**options, "reduction": "none"}
        boxes = box_draws.rotated(cases.seed(name, "squares"), (300,), dtype)
        boxes["input"][:, 3] = boxes["input"][:, 2]
        value, gradient = cases.loss(name).value_and_grad(**boxes, **call)
        lever = np.hypot(*(boxes["input"] - boxes["target"])[:, :2].T)  # of the pull at the centre
        room = 64 * number.eps * (1 + lever) * np.abs(gradient).max(axis=1) + number.smallest_normal
        assert (np.abs(gradient[:, 4]) <= room).all(), f"{options}"
        for angle in (0.0, 0.5, -2.0, 100.0):
            boxes["input"][:, 4] = angle
            again = cases.loss(name)(**boxes, **call)
            np.testing.assert_allclose(again, value, rtol=256 * number.eps, atol=number.eps)
        squares = np.array([[1, 2, 3, 3, 0.25]], dtype), np.array([[1, 2, 3, 3, 1.5]], dtype)
        value, gradients = cases.loss(name).value_and_grad(*squares, wrt=BOTH)
        assert value == 0
        assert not np.any(gradients)
