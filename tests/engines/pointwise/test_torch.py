"""torch as a second oracle, in float64: values, gradients by autograd, reductions, weights and their denominators."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from oracles import torch
from references import REFERENCES

pytestmark = pytest.mark.needs("torch")

IN_TORCH = [name for name in cases.NAMES if REFERENCES[name].torch is not None]
SHAPE = (13, 7)


def _operands(name, present, label):
    drawn = cases.sample(
        REFERENCES[name], cases.seed(name, present, label), SHAPE[0] * SHAPE[1], np.float64, present=present
    )
    return {k: v.reshape(SHAPE) for k, v in drawn.items()}


def _oracle(name, operands, options, reduction, flow=None):
    """torch's value, and its gradients in every operand that it differentiates."""
    reference = REFERENCES[name]
    fixed = {*reference.torch_without_gradient, *(o.name for o in reference.operands if o.integer)}
    tensors = {k: torch.tensor(v, requires_grad=k not in fixed) for k, v in operands.items()}
    value = reference.torch(torch, tensors, options, reduction)
    flow = torch.ones_like(value) if flow is None else torch.tensor(flow, dtype=value.dtype)
    wanted = {k: v for k, v in tensors.items() if v.requires_grad}
    gradients = torch.autograd.grad(value, list(wanted.values()), flow)
    return value.detach().numpy(), {k: g.numpy() for k, g in zip(wanted, gradients, strict=True)}


def _torch_options(reference):
    return [{}, *({k: v} for k, values in reference.torch_options.items() for v in values)]


def _assert_agree(name, operands, options, reduction, flow=None):
    value, gradients = _oracle(name, operands, options, reduction, flow)
    call = {} if flow is None else {"grad_output": flow}
    ours, slopes = cases.loss(name).value_and_grad(
        **operands, **options, reduction=reduction, wrt=list(gradients), **call
    )
    what = f"{options} {reduction} {list(operands)}"
    np.testing.assert_allclose(ours, value, rtol=1e-12, atol=1e-13, err_msg=what)
    for slope, (operand, gradient) in zip(slopes, gradients.items(), strict=True):
        assert slope.shape == gradient.shape
        np.testing.assert_allclose(slope, gradient, rtol=1e-11, atol=1e-13, err_msg=f"{what} {operand}")


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", IN_TORCH)
def test_agrees_with_torch(name, reduction):
    reference = REFERENCES[name]
    for options, present in itertools.product(_torch_options(reference), cases.presences(reference)):
        operands = _operands(name, present, str(options))
        _assert_agree(name, operands, options, reduction)
        flow = cases.seed(name).standard_normal(SHAPE) if reduction == "none" else -1.75
        _assert_agree(name, operands, options, reduction, flow)


@pytest.mark.parametrize("name", [n for n in IN_TORCH if "non-negative" in REFERENCES[n].properties])
def test_agrees_with_torch_at_ties(name):
    reference = REFERENCES[name]
    finite = [
        k
        for k in reference.kinks
        if k.in_torch
        and np.isfinite(list(k.operands.values())).all()
        and set(k.options) <= set(reference.torch_options)
    ]
    assert finite
    for kink in finite:
        operands = cases.arrays(reference, {k: [v] * 3 for k, v in kink.operands.items()}, np.float64)
        _assert_agree(name, operands, dict(kink.options), "none")


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(7,), (13, 1), (1, 7), (1,), ()])
@pytest.mark.parametrize("keyword", ["weight", "pos_weight"])
def test_weights_of_every_shape_of_bce(keyword, shape, reduction):
    name = "binary_cross_entropy_with_logits"
    operands = _operands(name, ("input", "target"), "broadcast")
    operands[keyword] = cases.seed(shape).random(shape) + 0.5
    _assert_agree(name, operands, {}, reduction)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(13, 7), (13, 1), (13,), ()])
def test_variances_of_every_shape(shape, reduction):
    operands = _operands("gaussian_nll_loss", ("input", "target"), "broadcast")
    operands["var"] = cases.seed(shape).random(shape) + 0.1
    if shape == ():
        # torch takes a bare number only as a float, without a gradient.
        tensors = {k: torch.tensor(operands[k]) for k in ("input", "target")}
        value = torch.nn.functional.gaussian_nll_loss(**tensors, var=float(operands["var"]), reduction=reduction)
        ours = cases.loss("gaussian_nll_loss")(**operands, reduction=reduction)
        np.testing.assert_allclose(ours, value.numpy(), rtol=1e-13, atol=1e-14)
        return
    _assert_agree("gaussian_nll_loss", operands, {}, reduction)


@pytest.mark.parametrize("name", IN_TORCH)
def test_second_derivatives_agree_with_autograd(name):
    reference = REFERENCES[name]
    first = reference.first
    for options in _torch_options(reference):
        operands = _operands(name, cases.presences(reference)[-1], "second")
        tensors = {k: torch.tensor(v, requires_grad=k == first) for k, v in operands.items()}
        value = reference.torch(torch, tensors, options, "mean")
        (slope,) = torch.autograd.grad(value, tensors[first], create_graph=True)
        curve = torch.zeros(SHAPE, dtype=torch.float64)
        if slope.requires_grad:
            (curve,) = torch.autograd.grad(slope.sum(), tensors[first], allow_unused=True, materialize_grads=True)
        ours = cases.loss(name).hess(**operands, **options)
        np.testing.assert_allclose(ours, curve.numpy(force=True), rtol=1e-10, atol=1e-13, err_msg=str(options))


@pytest.mark.parametrize("name", IN_TORCH)
def test_takes_cpu_tensors(name):
    operands = _operands(name, cases.presences(REFERENCES[name])[0], "tensors")
    value = cases.loss(name)(**{k: torch.tensor(v) for k, v in operands.items()})
    assert value == cases.loss(name)(**operands)
    assert isinstance(value, np.float64)


def test_a_pending_negation_is_refused_or_done():
    """The memory of `z.conj().imag` holds the opposite; torch knows, and says so instead of handing the memory out."""
    imaginary = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert imaginary.is_neg()
    zeros = np.zeros(2, np.float32)
    with pytest.raises(TypeError, match=r"mse_loss: input cannot be read.*negative bit.*resolve_neg"):
        fl.mse_loss.grad(imaginary, zeros)
    with pytest.raises(TypeError, match=r"mse_loss: target cannot be read"):
        fl.mse_loss.grad(zeros, [imaginary, imaginary])
    np.testing.assert_array_equal(fl.mse_loss.grad(imaginary.resolve_neg(), zeros), np.float32([-2.0, 4.0]))
