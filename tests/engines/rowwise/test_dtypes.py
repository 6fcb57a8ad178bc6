"""Dtypes of row-wise losses: labels of every integer dtype, half precisions in every arrangement, what is refused."""

from __future__ import annotations

import itertools
import re

import ml_dtypes
import numpy as np
import pytest

import cases
import rows_cases

HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
INTEGERS = tuple(np.dtype(t) for t in "bBhHiIlLqQ")
SHAPES = [((40,), 3), ((40,), 10), ((9,), 100), ((3, 5), 17)]


@pytest.mark.parametrize("labels", INTEGERS, ids=lambda d: d.str)
@pytest.mark.parametrize("rows", [r for r in rows_cases.kinds() if r.kind in ("index", "list")], ids=str)
def test_labels_of_every_integer_dtype(rows, labels):
    for (shape, classes), dtype in itertools.product(SHAPES, cases.DTYPES):
        rng = cases.seed(rows, labels, shape)
        operands = rows_cases.draw(rows, rng, shape, classes, dtype, axis=1, labels=labels, ignored=0.2)
        label = operands[rows.reference.target.name]
        assert label.dtype == labels
        call = {} if labels.kind == "i" or rows.kind == "list" else {"ignore_index": rows_cases.ignored_label(labels)}
        rows_cases.check(rows, operands, dtype, f"{labels} {shape}", **call)
        swapped = {**operands, rows.reference.target.name: label.astype(labels.newbyteorder())}
        rows_cases.check(rows, swapped, dtype, f"{labels} {shape} swapped", second=False, **call)


@pytest.mark.parametrize("labels", INTEGERS, ids=lambda d: d.str)
@pytest.mark.parametrize("rows", [r for r in rows_cases.kinds() if r.kind in ("index", "list")], ids=str)
def test_labels_at_the_ends_of_their_dtype_are_out_of_range(rows, labels):
    loss, info = cases.loss(rows.loss), np.iinfo(labels)
    operands = rows_cases.draw(rows, cases.seed(rows), (7,), 5, np.float32, labels=labels)
    label = operands[rows.reference.target.name]
    for bad in {int(info.min), int(info.max), 5, info.max - 2**31 if info.max > 2**32 else 5} - {0}:
        place = (4,) if rows.kind == "index" else (4, 3)
        operands[rows.reference.target.name] = label.copy()
        operands[rows.reference.target.name][place] = bad
        for call in (loss, loss.grad, loss.value_and_grad, loss.hess):
            with pytest.raises(IndexError, match=rf"target.*{bad} at index {re.escape(str(place))}"):
                call(**operands)


@pytest.mark.parametrize("dtype", HALVES, ids=lambda d: d.name)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_halves_are_storage_alone(rows, dtype):
    """Computed in float32, rounded once to what the gradient is stored in."""
    for shape, classes in [*SHAPES, ((2,), 3000)]:
        rng = cases.seed(rows, dtype, shape)
        drawn = rows_cases.draw(rows, rng, shape, classes, np.float32, axis=1, ignored=0.1)
        operands = {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in drawn.items()}
        rows_cases.check(rows, operands, np.float32, f"{shape}", reductions=("none", "mean", "sum"))


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_what_is_not_a_number_is_refused(rows):
    reference, loss = rows.reference, cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (4,), 3, np.float64)
    for name in operands:
        for dtype in (complex, object, np.longdouble, "U5", "M8[s]"):
            if (
                reference.operand(name).kind in ("index", "target", "list")
                and dtype in (object, "U5")
                and rows.kind in ("index", "list")
            ):
                continue
            with pytest.raises(TypeError, match=name):
                loss(**{**operands, name: np.zeros(operands[name].shape, dtype)})
    if rows.kind in ("index", "list"):
        name = reference.target.name
        with pytest.raises(TypeError, match=r"target.*integer.*bool"):
            loss(**{**operands, name: np.zeros(operands[name].shape, bool)})
