"""Boxes as corners, as a corner with width and height, or as a centre with them: of both operands, or of each."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

import cases
import fastloss as fl
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import CHOICES, FORMATS, BoxLoss, corners, formats_of, in_format

NAMES = [name for name, reference in BOX_REFERENCES.items() if not reference.rotated]
BOTH = BoxLoss.names


def in_coordinates(fmt, gradient):
    """A gradient in the corners, in the coordinates of a format."""
    x1, y1, x2, y2 = np.moveaxis(gradient, -1, 0)
    of = {
        "xyxy": (x1, y1, x2, y2),
        "xywh": (x1 + x2, y1 + y2, x2, y2),
        "cxcywh": (x1 + x2, y1 + y2, (x2 - x1) / 2, (y2 - y1) / 2),
    }
    return np.stack(of[fmt], axis=-1)


def on_a_grid(rng, count):
    """Corners of which every format holds exactly what belongs to it."""
    low, side = rng.integers(0, 400, (2, count, 2)), rng.integers(1, 80, (2, count, 2))
    low[1] = low[0] + rng.integers(-30, 30, (count, 2))
    return (np.concatenate([low, low + side], axis=-1) / 4).astype(np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_that_of_the_corners(name):
    boxes = on_a_grid(cases.seed(name, "formats"), 300)
    loss, others = cases.loss(name), [{}, *map(dict, BOX_REFERENCES[name].combined_options)]
    for fmt, options in itertools.product(CHOICES, others):
        options = {**options, "fmt": fmt}
        one, other = formats_of(fmt)
        given = {"input": in_format(one, boxes[0]), "target": in_format(other, boxes[1])}
        value, gradients = loss.value_and_grad(**given, **options, reduction="none", wrt=BOTH)
        plain = {**options, "fmt": "xyxy"}
        want, slopes = loss.value_and_grad(*boxes, **plain, reduction="none", wrt=BOTH)
        np.testing.assert_allclose(value, want, rtol=1e-13, atol=1e-13)
        for gradient, slope, each in zip(gradients, slopes, (one, other), strict=True):
            scale = np.abs(slope).max()
            np.testing.assert_allclose(gradient, in_coordinates(each, slope), rtol=1e-11, atol=1e-13 * max(scale, 1))


# CIoU and WIoU have constants in their gradients: test_gradients has these.
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("complete_box_iou_loss", "wiou_loss")])
def test_gradients_in_a_format_are_those_of_finite_differences(name):
    loss, step = cases.loss(name), 1e-6
    for fmt in CHOICES:
        given = box_draws.ordinary(cases.seed(name, fmt), (50,), fmt=fmt)
        gradients = loss.grad(**given, fmt=fmt, reduction="none", wrt=BOTH)
        for operand, gradient in zip(BOTH, gradients, strict=True):
            for k in range(4):
                moved = []
                for sign in (1, -1):
                    changed = {each: x.copy() for each, x in given.items()}
                    changed[operand][:, k] += sign * step
                    moved.append(loss(**changed, fmt=fmt, reduction="none"))
                np.testing.assert_allclose(gradient[:, k], (moved[0] - moved[1]) / (2 * step), rtol=1e-5, atol=1e-6)


def test_formats_of_each_operand_may_be_a_pair():
    boxes = on_a_grid(np.random.default_rng(5), 20)
    loss = fl.generalized_box_iou_loss
    for one, other in itertools.product(FORMATS, FORMATS):
        given = in_format(one, boxes[0]), in_format(other, boxes[1])
        expected = loss.grad(*given, fmt=f"{one},{other}" if one != other else one)
        np.testing.assert_array_equal(loss.grad(*given, fmt=(one, other)), expected)
        bound = loss.partial(fmt=(one, other))
        np.testing.assert_array_equal(bound.grad(*given), expected)
        assert pickle.loads(pickle.dumps(bound)) == bound
        assert bound == loss.partial(fmt=f"{one},{other}" if one != other else one)


@pytest.mark.parametrize(
    ("fmt", "error"),
    [
        ("xyyx", ValueError),
        ("xyxy,", ValueError),
        ("xyxy,xyxy,xyxy", ValueError),
        (("xyxy",), (TypeError, ValueError)),
        (("xyxy", "xywh", "xyxy"), (TypeError, ValueError)),
        (("xyxy", "yxyx"), ValueError),
        (("xyxy", 1), TypeError),
        ((), (TypeError, ValueError)),
        (0, TypeError),
        (None, TypeError),
        (b"xyxy", TypeError),
    ],
)
def test_formats_that_are_none(fmt, error):
    box = np.array([0.0, 0.0, 1.0, 1.0])
    for call in (fl.box_iou_loss, fl.box_iou_loss.grad, fl.box_iou_loss.statistics):
        with pytest.raises(error, match=r"box_iou_loss.*fmt"):
            call(box, box, fmt=fmt)


def test_the_formats_of_the_tests_are_inverses():
    boxes = on_a_grid(np.random.default_rng(3), 9)
    for fmt in FORMATS:
        back = np.stack(corners(fmt, *np.moveaxis(in_format(fmt, boxes), -1, 0)), axis=-1)
        np.testing.assert_array_equal(back, boxes)
