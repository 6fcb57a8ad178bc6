"""Losses and functions of embeddings against torch in float64: values and gradients agree to ten digits."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import cases
import fastloss as fl
from oracles import torch
from references import EMBEDDING_REFERENCES, distance_draws

pytestmark = pytest.mark.needs("torch")

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_torch(name):
    reference = EMBEDDING_REFERENCES[name]
    names = reference.differentiable
    for options in reference.option_sets():
        for units, width in (((400,), 17), ((3, 5), 4), ((), 6)):
            rng = cases.seed(name, options, units)
            operands = distance_draws.ordinary(rng, reference, units, width, options=options)
            value, gradients = cases.loss(name).value_and_grad(**operands, **options, reduction="none", wrt=names)
            tensors = {each: torch.tensor(x, requires_grad=each in names) for each, x in operands.items()}
            want = reference.torch(torch, **tensors, **{**reference.defaults, **options})
            np.testing.assert_allclose(value, want.detach(), **CLOSE)
            slopes = torch.autograd.grad(want.sum(), [tensors[each] for each in names])
            for gradient, expected in zip(gradients, slopes, strict=True):
                np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


def of_torch(function, x1, x2, flow):
    """A function of two tensors, and its products with a gradient that flows in."""
    tensors = [torch.tensor(x, requires_grad=True) for x in (x1, x2)]
    value = function(*tensors)
    return value.detach(), torch.autograd.grad(value, tensors, torch.tensor(flow))


def agree(found, want):
    """A value with gradients in both operands."""
    np.testing.assert_allclose(found[0], want[0], **CLOSE)
    for gradient, expected in zip(found[1], want[1], strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("p", [2.0, 1.0, 0.5, 1.5, 3.0, 7.0, np.inf])
def test_pairwise_distance(p):
    rng = cases.seed("pairwise", p)
    x1, x2 = rng.standard_normal((2, 6, 5, 7))
    for eps in (1e-6, 0.0, 0.25):
        for keepdim in (False, True):
            flow = rng.standard_normal((6, 5, 1) if keepdim else (6, 5))
            options = {"p": p, "eps": eps, "keepdim": keepdim}
            found = fl.pairwise_distance.value_and_grad(x1, x2, grad_output=flow, **options)
            agree(found, of_torch(functools.partial(torch.nn.functional.pairwise_distance, **options), x1, x2, flow))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_cosine_similarity(axis):
    """Above eps, where the two have the same gradient."""
    rng = cases.seed("cosine", axis)
    x1, x2 = rng.standard_normal((2, 6, 5, 7))
    flow = rng.standard_normal(np.delete(x1.shape, axis))
    found = fl.cosine_similarity.value_and_grad(x1, x2, grad_output=flow, axis=axis)
    agree(found, of_torch(lambda a, b: torch.nn.functional.cosine_similarity(a, b, dim=axis), x1, x2, flow))


def test_at_the_tie_of_a_hinge_the_gradient_flows_as_in_torch():
    anchor, positive, negative = np.array([[0.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([[3.0, 0.0]])
    tensors = [torch.tensor(x, requires_grad=True) for x in (anchor, positive, negative)]
    want = torch.nn.functional.triplet_margin_loss(*tensors, margin=1.0, eps=0.0)
    value, gradients = fl.triplet_margin_loss.value_and_grad(anchor, positive, negative, eps=0)
    assert value == want.item() == 0
    for gradient, slope in zip(gradients, torch.autograd.grad(want, tensors), strict=True):
        np.testing.assert_array_equal(gradient, slope)
        assert gradient.any()


def test_negatives_at_equal_distances_share_as_in_torch():
    anchor, positive, negative = np.array([[1.0, 0.0]]), np.array([[-1.0, 0.0]]), np.array([[0.0, 1.0]])
    tensors = [torch.tensor(x, requires_grad=True) for x in (anchor, positive, negative)]
    want = torch.nn.functional.triplet_margin_loss(*tensors, margin=1.0, eps=0.0, swap=True)
    value, gradients = fl.triplet_margin_loss.value_and_grad(anchor, positive, negative, eps=0, swap=True)
    assert value == pytest.approx(want.item(), rel=1e-14)
    for gradient, slope in zip(gradients, torch.autograd.grad(want, tensors), strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=1e-14)


def test_equal_embeddings_have_the_gradient_of_torch_with_eps():
    x = np.ones((3, 2))
    found = fl.pairwise_distance.value_and_grad(x, x)
    agree(found, of_torch(torch.nn.functional.pairwise_distance, x, x, np.ones(3)))
    np.testing.assert_allclose(found[1][0], np.sqrt(0.5), rtol=1e-9)


def test_infinite_ties_share_as_in_torch():
    x1, x2 = np.array([[1.0, -1.0, 1.0, 0.5]]), np.zeros((1, 4))
    found = fl.pairwise_distance.value_and_grad(x1, x2, p=np.inf, eps=0)
    pairwise = torch.nn.functional.pairwise_distance
    agree(found, of_torch(lambda a, b: pairwise(a, b, torch.inf, 0.0), x1, x2, np.ones(1)))
    np.testing.assert_allclose(found[1][0], [[1 / 3, -1 / 3, 1 / 3, 0]], rtol=1e-15)


def test_zero_vectors_have_the_cosine_embedding_of_torch():
    x1, x2, target = np.zeros((2, 3)), np.ones((2, 3)), np.array([1.0, -1.0])
    tensors = [torch.tensor(x, requires_grad=True) for x in (x1, x2)]
    want = torch.nn.functional.cosine_embedding_loss(*tensors, torch.tensor(target), reduction="none")
    value, gradients = fl.cosine_embedding_loss.value_and_grad(x1, x2, target, reduction="none")
    np.testing.assert_array_equal(value, want.detach())
    # torch's 1e-12 is a number of float32.
    for gradient, slope in zip(gradients, torch.autograd.grad(want.sum(), tensors), strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=1e-8)
