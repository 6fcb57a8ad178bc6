"""Where images and gradients lie in memory, and how many threads sort: nothing changes but the places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from engines.lovasz.test_values import NAMES, drawn

# Shapes, with an axis of classes for the loss that has one.
SHAPES = (((3, 4, 6, 7), 1), ((3, 6, 7, 4), -1), ((4, 6, 7), 0), ((50, 4), 1), ((2, 2, 9000), 1))


def ways(name):
    if name == "lovasz_hinge_loss":
        return [(shape, {}) for shape, _ in SHAPES] + [((7,), {}), ((2, 70_000), {})]
    options = ({}, {"from_logits": True})
    return [(shape, {"axis": axis, **more}) for (shape, axis), more in itertools.product(SHAPES, options)]


def quantised(name, shape, options, dtype):
    """Many equal errors, whose order shows in the gradient."""
    operands = drawn(name, shape, options.get("axis", 1), dtype, from_logits=options.get("from_logits", False))
    operands["input"] = (np.round(operands["input"] * 4) / 4).astype(dtype)
    operands["target"][operands["target"] % 7 == 6] = -100
    return operands


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_equal_errors_keep_their_order_in_every_layout(name, dtype):
    for (shape, options), each in itertools.product(ways(name), (False, True)):
        call = {**options, "per_image": each, "reduction": "sum"}
        operands = quantised(name, shape, options, dtype)
        value, gradient = cases.loss(name).value_and_grad(**operands, **call)
        for turn in layouts.ALL.values():
            got = cases.loss(name).value_and_grad(**{k: turn(x) for k, x in operands.items()}, **call)
            assert_same(got[0], value, f"{shape} {call}")
            assert_same(np.asarray(got[1]), gradient, f"{shape} {call}")
        for turn in layouts.WRITEABLE.values():
            out = turn(np.full_like(gradient, 3))
            cases.loss(name).grad(**operands, **call, out=out)
            np.testing.assert_array_equal(out, gradient)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_operands(name):
    for dtype, (shape, options), each in itertools.product(cases.DTYPES, ways(name), (False, True)):
        operands = quantised(name, shape, options, dtype)
        value, gradient = cases.loss(name).value_and_grad(**operands, **options, per_image=each)
        own = {k: x.copy() for k, x in operands.items()}
        found = cases.loss(name).value_and_grad(**own, **options, per_image=each, out=own["input"])
        assert_same(found[0], value, f"{shape}")
        assert_same(own["input"], gradient, f"{shape}")
        if name == "lovasz_hinge_loss":  # where a floating mask lies
            target = np.where(operands["target"] == 1, 1, 0).astype(dtype)
            want = fl.lovasz_hinge_loss.grad(operands["input"], target, per_image=each)
            fl.lovasz_hinge_loss.grad(operands["input"], target, per_image=each, out=target)
            assert_same(target, want, f"{shape}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, dtype):
    """Sorts that threads share, and sorts beside each other."""
    shapes = {(2, 3, 150_000): 1, (40, 3, 3000): 1, (1, 3, 70_000): 1}
    for shape, axis in shapes.items():
        for each, logits in itertools.product((False, True), (False, True)):
            if logits and name == "lovasz_hinge_loss":
                continue
            options = {"per_image": each, **({"from_logits": True} if logits else {})}
            operands = quantised(name, shape, {"axis": axis, **options}, dtype)
            found = set()
            for team in (1, 2, 3, 7):
                with fl.threads(team):
                    value, gradient = cases.loss(name).value_and_grad(**operands, **options)
                    assert value == cases.loss(name)(**operands, **options)
                found.add((value.tobytes(), gradient.tobytes()))
            assert len(found) == 1, f"{shape} {options}"


@pytest.mark.parametrize("name", NAMES)
def test_masks_are_aligned_to_the_leading_axes(name):
    operands = drawn(name, (3, 4, 6, 5))
    pixels, rng = operands["target"].shape, cases.seed(name, "where")
    for shape in ((3,), (3, 1), pixels[:2], (1, *pixels[1:]), pixels, (*pixels[:-1], 1)):
        where = rng.random(shape) < 0.6
        whole = np.broadcast_to(where.reshape(shape + (1,) * (len(pixels) - len(shape))), pixels)
        one = cases.loss(name).value_and_grad(**operands, where=where)
        other = cases.loss(name).value_and_grad(**operands, where=whole.copy())
        assert_same(one[0], other[0], str(shape))
        assert_same(one[1], other[1], str(shape))


def test_sums_over_many_pixels_are_in_double():
    n = 1_000_000
    rng = cases.seed("long")
    x, t = rng.standard_normal(n), rng.random(n) < 0.3
    narrow = fl.lovasz_hinge_loss(x.astype(np.float32), t)
    assert float(narrow) == pytest.approx(float(fl.lovasz_hinge_loss(x.astype(np.float32).astype(float), t)), rel=1e-7)


def test_few_errors_in_a_large_image():
    """Fewer than a digit of a shared sort is worth."""
    n = 300_000
    for wrong in ([], [7], [5, 299_999], [1, 70_000, 140_000, 250_000]):
        x, t = np.full(n, 2.0), np.ones(n, int)
        x[wrong] = -np.arange(len(wrong))
        value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t)
        assert value == pytest.approx((1 - x[wrong]).sum() / n)
        np.testing.assert_array_equal(np.flatnonzero(gradient), wrong)


def test_gradients_at_places_beyond_32_bits():
    """Four pixels of an output of 4 GiB, of which nothing else is touched: a pair of 64 bits has their places."""
    step = 2**28 + 1
    x, t = np.array([0.5, -0.5, 0.25, 2.0], np.float32), np.array([1, 1, 0, 0])
    out = np.empty(3 * step + 1, np.float32)[::step]
    expected = fl.lovasz_hinge_loss.value_and_grad(x, t)
    value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t, out=out)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])
