"""Reductions of row-wise losses: denominators, weights, masks, ignored rows, gradients flowing in."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from references.row_reductions import RowLoss

REDUCTIONS = ("none", "mean", "sum", "batchmean")
SHAPES = [((31,), 10), ((3, 5), 4), ((6,), 77), ((2, 3, 4), 5)]


def _sample_weights(shape, rng):
    """None, one for each row, one for each of the leading axis, stretched, and some that are 0."""
    yield None
    full = rng.uniform(0, 2, shape)
    full[rng.random(shape) < 0.2] = 0
    yield full
    yield rng.uniform(0.5, 2, shape[:1])
    yield rng.integers(0, 3, (shape[0],) + (1,) * (len(shape) - 1))


def _masks(shape, rng):
    yield None
    mask = rng.random(shape) < 0.7
    mask.flat[0] = True
    yield mask
    yield np.arange(shape[0]) % 2 == 0


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_every_reduction_with_weights_and_masks(rows, dtype):
    for shape, classes in SHAPES:
        rng = cases.seed(rows, shape, "reductions")
        for present in rows_cases.presences(rows.reference):
            operands = rows_cases.draw(rows, rng, shape, classes, dtype, axis=1, present=present, ignored=0.2)
            for sample_weight, where in itertools.product(_sample_weights(shape, rng), _masks(shape, rng)):
                call = {"sample_weight": sample_weight, "where": where}
                call = {k: v for k, v in call.items() if v is not None}
                what = f"{shape} {present} {[(k, v.shape) for k, v in call.items()]}"
                rows_cases.check(rows, operands, dtype, what, reductions=REDUCTIONS, **call)


@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_options_meet_weights_and_masks(rows):
    for shape, classes in SHAPES[:2]:
        rng = cases.seed(rows, shape, "options")
        operands = rows_cases.draw(rows, rng, shape, classes, np.float64, axis=1, ignored=0.2)
        call = {"sample_weight": rng.uniform(0, 2, shape), "where": rng.random(shape) < 0.8}
        rows_cases.check(rows, operands, np.float64, f"{shape}", reductions=REDUCTIONS, **call)


@pytest.mark.parametrize("normalizer", [1, 2.5, 1000, "count", "weight"])
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_normalizer(rows, normalizer):
    for present in rows_cases.presences(rows.reference):
        rng = cases.seed(rows, normalizer, present)
        operands = rows_cases.draw(rows, rng, (29,), 6, np.float64, present=present, ignored=0.2)
        for call in ({}, {"sample_weight": rng.uniform(0, 2, 29)}, {"where": rng.random(29) < 0.6}):
            rows_cases.check(
                rows, operands, np.float64, f"{present} {call}", reductions=("mean",), normalizer=normalizer, **call
            )


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_normalizer_needs_a_mean(rows):
    operands = rows_cases.draw(rows, cases.seed(rows), (4,), 3, np.float64)
    for reduction in ("none", "sum", "batchmean"):
        with pytest.raises(ValueError, match="normalizer"):
            cases.loss(rows.loss)(**operands, reduction=reduction, normalizer=2)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_a_gradient_flows_in(rows, dtype):
    loss = cases.loss(rows.loss)
    for shape, classes in SHAPES:
        rng = cases.seed(rows, shape, "flow")
        operands = rows_cases.draw(rows, rng, shape, classes, dtype, axis=1, ignored=0.2)
        names = rows_cases.wrt(rows, operands)
        exact_rows = RowLoss(rows.reference, operands)
        weights = rng.uniform(0, 2, shape)
        flows = [("none", rng.standard_normal(shape).astype(dtype)), ("none", -2.5), ("mean", 3.0), ("sum", -0.125)]
        for reduction, flow in flows:
            exact = exact_rows.reduce(reduction, sample_weight=weights, grad_output=flow)
            got = loss.value_and_grad(
                **operands, reduction=reduction, wrt=names, grad_output=flow, sample_weight=weights
            )
            plain = loss(**operands, reduction=reduction, sample_weight=weights)
            np.testing.assert_array_equal(got[0], plain)
            for name, gradient in zip(names, got[1], strict=True):
                rows_cases.assert_close(
                    rows, gradient, exact.gradients[name], exact.magnitudes[name], dtype, f"{reduction} {name}"
                )


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_a_gradient_of_zero_flowing_in_silences_everything(rows):
    operands = rows_cases.draw(rows, cases.seed(rows), (3,), 4, np.float64)
    operands[rows.reference.first][1] = np.nan
    gradient = cases.loss(rows.loss).grad(**operands, reduction="none", grad_output=[1.0, 0.0, 2.0])
    assert (gradient[1] == 0).all()
    assert np.isfinite(gradient).all()


INDEX = [rows for rows in rows_cases.kinds() if rows.kind == "index"]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", INDEX, ids=str)
def test_ignored_rows(rows, dtype):
    for ignore_index, (shape, classes) in itertools.product((-100, -1, 2, 0, 255, 2**40), SHAPES):
        rng = cases.seed(rows, ignore_index, shape)
        operands = rows_cases.draw(rows, rng, shape, classes, dtype, axis=1)
        labels = operands[rows.reference.target.name]
        labels[rng.random(shape) < 0.4] = ignore_index
        what = f"{shape} {ignore_index}"
        rows_cases.check(rows, operands, dtype, what, reductions=REDUCTIONS, ignore_index=ignore_index)


@pytest.mark.parametrize("rows", INDEX, ids=str)
def test_an_ignored_class_stays_a_class(rows):
    """ignore_index inside [0, C): its rows count nowhere, its scores take part in the other rows."""
    operands = rows_cases.draw(rows, cases.seed(rows), (40,), 5, np.float64)
    labels = operands[rows.reference.target.name]
    loss = cases.loss(rows.loss)
    ignored = loss.value_and_grad(**operands, ignore_index=2)
    masked = loss.value_and_grad(**operands, where=labels != 2)
    np.testing.assert_allclose(ignored[0], masked[0], rtol=1e-15)
    np.testing.assert_allclose(ignored[1], masked[1], rtol=1e-15, atol=1e-18)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_what_does_not_count_may_hold_anything(rows, poison):
    reference, loss = rows.reference, cases.loss(rows.loss)
    for shape, classes in (((25,), 6), ((25,), 60), ((5, 5), 6)):
        rng = cases.seed(rows, poison, shape)
        clean = rows_cases.draw(rows, rng, shape, classes, np.float32, axis=1)
        out = np.zeros(shape, bool)
        out.flat[[0, 3, 7, 24]] = True
        dirty = {k: v.copy() for k, v in clean.items()}
        np.moveaxis(dirty[reference.first], 1, -1)[out] = poison
        ways = [{"where": ~out}]
        if rows.kind == "index":
            ways.append({})
        if rows.kind == "list":
            np.moveaxis(dirty[reference.target.name], 1, -1)[out] = 2**40
        for name in rows.distributions:
            np.moveaxis(dirty[name], 1, -1)[out] = poison
        for call, reduction in itertools.product(ways, REDUCTIONS):
            if not call:
                for operands in (clean, dirty):
                    operands[reference.target.name][out] = -100
            else:
                call = {**call, "sample_weight": np.where(out, poison, 1.5).astype(np.float32)}
            # Silence, as errstate(nonfinite="raise") hears it.
            with fl.errstate(nonfinite="raise"):
                names = rows_cases.wrt(rows, dirty)
                expected = loss.value_and_grad(**clean, **call, reduction=reduction, wrt=names)
                got = loss.value_and_grad(**dirty, **call, reduction=reduction, wrt=names)
            np.testing.assert_array_equal(got[0], expected[0], strict=True)
            for one, other in zip(got[1], expected[1], strict=True):
                np.testing.assert_array_equal(one, other, strict=True)
            if reduction == "none":
                assert (got[0][out] == 0).all()
            assert (np.moveaxis(got[1][0], 1, -1)[out] == 0).all()
            for second in (
                loss.hess(**dirty, **call, reduction=reduction),
                loss.hvp(**dirty, **call, reduction=reduction, vector=dirty[reference.first]),
            ):
                assert np.isfinite(second).all()
                assert (np.moveaxis(second, 1, -1)[out] == 0).all()


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_a_masked_row_may_have_any_label(rows):
    if rows.kind not in ("index", "list"):
        assert rows.distributions
        return
    operands = rows_cases.draw(rows, cases.seed(rows), (4,), 3, np.float64)
    operands[rows.reference.target.name][1] = 77
    loss = cases.loss(rows.loss)
    value, gradient = loss.value_and_grad(**operands, where=[True, False, True, True])
    assert np.isfinite(value)
    assert (gradient[1] == 0).all()
    with pytest.raises(IndexError, match="77"):
        loss(**operands)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_nothing_counts(rows, dtype):
    reference, loss = rows.reference, cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (6,), 5, dtype)
    names = rows_cases.wrt(rows, operands)
    ways = [{"where": np.zeros(6, bool)}, {"where": np.array(False)}, {"sample_weight": np.zeros(6)}]
    if rows.kind == "index":
        ways.append({"ignore_index": -100, reference.target.name: np.full(6, -100)})
    for way in ways:
        arguments = {**operands, **way}
        value, gradients = loss.value_and_grad(**arguments, wrt=names)
        assert np.isnan(value)
        for gradient in gradients:
            assert (gradient == 0).all()
        assert (loss.hess(**arguments) == 0).all()
        assert (loss.hvp(**arguments, vector=operands[reference.first]) == 0).all()
        assert loss(**arguments, reduction="sum") == 0
        assert loss(**arguments, reduction="batchmean") == 0
        assert (loss(**arguments, reduction="none") == 0).all()
        with fl.errstate(empty="zero"):
            assert loss(**arguments) == 0
        with fl.errstate(empty="raise"), pytest.raises(ValueError, match=rows.loss):
            loss(**arguments)


WEIGHED = [rows for rows in INDEX if rows.reference.weight and rows.reference.share == "weight"]


@pytest.mark.parametrize("rows", WEIGHED, ids=str)
def test_weights_of_zero_are_an_empty_mean(rows):
    loss, weight = cases.loss(rows.loss), rows.reference.weight
    operands = rows_cases.draw(rows, cases.seed(rows), (6,), 5, np.float64)
    operands[rows.reference.target.name][:] = [0, 1, 0, 1, 0, 0]
    operands[weight] = np.array([0.0, 0.0, 1.0, 2.0, 3.0])
    value, gradients = loss.value_and_grad(**operands, wrt=rows_cases.wrt(rows, operands))
    assert np.isnan(value)
    for gradient in gradients:
        assert (gradient == 0).all()
    assert loss(**operands, reduction="sum") == 0


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_whole_sample_weights_repeat_rows(rows):
    loss = cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (20,), 7, np.float64)
    count = np.random.default_rng(3).integers(0, 4, 20)
    per_row = [n for n in operands if rows.reference.operand(n).kind not in ("weight", "per_class")]
    repeated = {k: np.repeat(v, count, axis=0) if k in per_row else v for k, v in operands.items()}
    for reduction in ("mean", "sum"):
        value = loss(**operands, reduction=reduction, sample_weight=count)
        assert value == pytest.approx(loss(**repeated, reduction=reduction), rel=1e-13)


@pytest.mark.parametrize(("gap", "weight"), [(1e30, 1e10), (-68.0, 1e-20), (1e20, 1e-30)])
@pytest.mark.parametrize("weighed", ["sample_weight", "weight", "z_loss"])
def test_only_the_weight_takes_a_loss_out_of_the_range_of_its_dtype(gap, weight, weighed):
    for classes in (2, 40):
        scores = np.full((5, classes), -200 + min(gap, 0), np.float32)
        scores[:, 0], scores[:, 1] = 0, gap
        if gap > 0:
            scores = scores - np.float32(gap)
        target = np.zeros(5, int)
        more = {"z_loss": 0.5} if weighed == "z_loss" else {}
        call = {"weight": np.full(classes, weight)} if weighed == "weight" else {"sample_weight": np.full(5, weight)}
        want, slope = fl.cross_entropy.value_and_grad(scores, target, **more)
        value, gradient = fl.cross_entropy.value_and_grad(scores, target, **more, **call)
        assert 0 < want < np.inf
        assert value == pytest.approx(float(want), rel=1e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-38)
        assert fl.cross_entropy(scores, target, **more, **call) == value


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_the_mean_of_many_rows(rows):
    count, loss = 300_000, cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (3000,), 10, np.float32)
    per_class = {o.name for o in rows.reference.operands if o.kind in ("weight", "per_class")}
    many = {k: v if k in per_class else np.tile(v, (count // 3000,) + (1,) * (v.ndim - 1)) for k, v in operands.items()}
    want = RowLoss(rows.reference, operands).reduce()
    assert abs(float(loss(**many)) - want.value) <= 1e-6 * want.magnitudes["value"]
    value, gradient = loss.value_and_grad(**many, wrt=rows_cases.wrt(rows, many)[-1])
    assert value == loss(**many)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_errstate_nonfinite(rows):
    loss, first = cases.loss(rows.loss), rows.reference.first
    operands = rows_cases.draw(rows, cases.seed(rows), (40,), 12, np.float64)
    with fl.errstate(nonfinite="raise"):
        loss.value_and_grad(**operands)
        operands[first][7] = np.nan
        for reduction in REDUCTIONS:
            with pytest.raises(ValueError, match=rows.loss):
                loss.value_and_grad(**operands, reduction=reduction)
    assert np.isnan(loss(**operands))
