"""Masks over several tiles: what is masked has no effect, and what is not has the bits that it has without a mask.

A tile that nothing is masked in, one in part, one in whole and one that ends early are computed in different ways.
"""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

TILE = 1024
COUNT = 4 * TILE + 100
DTYPES = (np.float32, np.float64)


def _mask(rng):
    mask = rng.random(COUNT) < 0.5
    mask[: TILE + 700] = True
    mask[2 * TILE : 3 * TILE] = False
    return mask


def _results(name, operands, layout=None, **call):
    """Everything that a loss gives, with every operand's gradient alone and all of them at once."""
    loss, wrt = cases.loss(name), [n for n in operands if REFERENCES[name].operand(n).differentiable]
    first = operands[REFERENCES[name].first]
    found = [loss(**operands, **call), *loss.value_and_grad(**operands, wrt=wrt, **call)[1]]
    for operand in wrt:
        out = np.full(2 * COUNT, 7, first.dtype)[:: layout or 1][:COUNT]
        found += loss.value_and_grad(**operands, wrt=operand, out=out, **call)
    if "hess" in fl.losses()[name].methods:
        found.append(loss.hess(**operands, **call))
    return found


def _same(one, other, what):
    for k, (x, y) in enumerate(zip(one, other, strict=True)):
        np.testing.assert_array_equal(x, y, f"{what}, result {k}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_a_mask_is_a_weight_of_0_that_looks_at_nothing(name, dtype):
    rng = cases.seed(name, "masks")
    mask = _mask(rng)
    operands = cases.sample(REFERENCES[name], rng, COUNT, dtype)
    garbage = {
        k: np.where(mask, x, rng.choice([np.nan, np.inf, -np.inf, 3e38, -1e-40], COUNT)).astype(dtype)
        for k, x in operands.items()
    }
    for reduction in ("none", "sum", "mean"):
        # A mean divides by the number of unmasked elements, or by their weights, which are 1.
        expected = _results(name, operands, sample_weight=mask.astype(dtype), reduction=reduction)
        with fl.errstate(nonfinite="raise", domain="raise"):
            got = _results(name, garbage, where=mask, reduction=reduction)
        _same(got, expected, reduction)
        _same(_results(name, garbage, where=mask, reduction=reduction), expected, f"{reduction}, unchecked")
        _same(_results(name, garbage, layout=2, where=mask, reduction=reduction), expected, f"{reduction}, strided out")
    assert any(np.any(np.asarray(x) != 0) for x in expected)


@pytest.mark.parametrize("name", cases.REPRESENTATIVES)
def test_any_memory_of_a_mask(name):
    rng = cases.seed(name, "memory of masks")
    mask = _mask(rng)
    operands = cases.sample(REFERENCES[name], rng, COUNT, np.float32)
    expected = _results(name, operands, where=mask)
    _same(_results(name, operands, where=np.repeat(mask, 3)[::3]), expected, "strided")
    _same(_results(name, operands, where=mask[::-1].copy()[::-1]), expected, "reversed")
    not_one = (mask * rng.integers(1, 256, COUNT)).astype(np.uint8).view(bool)  # any byte but 0 is true
    _same(_results(name, operands, where=not_one), expected, "bytes")
    planes = {k: x[:4096].reshape(4, 32, 32) for k, x in operands.items()}
    value, gradient = cases.loss(name).value_and_grad(**planes, where=mask[:4096].reshape(4, 32, 32))
    one, other = cases.loss(name).value_and_grad(**{k: x[:4096] for k, x in operands.items()}, where=mask[:4096])
    _same((value, gradient.ravel()), (one, other), "planes")
    columns = {k: np.asfortranarray(x.reshape(4, 32, 32)) for k, x in planes.items()}
    value, gradient = cases.loss(name).value_and_grad(**columns, where=mask[:4096].reshape(4, 32, 32))
    np.testing.assert_array_equal(gradient.ravel(), other)
    assert value == pytest.approx(float(one), rel=1e-6)


@pytest.mark.parametrize("mask", [np.ones, np.zeros])
def test_all_or_nothing(mask):
    x, t = np.linspace(-1, 1, COUNT), np.zeros(COUNT)
    where = mask(COUNT, bool)
    value, gradient = fl.mse_loss.value_and_grad(x, t, where=where, reduction="sum")
    expected, slope = fl.mse_loss.value_and_grad(x, t, reduction="sum")
    assert value == (expected if where.all() else 0)
    np.testing.assert_array_equal(gradient, slope * where)
