"""Gradients of contrastive losses against finite differences, and against autograd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from engines.similarity.test_values import NAMES, batches, drawn
from oracles import torch
from references import SIMILARITY_REFERENCES

STEP = 1e-6


def differences(loss, operands, name, given):
    """Central ones, of every number of an operand."""
    x = np.array(operands[name])
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = STEP * (1 if x.ndim else float(np.abs(x)) or 1)
        moved = []
        for sign in (1, -1):
            other = x.copy()
            other[place] += sign * step
            moved.append(loss(**{**operands, name: other}, **given))
        found[place] = (moved[0] - moved[1]) / (2 * step)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    reference, loss = SIMILARITY_REFERENCES[name], cases.loss(name)
    for options, operands in itertools.product(reference.option_sets(), batches(name, 6, 4, negatives=3)):
        if options.get("sigma"):  # whose weights are constants in the gradient
            continue
        scalars = {n: np.float64(options.get(n, reference.default_of(n))) for n in reference.scalars}
        operands |= scalars
        given = {k: v for k, v in options.items() if k not in scalars}
        units = loss(**operands, **given, reduction="none").shape
        given["sample_weight"] = np.linspace(0.5, 2.0, *units)
        names = (*(n for n in reference.rows if n in operands), *scalars)
        for n, gradient in zip(names, loss.grad(**operands, **given, wrt=names), strict=True):
            slopes = differences(loss, operands, n, given)
            np.testing.assert_allclose(gradient, slopes, rtol=2e-4, atol=1e-7, err_msg=f"{options} {n}")


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_is_at_right_angles_to_its_row(name):
    """As the loss does not change with the length of a row."""
    operands = drawn(name, 20, 6)
    names = [n for n in SIMILARITY_REFERENCES[name].embeddings if n in operands]
    gradients = cases.loss(name).grad(**operands, wrt=tuple(names))
    for n, gradient in zip(names, gradients, strict=True):
        room = 1e-15 * max(1, np.abs(gradient * operands[n]).sum(axis=1).max())
        np.testing.assert_allclose((gradient * operands[n]).sum(axis=1), 0, atol=room)
        longer = cases.loss(name).grad(**{**operands, n: operands[n] * 4}, wrt=n)
        np.testing.assert_allclose(longer * 4, gradient, rtol=1e-12, atol=1e-16)


def nt_xent_of_torch(x, other, temperature):
    """As a user of torch writes it."""
    z = torch.nn.functional.normalize(torch.cat([x, other]), dim=1)
    s = z @ z.T / temperature
    s.fill_diagonal_(-float("inf"))
    n = len(x)
    return torch.nn.functional.cross_entropy(s, torch.arange(2 * n).roll(n))


def clip_of_torch(image, text, logit_scale):
    image, text = (torch.nn.functional.normalize(x, dim=1) for x in (image, text))
    s = logit_scale.exp() * image @ text.T
    labels = torch.arange(len(image))
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(s, labels) + cross_entropy(s.T, labels)) / 2


def siglip_of_torch(image, text, scale, bias):
    """As in the paper's pseudocode."""
    image, text = (torch.nn.functional.normalize(x, dim=1) for x in (image, text))
    logits = image @ text.T * scale + bias
    n = len(image)
    signs = 2 * torch.eye(n, dtype=image.dtype) - torch.ones(n, n, dtype=image.dtype)
    return -torch.nn.functional.logsigmoid(signs * logits).sum() / n


def info_nce_of_torch(x, positive, negative, temperature):
    x, positive, negative = (torch.nn.functional.normalize(a, dim=1) for a in (x, positive, negative))
    s = x @ torch.cat([positive, negative]).T / temperature
    return torch.nn.functional.cross_entropy(s, torch.arange(len(x)))


OF_TORCH = {
    "nt_xent_loss": nt_xent_of_torch,
    "clip_loss": clip_of_torch,
    "siglip_loss": siglip_of_torch,
    "info_nce_loss": info_nce_of_torch,
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", OF_TORCH)
def test_torch_agrees(name):
    reference = SIMILARITY_REFERENCES[name]
    operands = drawn(name, 70, 12)
    operands |= {n: np.array(reference.default_of(n)) for n in reference.scalars}
    tensors = {n: torch.from_numpy(x).requires_grad_() for n, x in operands.items()}
    value = OF_TORCH[name](*tensors.values())
    value.backward()
    got, gradients = cases.loss(name).value_and_grad(**operands, wrt=tuple(operands))
    assert got == pytest.approx(value.item(), rel=1e-13)
    for (n, tensor), gradient in zip(tensors.items(), gradients, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-14, err_msg=n)


def test_an_array_of_no_axes_is_the_scale():
    x = drawn("nt_xent_loss", 8, 4)
    gradient = fl.nt_xent_loss.grad(**x, temperature=np.array(0.2, np.float32), wrt="temperature")
    assert (gradient.shape, gradient.dtype) == ((), np.float32)
    assert fl.nt_xent_loss(**x, temperature=np.float32(0.2)).dtype == np.float64
    narrow = {k: v.astype(np.float32) for k, v in x.items()}
    # A scale of float64 does not widen embeddings of float32.
    assert fl.nt_xent_loss(**narrow, temperature=np.array(0.2)).dtype == np.float32
