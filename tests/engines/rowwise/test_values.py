"""Values and derivatives of row-wise losses against their references, at every number of classes with its own code.

An error is a right answer when it is a few ulp of what is added up: of a row's value the terms of its classes, of a
gradient the probability times the terms of the other classes and the class's own term times what is left of 1. So a
loss of 1e-9 has to have its digits, and so has its gradient.
"""

from __future__ import annotations

import numpy as np
import pytest

import cases
import rows_cases
from references.row_reductions import RowLoss
from rows_cases import Rows

# Short rows have code of their own; every count of lanes, full and not, is among these.
FEW, MANY = range(1, 41), (63, 64, 65, 100, 127, 128, 129, 257, 1000, 1023, 1024, 1025)
COUNTS = (1, 2, 31, 64)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_every_small_number_of_classes(rows, dtype, use_isa):
    for isa in cases.ISAS:
        use_isa(isa)
        for classes in FEW:
            for mode in ("ordinary", "wide"):
                rng = cases.seed(rows, classes, mode, dtype)
                count = COUNTS[classes % len(COUNTS)]
                operands = rows_cases.draw(rows, rng, (count,), classes, dtype, mode=mode, ignored=0.1)
                rows_cases.check(rows, operands, dtype, f"{isa} {count}x{classes} {mode}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_many_classes(rows, dtype, use_isa):
    for isa in cases.ISAS:
        use_isa(isa)
        for classes in MANY:
            mode = ("ordinary", "wide")[classes % 2]
            rng = cases.seed(rows, classes, dtype)
            operands = rows_cases.draw(rows, rng, (5,), classes, dtype, mode=mode)
            rows_cases.check(rows, operands, dtype, f"{isa} {classes} {mode}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_rows_longer_than_a_tile(rows, dtype):
    for shape, classes in (((3,), 5000), ((1,), 40_000), ((2,), 32_768)):
        for mode in ("ordinary", "wide"):
            operands = rows_cases.draw(rows, cases.seed(rows, classes, mode), shape, classes, dtype, mode=mode)
            rows_cases.check(rows, operands, dtype, f"{classes} {mode}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_many_rows(rows, dtype):
    for count, classes in ((1000, 10), (4097, 3), (300, 50), (2000, 21)):
        operands = rows_cases.draw(rows, cases.seed(rows, count), (count,), classes, dtype, ignored=0.05)
        rows_cases.check(rows, operands, dtype, f"{count}x{classes}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_options(rows, dtype, use_isa):
    for isa in cases.ISAS:
        use_isa(isa)
        for classes in (1, 2, 7, 10, 33, 100):
            for present in rows_cases.presences(rows.reference):
                rng = cases.seed(rows, classes, present)
                operands = rows_cases.draw(rows, rng, (33,), classes, dtype, present=present, ignored=0.1)
                rows_cases.check(rows, operands, dtype, f"{isa} {classes} {present}")


@pytest.mark.parametrize("name", rows_cases.NAMES)
def test_golden_values(name):
    for case in rows_cases.ROW_REFERENCES[name].golden:
        value = cases.loss(name)(*case.operands, **case.keywords)
        assert value == pytest.approx(case.value, rel=1e-9, abs=0)


KINKS = [(name, kink) for name in rows_cases.NAMES for kink in rows_cases.ROW_REFERENCES[name].kinks]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("name", "kink"), KINKS, ids=lambda x: x if isinstance(x, str) else x.label)
def test_kinks(name, kink, dtype):
    for count in (1, 40):
        scores = np.tile(np.array(kink.scores, dtype), (count, 1))
        target = np.tile(np.asarray(kink.target), (count, 1) if np.ndim(kink.target) else count)
        value, gradient = cases.loss(name).value_and_grad(scores, target, **kink.options, reduction="none")
        np.testing.assert_array_equal(value, np.full(count, kink.value, dtype))
        np.testing.assert_array_equal(gradient, np.tile(np.array(kink.gradient, dtype), (count, 1)))


@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_gradients_are_the_slopes_of_the_value(rows):
    operands = rows_cases.draw(rows, cases.seed(rows, "slopes"), (4,), 6, np.float64)
    names = rows_cases.wrt(rows, operands)
    exact = RowLoss(rows.reference, operands, rows.given)
    if exact.room() < 1e-4:
        operands[rows.reference.first] = operands[rows.reference.first] + 0.01 * np.arange(6)
    loss, rng, step = cases.loss(rows.loss), cases.seed(rows, "directions"), 2.0**-13
    gradients = loss.grad(**operands, **rows.given, wrt=names)
    for name, gradient in zip(names, gradients, strict=True):
        direction = rng.standard_normal(operands[name].shape)
        values = [
            loss(**{**operands, name: operands[name] + k * step * direction}, **rows.given) for k in (-2, -1, 1, 2)
        ]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-8, abs=1e-9), name


@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_the_product_with_unit_vectors_is_the_second_derivative(rows):
    loss, classes = cases.loss(rows.loss), 5
    operands = rows_cases.draw(rows, cases.seed(rows, "units"), (3,), classes, np.float64)
    diagonal = loss.hess(**operands, **rows.given)
    columns = []
    for c in range(classes):
        unit = np.zeros((3, classes))
        unit[:, c] = 1
        columns.append(loss.hvp(**operands, **rows.given, vector=unit))
    whole = np.stack(columns, axis=-1)
    size = np.abs(whole).max(initial=1e-300)
    np.testing.assert_allclose(np.einsum("ncc->nc", whole), diagonal, rtol=1e-13, atol=1e-14 * size)
    np.testing.assert_allclose(whole, whole.transpose(0, 2, 1), rtol=1e-13, atol=1e-14 * size)
    gradient, curve = loss.grad_and_hess(**operands, **rows.given)
    np.testing.assert_array_equal(curve, diagonal, strict=True)
    np.testing.assert_array_equal(gradient, loss.grad(**operands, **rows.given), strict=True)


def having(word):
    """The kinds of calls whose loss has a property."""
    found = [rows for rows in rows_cases.kinds() if word in rows.reference.properties]
    assert found, f"no row-wise loss is {word}"
    return pytest.mark.parametrize("rows", found, ids=str)


@having("shift-invariant")
def test_gradients_of_a_shift_invariant_loss_add_up_to_zero(rows):
    for classes in (2, 10, 300):
        operands = rows_cases.draw(rows, cases.seed(rows, classes), (20,), classes, np.float64)
        value, gradient = cases.loss(rows.loss).value_and_grad(**operands, reduction="none")
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-14 * max(1, np.abs(gradient).sum(axis=1).max()))
        shift = np.array([[2.0**k] for k in range(20)])
        moved = {**operands, rows.reference.first: operands[rows.reference.first] + shift}
        np.testing.assert_allclose(cases.loss(rows.loss)(**moved, reduction="none"), value, rtol=1e-8, atol=1e-9)
        curved = cases.loss(rows.loss).hvp(**operands, vector=np.ones((20, classes)), reduction="none")
        np.testing.assert_allclose(curved, 0, atol=1e-14 * max(1, np.abs(gradient).sum(axis=1).max()))


@having("non-negative")
def test_non_negative(rows):
    for classes in (1, 3, 50):
        operands = rows_cases.draw(rows, cases.seed(rows, classes), (200,), classes, np.float32, mode="wide")
        value = cases.loss(rows.loss)(**operands, reduction="none")
        assert (value >= 0).all()
        assert not np.signbit(value[value == 0]).any()


@having("convex")
def test_convex(rows):
    rng, loss, first = cases.seed(rows, "convex"), cases.loss(rows.loss), rows.reference.first
    for classes in (2, 9, 40):
        operands = rows_cases.draw(rows, rng, (100,), classes, np.float64)
        other = rows_cases.draw(rows, rng, (100,), classes, np.float64)[first]
        share = rng.random((100, 1))
        between = {**operands, first: (1 - share) * operands[first] + share * other}
        a, b, m = (loss(**x, reduction="none") for x in (operands, {**operands, first: other}, between))
        assert np.all(m <= (1 - share[:, 0]) * a + share[:, 0] * b + 1e-12 * (1 + np.abs(a) + np.abs(b)))
        assert np.all(loss.hess(**operands, reduction="none") >= 0)
        vector = rng.standard_normal((100, classes))
        assert np.all((vector * loss.hvp(**operands, vector=vector, reduction="none")).sum(axis=1) >= -1e-13)


def test_rows_are_what_is_parameterised():
    assert Rows("cross_entropy", "index") in rows_cases.kinds()
    assert Rows("cross_entropy", "distribution", (("label_smoothing", 1.0),)) in rows_cases.settings()
