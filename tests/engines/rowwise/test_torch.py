"""torch as a second oracle of row-wise losses, in float64: every shape, target, weight, ignored class and reduction."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from oracles import torch

pytestmark = pytest.mark.needs("torch")

IN_TORCH = [rows for rows in rows_cases.kinds() if rows.reference.torch is not None]
SHAPES = [(), (1,), (13,), (5, 3), (2, 3, 4)]
CLASSES = (1, 2, 7, 33)
REDUCTIONS = ("none", "mean", "sum")
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def _option_sets(reference):
    """One at a time, and all of them together."""
    alone = [{k: v} for k, values in reference.torch_options.items() for v in values]
    together = {k: values[0] for k, values in reference.torch_options.items()}
    return [{}, *alone, *([together] if len(together) > 1 else [])]


def _oracle(rows, operands, options, reduction, flow):
    """torch's value, and its gradients in every operand that it differentiates."""
    reference = rows.reference
    tensors = {
        k: torch.tensor(v, requires_grad=v.dtype.kind == "f" and k not in reference.torch_without_gradient)
        for k, v in operands.items()
    }
    value = reference.torch(torch, tensors, options, reduction)
    wanted = {k: v for k, v in tensors.items() if v.requires_grad}
    flow = torch.ones_like(value) if flow is None else torch.tensor(flow, dtype=value.dtype)
    gradients = torch.autograd.grad(value, list(wanted.values()), flow)
    return value.detach().numpy(), {k: g.numpy() for k, g in zip(wanted, gradients, strict=True)}


def _assert_agree(rows, operands, options, reduction, flow, what, **call):
    value, gradients = _oracle(rows, operands, {**options, **call}, reduction, flow)
    flowing = {} if flow is None else {"grad_output": flow}
    ours, slopes = cases.loss(rows.loss).value_and_grad(
        **operands, **options, **call, **flowing, reduction=reduction, wrt=list(gradients)
    )
    np.testing.assert_allclose(ours, value, **TOLERANCE, err_msg=what)
    for slope, (operand, gradient) in zip(slopes, gradients.items(), strict=True):
        assert slope.shape == gradient.shape
        np.testing.assert_allclose(slope, gradient, **TOLERANCE, err_msg=f"{what} {operand}")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("rows", IN_TORCH, ids=str)
def test_agrees_with_torch(rows, reduction):
    reference = rows.reference
    ignored = (None, -100, 2, -7) if rows.kind == "index" and reference.torch_ignores else (None,)
    settings = itertools.product(
        SHAPES, CLASSES, _option_sets(reference), rows_cases.presences(reference), ignored, (False, True)
    )
    for shape, classes, options, present, ignore_index, flows in settings:
        axis = min(1, len(shape))
        rng = cases.seed(rows, shape, classes)
        operands = rows_cases.draw(rows, rng, shape, classes, np.float64, axis=axis, present=present)
        call = {}
        if ignore_index is not None:
            labels, call = operands[reference.target.name], {"ignore_index": ignore_index}
            labels[np.asarray(rng.random(shape) < 0.3)] = ignore_index
            # A mean over nothing is NaN in both, with other gradients.
            labels.flat[0] = 0
        flow = None
        if flows:
            flow = rng.standard_normal(shape) if reduction == "none" else -1.75
        what = f"{shape} {classes} {options} {present} {ignore_index} {flows}"
        _assert_agree(rows, operands, options, reduction, flow, what, **call)


@pytest.mark.parametrize("rows", IN_TORCH, ids=str)
def test_agrees_with_torch_on_wide_scores(rows):
    for classes, reduction in itertools.product((2, 10, 100, 1000), REDUCTIONS):
        rng = cases.seed(rows, classes, "wide")
        operands = rows_cases.draw(rows, rng, (50,), classes, np.float64, mode="wide")
        operands[rows.reference.first] = np.clip(operands[rows.reference.first], -1e4, 1e4)
        if rows.reference.weight:
            operands[rows.reference.weight] = np.clip(operands[rows.reference.weight], 1e-3, 10)
        value, gradients = _oracle(rows, operands, {}, reduction, None)
        ours, slopes = cases.loss(rows.loss).value_and_grad(**operands, reduction=reduction, wrt=list(gradients))
        np.testing.assert_allclose(ours, value, rtol=1e-10, atol=1e-10)
        for slope, gradient in zip(slopes, gradients.values(), strict=True):
            np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("rows", [r for r in IN_TORCH if r.loss in ("cross_entropy", "nll_loss")], ids=str)
