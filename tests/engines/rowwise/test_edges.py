"""Row-wise losses at the edges: infinities and NaN in scores, targets and weights; tiny and huge numbers; zeros."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from references.row_reductions import RowLoss

INF, NAN = float("inf"), float("nan")
ce = fl.cross_entropy
SOFTMAX = [rows for rows in rows_cases.kinds() if rows.reference.reference == "log_sum_exp"]
# Short rows, packs, and rows longer than a tile; classes side by side and far apart.
WIDTHS, AXES = (2, 3, 10, 16, 50, 300, 9000), (1, 0)


def _all_isas(use_isa):
    for isa in cases.ISAS:
        use_isa(isa)
        yield isa


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", SOFTMAX, ids=str)
def test_impossible_classes(rows, dtype, use_isa):
    """A score of -inf has the probability 0: no gradient; nothing at all where it is not a target.

    Logits beside the scores are -inf there, too: a distribution that gives such a class a probability costs inf.
    """
    first, target = rows.reference.first, rows.reference.target.name
    for isa, classes, axis in itertools.product(_all_isas(use_isa), WIDTHS, AXES):
        rng = cases.seed(rows, classes)
        operands = rows_cases.draw(rows, rng, (17,), classes, dtype, axis=axis)
        scores = np.moveaxis(operands[first], axis, 1)
        gone = rng.random((17, classes)) < 0.3
        gone[:, 0] = False
        scores[gone] = -INF
        if rows.kind == "index":
            operands[target][:9] = 0  # some rows have a target that is impossible
        for name in rows.distributions:
            t = np.moveaxis(operands[name], axis, 1)
            t[:9][gone[:9]] = -INF if name == rows.reference.logits else 0
        rows_cases.check(rows, operands, dtype, f"{isa} {classes} {axis}", axis=axis)
        gradient = np.moveaxis(cases.loss(rows.loss).grad(**operands, axis=axis, reduction="none"), axis, 1)
        assert (gradient[:9][gone[:9]] == 0).all()
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("poison", ["nan", "inf", "two inf", "all -inf", "nan and -inf"])
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", SOFTMAX, ids=str)
def test_a_poisoned_row_is_nan_and_alone(rows, dtype, poison, use_isa):
    loss, first = cases.loss(rows.loss), rows.reference.first
    for isa, classes, axis in itertools.product(_all_isas(use_isa), WIDTHS, AXES):
        operands = rows_cases.draw(rows, cases.seed(rows, classes), (17,), classes, dtype, axis=axis)
        before = [
            np.moveaxis(x, axis, 1) if x.ndim > 1 else x
            for x in loss.value_and_grad(**operands, axis=axis, reduction="none")
        ]
        bad = [0, 3, 15, 16]
        scores = np.moveaxis(operands[first], axis, 1)
        for k, row in enumerate(bad):
            place = (k * 7) % classes
            if "-inf" in poison:
                scores[row] = -INF
            if poison.startswith("nan"):
                scores[row, place] = NAN
            elif "-inf" not in poison:
                scores[row, place] = INF
                scores[row, (place + 1) % classes if poison == "two inf" else place] = INF
        call = {**operands, "axis": axis}
        value, gradient = loss.value_and_grad(**call, reduction="none")
        vector = np.ones_like(operands[first])
        curve, product = loss.hess(**call, reduction="none"), loss.hvp(**call, vector=vector, reduction="none")
        good = np.setdiff1d(np.arange(17), bad)
        what = f"{isa} {classes} {axis}"
        assert np.isnan(value[bad]).all(), what
        for x in (gradient, curve, product):
            x = np.moveaxis(x, axis, 1)
            assert np.isnan(x[bad]).all(), what
            assert np.isfinite(x[good]).all(), what
        np.testing.assert_array_equal(value[good], before[0][good], err_msg=what)
        np.testing.assert_array_equal(np.moveaxis(gradient, axis, 1)[good], before[1][good], err_msg=what)
        for reduction in ("mean", "sum"):
            value, gradient = loss.value_and_grad(**call, reduction=reduction)
            assert np.isnan(value)
            assert np.isfinite(np.moveaxis(gradient, axis, 1)[good]).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", [r for r in rows_cases.kinds() if r.distributions], ids=str)
def test_nan_in_a_target_is_nan_in_its_row(rows, dtype):
    loss = cases.loss(rows.loss)
    for name, classes in itertools.product(rows.distributions, WIDTHS):
        operands = rows_cases.draw(rows, cases.seed(rows, classes), (9,), classes, dtype)
        operands[name][4, classes // 2] = NAN
        value, gradient = loss.value_and_grad(**operands, reduction="none")
        assert np.isnan(value).tolist() == [False] * 4 + [True] + [False] * 4
        assert np.isnan(gradient[4]).any()
        assert np.isfinite(np.delete(gradient, 4, axis=0)).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    "rows",
    [r for r in rows_cases.kinds() if r.reference.weight and r.reference.reference in ("log_sum_exp", "zero")],
    ids=str,
)
def test_a_weight_of_zero_silences_an_infinity(rows, dtype):
    reference, loss = rows.reference, cases.loss(rows.loss)
    for classes in (3, 10, 40, 300):
        operands = rows_cases.draw(rows, cases.seed(rows, classes), (8,), classes, dtype)
        operands[reference.weight][1] = 0
        operands[reference.first][2:5, 1] = -INF
        if rows.kind == "index":
            operands[reference.target.name][2:5] = 1
        value, gradients = loss.value_and_grad(**operands, reduction="none", wrt=(reference.first, reference.weight))
        assert np.isfinite(value).all()
        assert np.isfinite(gradients[0]).all()
        if rows.kind == "index":
            assert (value[2:5] == 0).all()
            assert (gradients[0][2:5] == 0).all()
        finite = RowLoss(reference, operands).reduce("mean")
        assert float(loss(**operands)) == pytest.approx(float(finite.value), rel=1e-5)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_tiny_losses_keep_their_digits(dtype, use_isa):
    for isa, classes, axis in itertools.product(_all_isas(use_isa), (2, 5, 17, 40, 1000, 9000), AXES):
        del isa
        gaps = np.array([1, 5, 12, 20, 40, 80, 85], dtype)
        scores = np.tile(-gaps[:, None], (1, classes)).astype(dtype)
        label = np.arange(7) % classes
        scores[np.arange(7), label] = 0
        exact = np.log1p((classes - 1) * np.exp(-gaps.astype(cases.LONG)))
        slope = (
            -(classes - 1) * np.exp(-gaps.astype(cases.LONG)) / (1 + (classes - 1) * np.exp(-gaps.astype(cases.LONG)))
        )
        for shift in (0, 64):
            z = np.ascontiguousarray(np.moveaxis(scores + dtype(shift), 1, axis))
            value, gradient = ce.value_and_grad(z, label, reduction="none", axis=axis)
            gradient = np.moveaxis(gradient, axis, 1)[np.arange(7), label]
            np.testing.assert_allclose(value, exact.astype(dtype), rtol=16 * np.finfo(dtype).eps)
            np.testing.assert_allclose(gradient, slope.astype(dtype), rtol=16 * np.finfo(dtype).eps)
            curve = ce.hess(z, label, reduction="none", axis=axis)
            curve = np.moveaxis(curve, axis, 1)[np.arange(7), label]
            np.testing.assert_allclose(curve, (-slope * (1 + slope)).astype(dtype), rtol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_small_probabilities_are_not_lost(dtype):
    """A gradient below the smallest normal number is not 0."""
    depth = dtype(-90 if dtype == np.float32 else -710)
    for classes in (2, 10, 40, 600):
        scores = np.zeros((3, classes), dtype)
        scores[:, 1:] = depth
        gradient = ce.grad(scores, np.zeros(3, int), reduction="none")
        exact = np.exp(depth.astype(cases.LONG)).astype(dtype)
        assert exact > 0
        np.testing.assert_allclose(gradient[:, 1:], exact, rtol=0, atol=2 * np.finfo(dtype).smallest_subnormal)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_huge_scores(dtype):
    most = np.finfo(dtype).max
    for classes in (2, 10, 40, 600):
        scores = np.full((4, classes), -most, dtype)
        scores[0] = most
        scores[1, 0] = most
        scores[2, 1] = most
        scores[3] = 0
        scores[3, 0] = most
        value, gradient = ce.value_and_grad(scores, [0, 0, 0, 1], reduction="none")
        assert value[0] == pytest.approx(np.log(classes), rel=1e-6)
        assert value[1] == 0
        assert value[2] == INF
        assert value[3] == most
        assert gradient[2, :2].tolist() == [-1, 1]
        assert np.isfinite(gradient).all()
        assert ce(scores[3:], [1]) == most


def test_the_mean_of_losses_that_are_large_is_large_and_finite():
    scores = np.zeros((4, 10), np.float32)
    scores[:, 0] = 3e38
    value, gradient = ce.value_and_grad(scores, [1, 1, 1, 1])
    assert value == np.float32(3e38)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", ["index", "distribution"])
def test_a_zero_loss_is_positive_zero(kind):
    for classes in (1, 10, 60):
        scores = np.full((3, classes), -1e5)
        scores[:, 0] = 1e5
        target = np.zeros(3, int) if kind == "index" else np.eye(classes)[[0, 0, 0]]
        for reduction in ("none", "mean", "sum"):
            value, gradient = ce.value_and_grad(scores, target, reduction=reduction)
            assert np.all(value == 0)
            assert not np.signbit(value).any()
            assert (gradient == 0).all()


def test_one_class_costs_nothing():
    for shape in ((), (5,), (2, 3)):
        z = np.full((*shape, 1), -3.5)
        value, gradient = ce.value_and_grad(z, np.zeros(shape, int), axis=-1, reduction="none")
        np.testing.assert_array_equal(value, np.zeros(shape))
        np.testing.assert_array_equal(gradient, np.zeros((*shape, 1)))


@pytest.mark.parametrize("wrong", [0.0, -1.0, NAN])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_count_that_is_none_makes_every_margin_nan(wrong, dtype):
    """Margins are measured by the least count: whichever it is, none of them is known."""
    scores, target = np.zeros((3, 3), dtype), [0, 1, 2]
    for at in range(3):
        counts = np.array([5.0, 1.0, 16.0], dtype)
        counts[at] = wrong
        value, gradient = fl.ldam_loss.value_and_grad(scores, target, counts, reduction="none")
        assert np.isnan(value).all()
        assert np.isnan(gradient).all()
        numbers = [dtype(fl.ldam_loss.info.defaults[k]) for k in ("max_margin", "scale")]
        assert np.isnan(fl.ldam_loss.ufunc(scores, target, counts, *numbers)).all()
        with fl.errstate(domain="raise"):
            if np.isnan(wrong):
                fl.ldam_loss(scores, target, counts)
            else:
                with pytest.raises(ValueError, match=rf"class_counts must be > 0, got .* at index \({at},\)"):
                    fl.ldam_loss(scores, target, counts)


def test_margins_depend_on_the_quotients_of_counts_alone():
    rng = np.random.default_rng(5)
    scores, target, counts = rng.uniform(-1, 1, (40, 6)), rng.integers(0, 6, 40), np.array([3, 7, 1, 900, 2, 60])
    expected = fl.ldam_loss.grad(scores, target, counts)
    for dtype, factor in itertools.product((np.float32, np.float64, np.int64), (1, 2, 1024)):
        np.testing.assert_array_equal(fl.ldam_loss.grad(scores, target, (counts * factor).astype(dtype)), expected)
    # Numbers that float32 does not hold are compared before they are rounded to the scores' dtype.
    narrow = scores.astype(np.float32)
    for factor in (2.0**-600, 2.0**600):
        found = fl.ldam_loss.grad(narrow, target, counts * factor)
        np.testing.assert_array_equal(found, fl.ldam_loss.grad(narrow, target, counts))
