"""Gradients of losses of boxes: against finite differences, and of boxes that change places."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss
from references.jets import Jet

NAMES = [name for name, info in fl.losses().items() if info.engine == "box"]
CORNERS = [name for name in NAMES if not BOX_REFERENCES[name].rotated]
SYMMETRIC = [name for name in NAMES if BOX_REFERENCES[name].symmetric]
BOTH = BoxLoss.names
EPS = 1e-7
STEP = 1e-6


def sides(boxes):
    return boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]


def aspect(input, target, eps):
    """CIoU's v."""
    angles = [np.arctan2(*sides(boxes)) for boxes in (target, input)]
    return 4 / np.pi**2 * (angles[0] - angles[1]) ** 2


def aspect_weight(input, target, eps):
    """Its weight."""
    v = aspect(input, target, eps)
    return v / (fl.box_iou_loss(input, target, eps=eps, reduction="none") + v + eps)


def diagonal2(input, target):
    """Of the box around both."""
    high, low = np.maximum(input[:, 2:], target[:, 2:]), np.minimum(input[:, :2], target[:, :2])
    return ((high - low) ** 2).sum(axis=1)


def distance2(input, target):
    """Of the centres."""
    return (((input[:, :2] + input[:, 2:] - target[:, :2] - target[:, 2:]) / 2) ** 2).sum(axis=1)


def with_constants_of(name, fixed, options):
    """The loss as a function of both boxes, with the constants of its gradient taken from given ones."""
    eps = options.get("eps", EPS)
    if name == "complete_box_iou_loss":
        weight = aspect_weight(*fixed, eps)
        return lambda *boxes: fl.distance_box_iou_loss(*boxes, eps=eps, reduction="none") + weight * aspect(*boxes, eps)
    if name == "wiou_loss":
        constant = diagonal2(*fixed) + eps
        return lambda *boxes: np.exp(distance2(*boxes) / constant) * fl.box_iou_loss(*boxes, eps=eps, reduction="none")
    if options.get("base") == "ciou":
        weight, alpha = aspect_weight(*fixed, eps), options.get("alpha", 3.0)
        rest = fl.alpha_iou_loss.partial(alpha=alpha, base="diou", eps=eps)
        return lambda *boxes: rest(*boxes, reduction="none") + (weight * aspect(*boxes, eps)) ** alpha
    return lambda *boxes: cases.loss(name)(*boxes, **options, reduction="none")


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    for options in BOX_REFERENCES[name].option_sets():
        options = {k: v for k, v in options.items() if k != "fmt"}
        operands = box_draws.ordinary_of(name, cases.seed(name, options), (200,))
        function = with_constants_of(name, tuple(operands.values()), options)
        value, gradients = cases.loss(name).value_and_grad(**operands, **options, reduction="none", wrt=BOTH)
        np.testing.assert_allclose(value, function(*operands.values()), rtol=1e-12, atol=1e-12)
        for operand, gradient in zip(BOTH, gradients, strict=True):
            for k in range(gradient.shape[-1]):
                moved = []
                for sign in (1, -1):
                    changed = {each: x.copy() for each, x in operands.items()}
                    changed[operand][:, k] += sign * STEP
                    moved.append(function(*changed.values()))
                slope = (moved[0] - moved[1]) / (2 * STEP)
                np.testing.assert_allclose(gradient[:, k], slope, rtol=2e-5, atol=1e-6, err_msg=f"{options} {k}")


@pytest.mark.parametrize("name", SYMMETRIC)
def test_boxes_may_change_places(name):
    for options in BOX_REFERENCES[name].option_sets():
        if "fmt" in options:
            continue
        boxes = box_draws.ordinary_of(name, cases.seed(name, "swapped"), (500,))
        value, (first, second) = cases.loss(name).value_and_grad(**boxes, **options, reduction="none", wrt=BOTH)
        swapped = {"input": boxes["target"], "target": boxes["input"], **options, "reduction": "none"}
        other, (third, fourth) = cases.loss(name).value_and_grad(**swapped, wrt=BOTH)
        np.testing.assert_allclose(other, value, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(third, second, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fourth, first, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in CORNERS if name not in ("mpdiou_loss", "bounded_iou_loss")])
def test_gradients_go_as_one_over_the_size(name):
    """The losses are of ratios: boxes in other units have the same loss, but for eps."""
    boxes = box_draws.ordinary(cases.seed(name, "units"), (100,))
    value, gradient = cases.loss(name).value_and_grad(**boxes, eps=1e-12, reduction="none")
    large = {each: 1024 * x for each, x in boxes.items()}
    other, slope = cases.loss(name).value_and_grad(**large, eps=1e-12, reduction="none")
    np.testing.assert_allclose(other, value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(1024 * slope, gradient, rtol=1e-9, atol=1e-9)


def test_jets_are_what_finite_differences_say():
    """What the references are computed with: each function, its slope and that of its slope."""
    from references import jets

    x = np.linspace(0.31, 2.41, 22).astype(np.longdouble)
    step = np.longdouble(1e-9)
    functions = {
        "reciprocal": jets.reciprocal,
        "square": jets.square,
        "power": lambda jet: jets.power(jet, 2.5),
        "exp": jets.exp,
        "log": jets.log,
        "log1p": jets.log1p,
        "excess": lambda jet: jets.excess(jet - 0.9),
        "decay": jets.decay,
        "sqrt": jets.sqrt,
        "sin": jets.sin,
        "cos": jets.cos,
        "of two": lambda jet: jets.atan2(jet * jet, jet + 1, 0) * jet - jet / (jet * 2 + 1),
        "chosen": lambda jet: jets.maximum(jet, jet * jet) - jets.minimum(jet * 3, jet + 2) + jets.absolute(jet - 1),
    }
    for name, function in functions.items():
        (jet,) = Jet.coordinates(x)
        found = function(jet)
        around = [function(Jet.coordinates(x + sign * step)[0]).value for sign in (1, -1)]
        np.testing.assert_allclose(
            found.slopes[0].astype(float), ((around[0] - around[1]) / (2 * step)).astype(float), rtol=1e-8, err_msg=name
        )
        assert (found.error >= np.abs(found.value)).all()
        assert (found.slope_errors >= np.abs(found.slopes)).all()
