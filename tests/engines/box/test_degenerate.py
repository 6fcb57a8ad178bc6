"""Boxes in corners that coincide, touch, have no size or are inverted: finite, and by documented rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import check
from engines.box.adapter import Box
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

NAMES = [name for name, reference in BOX_REFERENCES.items() if not reference.rotated]
BOTH = BoxLoss.names
UNIT = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_places_where_conventions_decide(name, dtype, isa, use_isa):
    use_isa(isa)
    call = Box(name)
    for options in call.option_sets():
        operands = box_draws.special(dtype, options.get("fmt", "xyxy"))
        value, gradients = call.function.value_and_grad(**operands, **options, reduction="none", wrt=BOTH)
        for part in (value, *gradients):
            finite = np.isfinite(part).reshape(len(value), -1).all(axis=1)
            assert finite.all(), (
                f"{options}: {[place for place, x in zip(box_draws.SPECIAL, finite, strict=True) if not x]}"
            )
        check(call, operands, dtype, f"{options}", options=options)


def result(name, box, other, **options):
    """Value and gradients of one pair."""
    value, (first, second) = cases.loss(name).value_and_grad(box, other, **options, wrt=BOTH)
    return value, first, second


def test_equal_coordinates_belong_to_the_input():
    """Of the two boxes, the input is the one whose sides the overlap has."""
    value, first, second = result("box_iou_loss", UNIT, UNIT, eps=1e-15)
    assert value == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(first, [1, 1, -1, -1], rtol=1e-14)
    np.testing.assert_allclose(second, [-1, -1, 1, 1], rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_identical_boxes_lose_next_to_nothing(name):
    if name == "alpha_iou_loss":
        assert result(name, UNIT, UNIT)[0] == pytest.approx(3e-7, rel=1e-6)
    elif name == "bounded_iou_loss":
        assert 0 <= result(name, UNIT, UNIT)[0] < 1e-5
    else:
        assert result(name, UNIT, UNIT)[0] == pytest.approx(1e-7, rel=1e-6)  # eps / (1 + eps)


@pytest.mark.parametrize("other", [(1.0, 0.0, 2.0, 1.0), (1.0, 1.0, 2.0, 2.0), (0.25, 1.0, 0.5, 3.0)])
def test_boxes_that_touch_do_not_overlap(other):
    for mode, expected in (("linear", 1.0), ("square", 1.0), ("log", -math.log(1e-7))):
        value, first, second = result("box_iou_loss", UNIT, other, mode=mode)
        assert value == pytest.approx(expected, rel=1e-15)
        assert not first.any()
        assert not second.any()


def test_without_overlap_the_logarithm_is_of_eps():
    value, first, _ = result("box_iou_loss", UNIT, (5.0, 5.0, 6.0, 6.0), mode="log", eps=0.01)
    assert value == pytest.approx(-math.log(0.01), rel=1e-15)
    assert not first.any()
    # An overlap of less than eps counts as none.
    value, first, second = result("box_iou_loss", UNIT, (0.99, 0.99, 2.0, 2.0), mode="log", eps=0.01)
    assert value == pytest.approx(-math.log(0.01), rel=1e-15)
    assert not first.any()
    assert not second.any()


def test_a_box_without_size_can_grow():
    """Its width has the slope of x2 - x1: what it gains in area it has in common with the target."""
    value, first, _ = result("box_iou_loss", (2.0, 2.0, 2.0, 4.0), (1.0, 1.0, 5.0, 5.0))
    assert value == 1
    assert not first.any()  # it overlaps nothing yet
    value, first, _ = result("eiou_loss", (2.0, 2.0, 2.0, 4.0), (1.0, 1.0, 5.0, 5.0))
    assert first[0] > 0 > first[2]


@pytest.mark.parametrize("inverted", [(3.0, 3.0, 1.0, 1.0), (3.0, 1.0, 1.0, 3.0), (1.0, 3.0, 3.0, 1.0)])
def test_an_inverted_box_has_no_area(inverted):
    for mode in ("linear", "square"):
        value, first, second = result("box_iou_loss", inverted, (1.0, 1.0, 3.0, 3.0), mode=mode)
        assert value == 1
        assert not first.any()
        assert not second.any()
    assert result("generalized_box_iou_loss", inverted, (1.0, 1.0, 3.0, 3.0))[0] >= 1


@pytest.mark.parametrize("name", NAMES)
def test_far_apart(name):
    """The overlap says nothing; what has a term of the distance pulls the box towards the target."""
    for dtype in cases.DTYPES:
        box, other = np.array([0, 0, 1, 2], dtype), np.array([900, 800, 903, 804], dtype)
        value, first, _ = result(name, box, other)
        assert value > 0.99
        moved = first[:2] + first[2:]
        if name in ("box_iou_loss", "alpha_iou_loss"):
            assert not first.any()
        elif name not in ("siou_loss", "bounded_iou_loss"):  # which level off
            assert (moved < 0).all()


def test_the_loss_of_a_mean_is_finite_whatever_the_boxes_are():
    for name in NAMES:
        for options in BOX_REFERENCES[name].option_sets():
            operands = box_draws.special(np.float32, options.get("fmt", "xyxy"))
            with fl.errstate(nonfinite="raise"):
                cases.loss(name).value_and_grad(**operands, **options, wrt=BOTH)
