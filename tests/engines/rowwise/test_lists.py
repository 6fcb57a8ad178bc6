"""Losses of rows that list several classes: how lists are read, and the terms of rows of any length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from rows_cases import Rows

INF, NAN = float("inf"), float("nan")
LISTS = [rows for rows in rows_cases.kinds() if rows.kind == "list"]
mml = fl.multilabel_margin_loss
Z = np.array([[0.1, 0.2, 0.4, 0.8]])
CALLS = (mml, mml.grad, mml.value_and_grad, mml.hess, lambda z, t: mml.hvp(z, t, z))
# Fewer classes than lanes, more, and more than are added up in one lane.
CLASSES = (2, 3, 10, 16, 17, 50, 300, 5000)


def test_trap_086_lists_end_at_the_first_minus_one():
    assert mml(Z, [[3, 0, -1, 1]]) == pytest.approx(0.85, rel=1e-15)
    for behind in itertools.product((-1, 0, 1, 2, 3), repeat=2):
        assert mml(Z, [[3, -1, *behind]]) == mml(Z, [[3, -1, -1, -1]])


def test_trap_086_a_leading_minus_one_costs_nothing():
    for rest in ([0, 1, 2], [-1, -1, -1], [3, -1, 0]):
        value, gradient = mml.value_and_grad(Z, [[-1, *rest]])
        assert value == 0
        assert not np.signbit(value)
        np.testing.assert_array_equal(gradient, np.zeros((1, 4)))
    # It is one of the rows of the mean.
    assert mml(np.tile(Z, (2, 1)), [[3, 0, -1, 1], [-1, 0, 0, 0]]) == pytest.approx(0.425, rel=1e-15)


def test_trap_086_duplicates_count_twice():
    once, twice = mml.value_and_grad(Z, [[3, -1, -1, -1]]), mml.value_and_grad(Z, [[3, 3, -1, -1]])
    assert twice[0] == pytest.approx(0.65, rel=1e-15)
    assert twice[0] == 2 * once[0]
    np.testing.assert_array_equal(twice[1], 2 * once[1])


@pytest.mark.parametrize(
    "bad", [4, 77, -2, -100, 2**31, -(2**31), 2**32 - 1, 2**32 + 1, -(2**32) - 1, -(10**12), 2**63 - 1]
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_trap_086_what_is_neither_a_class_nor_minus_one_is_an_error_wherever_it_is(bad, place):
    """Also behind the end of the list; nothing is wrapped to fewer bits."""
    lists = np.array([[3, 0, -1, 1], [2, -1, -1, -1]])
    lists[1, place] = bad
    out = np.full((2, 4), 7.0)
    message = (
        r"^multilabel_margin_loss: target must be a class from 0 to 3 \(input has 4 on axis 1\), or -1, which ends a "
        rf"row's list, got {bad} at index \(1, {place}\)$"
    )
    for call in (*CALLS, lambda z, t: mml.grad(z, t, out=out), lambda z, t: mml.hess(z, t, out=out)):
        with pytest.raises(IndexError, match=message):
            call(np.tile(Z, (2, 1)), lists)
    assert (out == 7).all()
    masked = mml(np.tile(Z, (2, 1)), lists, where=[True, False])
    assert masked == mml(Z, lists[:1])


def test_an_unsigned_list_is_the_whole_row():
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        lists = np.array([[3, 0, 0, 1]], dtype)
        assert mml(Z, lists) == mml(Z, lists.astype(np.int64))
        lists[0, 2] = np.iinfo(dtype).max  # which is no -1
        with pytest.raises(IndexError, match=str(np.iinfo(dtype).max)):
            mml(Z, lists)


@pytest.mark.parametrize(
    ("error", "message", "target"),
    [
        (ValueError, r"target has shape \(4,\); the class indices that each row lists .* \(1, 4\)", [3, 0, -1, 1]),
        (ValueError, r"target has shape \(1, 3\); the class indices that each row lists", [[3, 0, -1]]),
        (ValueError, r"target has shape \(\); the class indices that each row lists", 3),
        (TypeError, "target must be class indices of an integer dtype, got float64", [[3.0, 0.0, -1.0, 1.0]]),
        (TypeError, "target must be class indices of an integer dtype, got bool", [[True, False, False, True]]),
    ],
)
def test_what_is_no_list(error, message, target):
    with pytest.raises(error, match=f"^multilabel_margin_loss: {message}"):
        mml(Z, target)


def test_a_list_has_no_gradient():
    with pytest.raises(ValueError, match="wrt names 'target', which has no gradient"):
        mml.grad(Z, [[3, 0, -1, 1]], wrt="target")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", LISTS, ids=str)
def test_lists_of_any_length(rows, dtype, use_isa):
    """More classes than references go through a kernel at once, up to every class of the row."""
    for isa, classes, axis in itertools.product(cases.ISAS, CLASSES[:-1], (1, 0)):
        use_isa(isa)
        rng = cases.seed(rows, classes, axis)
        operands = rows_cases.draw(rows, rng, (21,), classes, dtype, axis=axis)
        lists = rows_cases.whole_lists(rng, 21, classes, classes)
        lists[0] = rng.permutation(classes)
        lists[1] = 0
        operands["target"] = np.ascontiguousarray(np.moveaxis(lists, 1, axis))
        rows_cases.check(rows, operands, dtype, f"{isa} {classes} {axis}", axis=axis, reductions=("none", "mean"))


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("poison", [NAN, INF, -INF])
def test_infinities_and_nan_stay_in_their_rows(poison, dtype, use_isa):
    for isa, classes, axis in itertools.product(cases.ISAS, CLASSES, (1, 0)):
        use_isa(isa)
        rng = cases.seed(classes, axis)
        scores = rng.standard_normal((40, classes)).astype(dtype)
        lists = np.full((40, classes), -1)
        lists[:, 0] = 0
        lists[1::2, 1:2] = classes - 2
        expected = mml.value_and_grad(scores, lists, reduction="none")
        scores[3, 0] = poison  # a right class
        scores[17, classes - 1] = poison  # another
        scores[22:24] = poison
        lists[22] = -1  # no right class
        moved = np.ascontiguousarray(np.moveaxis(scores, 1, axis)), np.ascontiguousarray(np.moveaxis(lists, 1, axis))
        value, gradient = mml.value_and_grad(*moved, axis=axis, reduction="none")
        gradient = np.moveaxis(gradient, axis, 1)
        good = np.setdiff1d(np.arange(40), [3, 17, 22, 23])
        what = f"{isa} {classes} {axis}"
        np.testing.assert_allclose(value[good], expected[0][good], rtol=1e-6, err_msg=what)
        np.testing.assert_array_equal(gradient[good], expected[1][good], err_msg=what)
        assert value[22] == 0
        assert (gradient[22] == 0).all()
        assert np.isnan(value[23]), what  # inf - inf
        if np.isnan(poison):
            assert np.isnan(value[[3, 17]]).all()
            assert np.isnan(gradient[3]).any()
            assert np.isnan(gradient[17]).any()
        else:  # far behind, or far ahead
            assert np.isfinite(value[3]) if poison > 0 else value[3] == INF
            assert np.isfinite(value[17]) if poison < 0 else value[17] == INF
            assert np.isfinite(gradient[[3, 17]]).all()


def test_margins_of_huge_scores():
    """Sums of terms that float32 holds one by one are formed in float64."""
    scores = np.zeros((1, 64), np.float32)
    scores[0, 1:] = 3e38
    lists = np.full((1, 64), -1)
    lists[0, :2] = 0
    assert mml(scores, lists, reduction="sum") == INF  # 2 * 63 / 64 * 3e38 is not a float32
    lists[0, 1] = -1
    assert mml(scores, lists) == pytest.approx(63 / 64 * 3e38, rel=1e-6)


def test_long_rows_keep_their_digits():
    """A sum of a million terms of float32, each of them 1 + 2^-10."""
    scores = np.full((1, 1_000_001), 2.0**-10, np.float32)
    scores[0, 0] = 0
    lists = np.full(scores.shape, -1)
    lists[0, 0] = 0
    value, gradient = mml.value_and_grad(scores, lists)
    assert value == pytest.approx((1 + 2.0**-10) * 1_000_000 / 1_000_001, rel=1e-7)
    assert gradient[0, 0] == pytest.approx(-1_000_000 / 1_000_001, rel=1e-7)
    assert gradient[0, 1:] == pytest.approx(1 / 1_000_001, rel=1e-7)


def test_the_second_derivative_is_zero():
    for classes, axis in itertools.product((3, 60), (0, 1)):
        rows = Rows("multilabel_margin_loss", "list")
        operands = rows_cases.draw(rows, cases.seed(classes), (20,), classes, np.float32, axis=axis)
        np.testing.assert_array_equal(mml.hess(**operands, axis=axis), np.zeros_like(operands["input"]))
        product = mml.hvp(**operands, vector=np.ones_like(operands["input"]), axis=axis)
        np.testing.assert_array_equal(product, np.zeros_like(operands["input"]))