def test_agrees_with_torch_in_halves(rows, dtype):
    numpy_dtype = np.dtype(np.float16 if dtype == "float16" else ml_dtypes.bfloat16)
    torch_dtype, eps = getattr(torch, dtype), float(ml_dtypes.finfo(numpy_dtype).eps)
    reference = rows.reference
    for classes, reduction in itertools.product((3, 10, 100), REDUCTIONS):
        drawn = rows_cases.draw(rows, cases.seed(rows, classes), (30,), classes, np.float32)
        narrow = {k: v.astype(numpy_dtype) if v.dtype.kind == "f" else v for k, v in drawn.items()}
        # torch computes in the precision of its tensors: it is given the same numbers, wide.
        wide = {k: v.astype(np.float64) if k in narrow and v.dtype.kind != "i" else v for k, v in narrow.items()}
        value, gradients = _oracle(rows, wide, {}, reduction, None)
        ours, slopes = cases.loss(rows.loss).value_and_grad(**narrow, reduction=reduction, wrt=list(gradients))
        np.testing.assert_allclose(ours, value, rtol=1e-5, atol=1e-5)
        for slope, gradient in zip(slopes, gradients.values(), strict=True):
            assert slope.dtype == numpy_dtype
            tiny = float(ml_dtypes.finfo(numpy_dtype).smallest_subnormal)
            np.testing.assert_allclose(slope.astype(np.float64), gradient, rtol=eps, atol=1e-6 + tiny)
        # And what torch itself gives for tensors of that precision is as close as that precision allows.
        tensors = {
            k: torch.tensor(v.astype(np.float32)).to(torch_dtype) if v.dtype.kind != "i" else torch.tensor(v)
            for k, v in narrow.items()
        }
        theirs = reference.torch(torch, tensors, {}, reduction).to(torch.float64).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=30 * eps, atol=30 * eps)


@pytest.mark.parametrize("rows", IN_TORCH, ids=str)
def test_second_derivatives_agree_with_autograd(rows):
    reference, loss = rows.reference, cases.loss(rows.loss)
    first = reference.first
    for options, (shape, classes) in itertools.product(_option_sets(reference), [((), 4), ((5,), 3), ((2, 3), 12)]):
        axis = min(1, len(shape))
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, np.float64, axis=axis)
        vector = cases.seed(rows, "vector").standard_normal(operands[first].shape)
        others = {k: torch.tensor(v) for k, v in operands.items() if k != first}

        def value(z, others=others, options=options):
            return reference.torch(torch, {first: z, **others}, options, "mean")

        point = torch.tensor(operands[first])
        product = torch.autograd.functional.hvp(value, point, torch.tensor(vector))[1].numpy()
        whole = torch.autograd.functional.hessian(value, point).numpy().reshape(point.numel(), point.numel())
        np.testing.assert_allclose(loss.hvp(**operands, **options, vector=vector), product, **TOLERANCE)
        np.testing.assert_allclose(
            loss.hess(**operands, **options).reshape(-1), np.diagonal(whole), **TOLERANCE, err_msg=str(options)
        )


@pytest.mark.parametrize("rows", IN_TORCH, ids=str)
def test_takes_cpu_tensors(rows):
    operands = rows_cases.draw(rows, cases.seed(rows, "tensors"), (6,), 4, np.float64)
    value = cases.loss(rows.loss)(**{k: torch.tensor(v) for k, v in operands.items()})
    assert value == cases.loss(rows.loss)(**operands)
    assert isinstance(value, np.float64)


