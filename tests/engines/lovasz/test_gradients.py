"""Gradients of Lovász losses against finite differences, where errors are equal or missing, and against autograd."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from engines.lovasz.test_values import NAMES, drawn
from oracles import torch
from references import LOVASZ_REFERENCES

STEP = 1e-7


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    """No two of the errors are as near to each other, or to 0, as the step is long."""
    loss = cases.loss(name)
    for shape in ((2, 3, 20), (1, 2, 5)):
        for options in LOVASZ_REFERENCES[name].option_sets():
            operands = drawn(name, shape, from_logits=options.get("from_logits", False))
            gradient = loss.grad(**operands, **options, reduction="sum")
            for place in range(operands["input"].size):
                moved = []
                for sign in (1, -1):
                    other = operands["input"].copy()
                    other.flat[place] += sign * STEP
                    moved.append(loss(other, operands["target"], **options, reduction="sum"))
                slope = (moved[0] - moved[1]) / (2 * STEP)
                assert gradient.flat[place] == pytest.approx(slope, rel=1e-5, abs=1e-8), f"{options} {place}"


def test_equal_errors_are_in_the_order_of_the_pixels():
    """One of the subgradients, and the same in every memory order."""
    x, t = np.zeros((2, 3)), np.array([[1, 0, 1], [0, 1, 0]])
    value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t)
    assert value == pytest.approx(1)
    # P = 3; wrong pixels 1 to 6 cost 1/3, then 2/4, 3/4, 4/5, 5/5 and 6/6 of the union.
    steps = np.diff([0, 1 / 3, 2 / 4, 3 / 4, 4 / 5, 1, 1])
    np.testing.assert_allclose(gradient.reshape(-1), steps * -(2 * t.reshape(-1) - 1), atol=1e-16)
    turned = fl.lovasz_hinge_loss.grad(np.asfortranarray(x), np.asfortranarray(t))
    np.testing.assert_array_equal(turned, gradient)
    np.testing.assert_array_equal(fl.lovasz_hinge_loss.grad(x.astype(np.float32), t), gradient.astype(np.float32))


def test_the_value_does_not_depend_on_the_order_of_pixels():
    rng = cases.seed("permuted")
    x, t = rng.integers(-3, 4, 500) / 2, rng.random(500) < 0.3
    value = fl.lovasz_hinge_loss(x, t)
    for _ in range(5):
        order = rng.permutation(500)
        assert fl.lovasz_hinge_loss(x[order], t[order]) == pytest.approx(value, rel=1e-13)


def test_equal_errors_have_a_subgradient():
    """The hinge is convex: no point is below the plane of the gradient."""
    rng = cases.seed("convex")
    x, t = rng.integers(-2, 3, 40).astype(float), rng.random(40) < 0.4
    value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t)
    for scale in (0.01, 0.5, 3.0):
        for _ in range(50):
            y = x + scale * rng.standard_normal(40)
            assert fl.lovasz_hinge_loss(y, t) >= value + gradient @ (y - x) - 1e-12


def test_no_gradient_where_nothing_is_wrong():
    """At the kink of an error of 0, and below it."""
    for dtype in cases.DTYPES:
        x = np.array([1.0, -1.0, 3.0, 0.5], dtype)
        np.testing.assert_array_equal(fl.lovasz_hinge_loss.grad(x, [1, 0, 1, 1]), np.array([0, 0, 0, -1 / 3], dtype))
        p = np.array([[1.0, 0.0], [0.25, 0.75]], dtype)
        gradient = fl.lovasz_softmax_loss.grad(p, [0, 1])
        np.testing.assert_array_equal(gradient[0], [0, 0])
        assert gradient[1].all()


def steps_in_torch(positive):
    """Algorithm 1 of the paper, as its authors have it in torch."""
    total = positive.sum()
    jaccard = 1 - (total - positive.cumsum(0)) / (total + (1 - positive).cumsum(0))
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def hinge_in_torch(x, t):
    t = t.to(x.dtype)
    errors, order = torch.sort(1 - x * (2 * t - 1), descending=True, stable=True)
    return torch.dot(torch.relu(errors), steps_in_torch(t[order]))


def softmax_in_torch(p, y, *, every=False):
    losses = []
    for c in range(p.shape[0]):
        positive = (y == c).to(p.dtype)
        if every or positive.any():
            errors, order = torch.sort((positive - p[c]).abs(), descending=True, stable=True)
            losses.append(torch.dot(errors, steps_in_torch(positive[order])))
    return torch.stack(losses).mean()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("per_image", [False, True])
def test_the_hinge_is_that_of_its_authors(per_image):
    for shape in ((3, 7, 9), (1, 40), (2, 300)):
        operands = drawn("lovasz_hinge_loss", shape)
        value, gradient = fl.lovasz_hinge_loss.value_and_grad(**operands, per_image=per_image)
        x, t = torch.tensor(operands["input"], requires_grad=True), torch.tensor(operands["target"])
        each = [(x[i].reshape(-1), t[i].reshape(-1)) for i in range(len(x))] if per_image else []
        each = each or [(x.reshape(-1), t.reshape(-1))]
        want = torch.stack([hinge_in_torch(*one) for one in each]).mean()
        (slope,) = torch.autograd.grad(want, x)
        assert value == pytest.approx(want.item(), rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-14)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("per_image", [False, True])
def test_the_softmax_loss_is_that_of_its_authors(per_image, from_logits, every):
    for shape in ((3, 4, 7, 9), (2, 2, 40), (1, 3, 300)):
        operands = drawn("lovasz_softmax_loss", shape, from_logits=from_logits)
        options = {"per_image": per_image, "from_logits": from_logits, "classes": "all" if every else "present"}
        value, gradient = fl.lovasz_softmax_loss.value_and_grad(**operands, **options)
        x, y = torch.tensor(operands["input"], requires_grad=True), torch.tensor(operands["target"])
        p = torch.softmax(x, 1) if from_logits else x
        p, y = p.reshape(*shape[:2], -1), y.reshape(shape[0], -1)
        each = list(zip(p, y, strict=True)) if per_image else [(p.movedim(1, 0).reshape(shape[1], -1), y.reshape(-1))]
        want = torch.stack([softmax_in_torch(*one, every=every) for one in each]).mean()
        (slope,) = torch.autograd.grad(want, x)
        assert value == pytest.approx(want.item(), rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-13)
