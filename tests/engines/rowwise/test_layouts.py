"""Where the numbers of rows lie does not matter: shapes, axes, strides, order, alignment, byte order, in place."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases

# Shapes of the rows, and numbers of classes: short rows, packs, longer than a tile.
SHAPES = [((), 5), ((), 300), ((7,), 3), ((33,), 100), ((3, 5), 4), ((2, 3, 5), 7), ((2, 4, 3, 2), 33), ((1, 1), 1)]


def _axes(rank):
    return range(-rank, rank)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_every_shape_and_axis(rows, dtype):
    for shape, classes in SHAPES:
        for axis in _axes(len(shape) + 1):
            operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.1)
            what = f"{shape} {classes} axis={axis}"
            rows_cases.check(rows, operands, dtype, what, axis=axis, reductions=("none", "mean", "sum"))


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_the_default_axis_is_torchs(rows):
    loss = cases.loss(rows.loss)
    for shape in ((), (4,), (4, 3), (2, 3, 5)):
        axis = min(1, len(shape))
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, 6, np.float64, axis=axis)
        for reduction in ("none", "mean"):
            default = loss.value_and_grad(**operands, reduction=reduction)
            named = loss.value_and_grad(**operands, reduction=reduction, axis=axis)
            for one, other in zip(default, named, strict=True):
                np.testing.assert_array_equal(one, other, strict=True)
            assert np.shape(default[0]) == (shape if reduction == "none" else ())
            assert default[1].shape == operands[rows.reference.first].shape


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_zero_strides(rows, dtype):
    reference = rows.reference
    for classes in (1, 5, 60):
        one = rows_cases.draw(rows, cases.seed(rows, classes), (1,), classes, dtype)
        per_class = {o.name for o in reference.operands if o.kind in ("weight", "per_class")}
        repeated = {k: v if k in per_class else np.broadcast_to(v, (40, *v.shape[1:])) for k, v in one.items()}
        rows_cases.check(rows, repeated, dtype, f"repeated rows of {classes}")
        same = dict(one)
        same[reference.first] = np.broadcast_to(one[reference.first][:, :1], (1, classes))
        rows_cases.check(rows, same, dtype, f"{classes} repeated classes")
        for name in per_class & set(one):
            value = dict(one)
            value[name] = np.array(0.75, dtype)
            rows_cases.check(rows, value, dtype, f"{name} is a number", reductions=("none", "mean", "sum"))
            value[name] = np.broadcast_to(np.array(0.75, dtype), (classes,))
            rows_cases.check(rows, value, dtype, f"{name} is one number", reductions=("none", "mean", "sum"))


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_no_classes(rows):
    """A row of no classes has no right index; probabilities of nothing are no error."""
    loss = cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (3,), 0, np.float64)
    if rows.kind == "index":
        with pytest.raises(IndexError, match="target"):
            loss(**operands)
        ignored = {**operands, rows.reference.target.name: np.full(3, -100)}
        np.testing.assert_array_equal(loss(**ignored, reduction="none"), np.zeros(3))
        assert loss.grad(**ignored).shape == (3, 0)
        return
    value, gradient = loss.value_and_grad(**operands, reduction="none")
    assert value.shape == (3,)
    assert gradient.shape == (3, 0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_the_gradient_may_take_the_place_of_the_input(rows, dtype):
    loss, first = cases.loss(rows.loss), rows.reference.first
    for (shape, classes), axis in itertools.product(
        [((40,), 10), ((5,), 130), ((3, 40), 21), ((2,), 50_000), ((300,), 1000)], (-1, 1)
    ):
        original = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.1)
        names = rows_cases.wrt(rows, original)
        for reduction in ("mean", "none"):
            call = {"axis": axis, "reduction": reduction}
            value, expected = loss.value_and_grad(**original, **call, wrt=names)
            operands = {k: v.copy() for k, v in original.items()}
            again, gradient = loss.value_and_grad(**operands, **call, out=operands[first])
            assert gradient is operands[first]
            np.testing.assert_array_equal(again, value)
            np.testing.assert_array_equal(gradient, expected[0])
            operands = {k: v.copy() for k, v in original.items()}
            again, _ = loss.value_and_grad(**operands, **call, wrt=names, out=tuple(operands[n] for n in names))
            np.testing.assert_array_equal(again, value)
            for name, slope in zip(names, expected, strict=True):
                np.testing.assert_array_equal(operands[name], slope, err_msg=name)
            for method in (loss.hess, loss.hvp):
                operands = {k: v.copy() for k, v in original.items()}
                vector = {"vector": np.ones_like(original[first])} if method is loss.hvp else {}
                plain = method(**original, **vector, **call)
                method(**operands, **vector, **call, out=operands[first])
                np.testing.assert_array_equal(operands[first], plain)
                if vector:
                    method(**original, **vector, **call, out=vector["vector"])
                    np.testing.assert_array_equal(vector["vector"], plain)


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_results_larger_than_the_cache(rows):
    """Stores bypass the cache there; the result is that of pieces."""
    loss = cases.loss(rows.loss)
    per_class = {o.name for o in rows.reference.operands if o.kind in ("weight", "per_class")}
    for classes in (10, 1000):
        count = min(fl._core.cache()["streaming_bytes"] // (4 * classes), 16_000_000 // (4 * classes)) + 37
        small = rows_cases.draw(rows, cases.seed(rows, classes), (512,), classes, np.float32)
        whole = {k: v if k in per_class else np.concatenate([v] * (count // 512 + 1))[:count] for k, v in small.items()}
        value, gradient = loss.value_and_grad(**whole, reduction="none")
        expected, slope = loss.value_and_grad(**small, reduction="none")
        for start in range(0, count - 511, 512 * max(1, count // 5120)):
            part = slice(start, start + 512)
            np.testing.assert_allclose(value[part], expected, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(gradient[part], slope, rtol=2e-6, atol=1e-7)
        out = np.full(gradient.size + 1, np.nan, np.float32)[1:].reshape(gradient.shape)
        loss.grad(**whole, reduction="none", out=out)
        np.testing.assert_allclose(out, gradient, rtol=2e-6, atol=1e-7)