def _functions(name, shape, dim):
    """torch's function and ours of the same rows."""
    if name == "logsumexp":
        return lambda z: torch.logsumexp(z, dim), tuple(n for i, n in enumerate(shape) if i != dim % len(shape))
    return lambda z: getattr(torch.nn.functional, name)(z, dim), shape


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_functions_of_rows_agree_with_torch(name):
    ours = getattr(fl, name)
    shapes = [(1,), (7,), (50,), (13, 1), (13, 3), (13, 10), (5, 100), (2, 1000), (2, 5, 3, 4)]
    for shape, spread in itertools.product(shapes, (1.0, 30.0, 1000.0)):
        for dim in range(-len(shape), len(shape)):
            rng = cases.seed(name, shape, spread, dim)
            theirs, flow_shape = _functions(name, shape, dim)
            z, flow = rng.standard_normal(shape) * spread, np.asarray(rng.standard_normal(flow_shape))
            point = torch.tensor(z, requires_grad=True)
            value = theirs(point)
            (gradient,) = torch.autograd.grad(value, point, torch.tensor(flow))
            for found in ((ours(z, dim), ours.grad(z, flow, dim)), ours.value_and_grad(z, flow, dim)):
                np.testing.assert_allclose(found[0], value.detach().numpy(), **TOLERANCE, err_msg=f"{shape} {dim}")
                np.testing.assert_allclose(found[1], gradient.numpy(), **TOLERANCE, err_msg=f"{shape} {dim}")
            for found in (ours(torch.tensor(z), dim), ours.grad(torch.tensor(z), torch.tensor(flow), dim)):
                assert type(found) is np.ndarray


def test_the_errors_of_torch_are_errors():
    """Where torch raises, so do we, and where it accepts class indices of one dtype, we accept them of all."""
    z = np.zeros((4, 3))
    refused = [
        np.array([0, 1, 2, 3]),
        np.zeros((4, 1), int),
        np.zeros((4, 2)),
        np.zeros(3, int),
        np.eye(4, 3, dtype=int),
    ]
    for target in refused:
        with pytest.raises((RuntimeError, IndexError, ValueError)):
            torch.nn.functional.cross_entropy(torch.tensor(z), torch.tensor(target))
        with pytest.raises((IndexError, ValueError)):
            cases.loss("cross_entropy")(z, target)


def test_torch_agrees_where_it_accepts_the_lists():
    rng = np.random.default_rng(7)
    for classes in (1, 2, 5, 40, 300):
        scores, lists = rng.standard_normal((30, classes)), rows_cases.whole_lists(rng, 30, classes, classes)
        lists[:10] = rng.integers(-1, classes, (10, classes))  # also classes behind the end
        for reduction in ("none", "mean", "sum"):
            z = torch.tensor(scores, requires_grad=True)
            theirs = torch.nn.functional.multilabel_margin_loss(z, torch.tensor(lists), reduction=reduction)
            (slope,) = torch.autograd.grad(theirs.sum(), z)
            value, gradient = fl.multilabel_margin_loss.value_and_grad(scores, lists, reduction=reduction)
            np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(gradient, slope.numpy(), rtol=1e-12, atol=1e-14)
    scores = np.array([[0.1, 0.2, 0.4, 0.8]])
    for bad in (-2, 4):
        lists = np.array([[3, -1, bad, -1]])
        with pytest.raises(RuntimeError):
            torch.nn.functional.multilabel_margin_loss(torch.tensor(scores), torch.tensor(lists))
        with pytest.raises(IndexError):
            fl.multilabel_margin_loss(scores, lists)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_one_index_for_a_row(reduction):
    """multi_margin_loss takes () and (1,) beside (C,), and the loss has that shape.

    The others take () alone here; torch takes (1,) there, too, but gives the loss the shape ().
    """
    z, functional = np.array([0.5, -1.0, 2.0]), torch.nn.functional
    for target in (1, [1]):
        want = functional.multi_margin_loss(torch.tensor(z), torch.tensor(target), reduction=reduction).numpy()
        got = fl.multi_margin_loss(z, target, reduction=reduction)
        assert np.shape(got) == want.shape
        np.testing.assert_allclose(got, want, **TOLERANCE)
    for name in ("cross_entropy", "nll_loss"):
        assert getattr(fl, name)(z, 1) == pytest.approx(
            getattr(functional, name)(torch.tensor(z), torch.tensor(1)).item()
        )
        assert getattr(functional, name)(torch.tensor(z), torch.tensor([1]), reduction="none").shape == ()
        with pytest.raises(ValueError, match="target"):
            getattr(fl, name)(z, [1])
