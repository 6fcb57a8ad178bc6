"""Boxes that a call refuses: of other shapes always, inverted ones where domains are checked."""

from __future__ import annotations

import re

import numpy as np
import pytest

import cases
import fastloss as fl
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss, in_format

NAMES = [name for name, info in fl.losses().items() if info.engine == "box"]
BOTH = BoxLoss.names
INVERTED = {4: [3.0, 0.0, 1.0, 2.0], 5: [3.0, 0.0, 1.0, -2.0, 0.5]}  # by how many numbers a box has
CORNERS = "x1 <= x2 and y1 <= y2"
SIDES = "a width and a height of at least 0"


def methods(name):
    loss = cases.loss(name)
    return [loss, loss.grad, loss.value_and_grad, loss.statistics]


def numbers(name):
    """How many a box has."""
    return BOX_REFERENCES[name].boxes.numbers


@pytest.mark.parametrize("name", NAMES)
def test_boxes_have_four_or_five_numbers(name):
    n = numbers(name)
    for shape in ((3,), (7, 3), (7, 9 - n), (7, 6), (n, 1), (7, 0), (0,), ()):
        x = np.ones(shape)
        for call in methods(name):
            with pytest.raises(ValueError, match=rf"^{name}: .*input.*{n}\)"):
                call(x, x)


@pytest.mark.parametrize("name", NAMES)
def test_every_box_has_one_target(name):
    """Nothing is broadcast."""
    n = numbers(name)
    for one, other in (
        ((7, n), (6, n)),
        ((7, n), (n,)),
        ((n,), (7, n)),
        ((7, 1, n), (7, n)),
        ((7, n), (1, n)),
        ((7, n), (7, 9 - n)),
        ((7, n), ()),
    ):
        for call in methods(name):
            with pytest.raises(ValueError, match=rf"^{name}: .*target") as raised:
                call(np.ones(one), np.ones(other))
            assert str(one) in str(raised.value)
            assert str(other) in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_masks_are_of_pairs(name):
    operands = box_draws.ordinary_of(name, cases.seed(name), (3, 5))
    for shape in ((3, 5, 4), (3, 5, 5), (4,), (5,), (3, 4)):
        with pytest.raises(ValueError, match=f"{name}: sample_weight"):
            cases.loss(name)(**operands, sample_weight=np.ones(shape))
        with pytest.raises(ValueError, match=f"{name}: where"):
            cases.loss(name)(**operands, where=np.ones(shape, bool))


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("operand", BOTH)
@pytest.mark.parametrize("name", NAMES)
def test_an_inverted_box_is_named(name, operand, isa, use_isa):
    use_isa(isa)
    for dtype in (*cases.DTYPES, np.float16):
        operands, box = box_draws.ordinary_of(name, cases.seed(name), (40,), dtype), INVERTED[numbers(name)]
        operands[operand][5] = box
        must = SIDES if BOX_REFERENCES[name].rotated else CORNERS
        message = f"{name}: {operand} must have {must}, got {box} at index (5,)"
        for call in methods(name):
            call(**operands)  # silent by default
            with fl.errstate(domain="raise"), pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                call(**operands)


@pytest.mark.parametrize("fmt", ["xywh", "cxcywh"])
def test_a_negative_side_is_named(fmt):
    loss = fl.generalized_box_iou_loss
    for operand in BOTH:
        operands = {each: in_format(fmt, x) for each, x in box_draws.ordinary(cases.seed(fmt), (3, 5)).items()}
        operands[operand][2, 1] = [1.0, 2.0, 3.0, -0.5]
        message = f"generalized_box_iou_loss: {operand} must have {SIDES}, got [1.0, 2.0, 3.0, -0.5] at index (2, 1)"
        with fl.errstate(domain="raise"), pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            loss(**operands, fmt=fmt)


def test_each_operand_is_checked_in_its_format():
    loss, box = fl.distance_box_iou_loss, [2.0, 2.0, 1.0, 1.0]  # a box with sides, but inverted as corners
    with fl.errstate(domain="raise"):
        loss(box, box, fmt="xywh")
        with pytest.raises(ValueError, match=rf"target must have {CORNERS}, got \[2.0, 2.0, 1.0, 1.0\]"):
            loss(box, box, fmt=("cxcywh", "xyxy"))
        with pytest.raises(ValueError, match=rf"input must have {CORNERS}"):
            loss(box, box, fmt=("xyxy", "xywh"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_masked_or_missing_is_not_checked(name):
    operands = box_draws.ordinary_of(name, cases.seed(name), (40,), np.float32)
    operands["input"][5] = operands["target"][7] = INVERTED[numbers(name)]
    operands["input"][9, 2] = np.nan
    mask = ~np.isin(np.arange(40), (5, 7))
    loss = cases.loss(name)
    expected = loss.value_and_grad(**operands, where=mask, reduction="none")
    with fl.errstate(domain="raise"):
        for one, other in zip(loss.value_and_grad(**operands, where=mask, reduction="none"), expected, strict=True):
            np.testing.assert_array_equal(one, other)
        for kept, index in ((5, "5"), (7, "7")):
            with pytest.raises(ValueError, match=rf"at index \({index},\)"):
                loss(**operands, where=mask | (np.arange(40) == kept))


@pytest.mark.parametrize("name", NAMES)
def test_boxes_without_size_are_not_inverted(name):
    operands = {each: np.zeros((3, numbers(name))) for each in BOTH}
    with fl.errstate(domain="raise", nonfinite="raise"):
        cases.loss(name).value_and_grad(**operands, wrt=BOTH)
