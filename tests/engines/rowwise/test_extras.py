"""What a row-wise loss gives beside its value on request: lse, probabilities, prediction, correct or not."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from engines.adapter import FLOATS
from exact import rounded_once
from references.reductions import LONG
from references.row_statistics import log_sum_exp
from references.rows_schema import GENERIC, Logit

SOFTMAX = [rows for rows in rows_cases.settings() if rows.reference.reference == "log_sum_exp"]
PLAIN = [rows for rows in SOFTMAX if not rows.options]
ALL = ("lse", "probabilities", "prediction", "correct")
SHAPES = [
    ((37,), 3, 1),
    ((37,), 10, 1),
    ((5,), 100, 1),
    ((), 10, 0),
    ((3, 4), 21, 1),
    ((2, 3, 5), 4, -1),
    ((2,), 9000, 1),
]


def _exact(rows, operands, axis):
    """(log-sum-exp, probabilities) of the logits after the loss's transformation."""
    z = np.moveaxis(np.asarray(operands[rows.reference.first]), axis, -1).astype(LONG)
    matrix = z.reshape(-1, z.shape[-1])
    logit: Logit | None = rows.reference.logit
    if logit is not None:
        is_target = np.zeros(matrix.shape, bool)
        if rows.kind == "index":
            labels = np.asarray(operands[rows.reference.target.name]).reshape(-1, 1)
            np.put_along_axis(is_target, np.maximum(labels, 0), labels >= 0, axis=1)
        own = {o.name: operands[o.name] for o in rows.reference.operands if o.kind == "per_class"}
        options = {k: v for k, v in {**rows.reference.defaults, **rows.given}.items() if k not in GENERIC}
        matrix = logit.value(matrix, is_target=is_target, **own, **options)
    if rows.given.get("from_logits", True) is False:
        with np.errstate(divide="ignore"):
            matrix = np.log(matrix)
    with np.errstate(all="ignore"):
        row = log_sum_exp(matrix, None)
    return row.r.reshape(z.shape[:-1]), np.moveaxis(row.slope.reshape(z.shape), -1, axis), matrix.reshape(z.shape)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", SOFTMAX, ids=str)
def test_extras(rows, dtype):
    loss, eps = cases.loss(rows.loss), np.finfo(dtype).eps
    for shape, classes, axis in SHAPES:
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.1)
        wanted = ALL if rows.kind == "index" else ALL[:-1]
        lse, p, logits = _exact(rows, operands, axis)
        keep = operands[rows.reference.target.name] != rows_cases.IGNORED if rows.kind == "index" else True
        for call in (loss, loss.grad, loss.value_and_grad):
            plain = call(**operands, **rows.given, axis=axis)
            *results, extra = call(**operands, **rows.given, axis=axis, return_=wanted)
            plain = plain if isinstance(plain, tuple) else (plain,)
            for one, other in zip(results, plain, strict=True):
                np.testing.assert_array_equal(one, other, strict=True)
            assert list(extra) == list(wanted)
            assert extra["lse"].dtype == dtype
            assert extra["lse"].shape == shape
            size = np.abs(lse) + np.abs(logits).max(axis=-1)
            assert np.all(np.abs(extra["lse"] - lse) <= 8 * eps * (size + 1))
            assert extra["probabilities"].dtype == dtype
            assert extra["probabilities"].shape == operands[rows.reference.first].shape
            slack = 16 * eps * (1 + np.abs(logits - np.asarray(lse)[..., None]))
            error = np.abs(np.moveaxis(extra["probabilities"], axis, -1) - np.moveaxis(p, axis, -1))
            assert np.all(error <= slack * np.moveaxis(p, axis, -1) + np.finfo(dtype).smallest_subnormal)
            scores = np.moveaxis(np.asarray(operands[rows.reference.first]), axis, -1)
            prediction = np.argmax(scores, axis=-1)
            if rows.reference.logit is None or not any(o.kind == "per_class" for o in rows.reference.operands):
                np.testing.assert_array_equal(extra["prediction"], prediction)
            assert extra["prediction"].dtype == np.int64
            if rows.kind == "index":
                right = (extra["prediction"] == operands[rows.reference.target.name]) & keep
                np.testing.assert_array_equal(extra["correct"], right, strict=True)


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_each_extra_alone_and_every_pair(rows):
    loss = cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows), (20,), 7, np.float32)
    wanted = ALL if rows.kind == "index" else ALL[:-1]
    _, whole = loss(**operands, return_=wanted)
    for count in (1, 2, 3):
        for names in itertools.permutations(wanted, count):
            value, extra = loss(**operands, return_=names)
            assert value == loss(**operands)
            assert set(extra) == set(names)
            for name in names:
                np.testing.assert_array_equal(extra[name], whole[name], strict=True)
    for name in wanted:
        _, extra = loss(**operands, return_=name)
        assert list(extra) == [name]
        np.testing.assert_array_equal(extra[name], whole[name])
    assert loss(**operands, return_=()) == (loss(**operands), {})


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_ties_predict_the_first_class(rows):
    operands = rows_cases.draw(rows, cases.seed(rows), (3,), 40, np.float64)
    scores = operands[rows.reference.first]
    scores[0] = 0.5
    scores[1] = -np.inf
    scores[1, [7, 30]] = 2.0
    scores[2, [39, 38]] = 1e30
    _, extra = cases.loss(rows.loss)(**operands, return_="prediction")
    if not any(o.kind == "per_class" for o in rows.reference.operands):
        assert extra["prediction"].tolist() == [0, 7, 38]


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_of_rows_that_do_not_count(rows):
    operands = rows_cases.draw(rows, cases.seed(rows), (6,), 5, np.float64)
    loss = cases.loss(rows.loss)
    mask = np.array([True, False, True, False, True, True])
    wanted = ALL if rows.kind == "index" else ALL[:-1]
    _, whole = loss(**operands, return_=wanted)
    _, masked = loss(**operands, return_=wanted, where=mask)
    for name in ("lse", "probabilities", "prediction"):
        np.testing.assert_array_equal(masked[name][mask], whole[name][mask])
        if rows.reference.logit is None or not rows.reference.logit.of_target:
            np.testing.assert_array_equal(masked[name], whole[name])
    without = dict(operands)
    if rows.kind == "index":  # a row that does not count has no target
        without[rows.reference.target.name] = np.where(mask, operands[rows.reference.target.name], rows_cases.IGNORED)
    lse, p, logits = _exact(rows, without, 1)
    np.testing.assert_allclose(masked["lse"], lse.astype(float), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(masked["probabilities"], p.astype(float), rtol=1e-12)
    np.testing.assert_array_equal(masked["prediction"], logits.argmax(axis=1))
    if rows.kind == "index":
        np.testing.assert_array_equal(masked["correct"], whole["correct"] & mask)


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_of_halves_and_of_nothing(rows):
    loss = cases.loss(rows.loss)
    for dtype in (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)):
        drawn = rows_cases.draw(rows, cases.seed(rows), (6,), 5, np.float32)
        operands = {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in drawn.items()}
        _, extra = loss(**operands, return_=ALL[:-1])
        assert extra["lse"].dtype == np.float32
        assert extra["probabilities"].dtype == dtype
        _, wide = loss(**{k: v.astype("f4") if v.dtype == dtype else v for k, v in operands.items()}, return_=ALL[:-1])
        np.testing.assert_array_equal(extra["lse"], wide["lse"])
        np.testing.assert_array_equal(extra["probabilities"], wide["probabilities"].astype(dtype))
    operands = rows_cases.draw(rows, cases.seed(rows), (0,), 5, np.float32)
    _, extra = loss(**operands, return_=ALL[:-1], reduction="sum")
    assert (extra["lse"].shape, extra["probabilities"].shape, extra["prediction"].shape) == ((0,), (0, 5), (0,))


def test_bad_requests():
    z, t = np.zeros((2, 3)), np.array([0, 2])
    for bad, error in (("logits", ValueError), (("lse", "logits"), ValueError), (3, TypeError), ((1,), TypeError)):
        with pytest.raises(error, match="return_"):
            fl.cross_entropy(z, t, return_=bad)
    with pytest.raises(ValueError, match=r"correct.*class indices|class indices.*correct"):
        fl.cross_entropy(z, np.ones((2, 3)), return_="correct")
    with pytest.raises(TypeError, match="return_"):
        fl.mse_loss(z, z, return_="lse")


def _empty_like(extra, *, strided):
    """Arrays for the same results, filled with what does not belong there."""
    if not strided:
        return {name: np.full_like(array, 1) for name, array in extra.items()}
    return {name: np.ones((*array.shape, 2), array.dtype)[..., 0] for name, array in extra.items()}


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_into_given_arrays(rows):
    loss, wanted = cases.loss(rows.loss), ALL if rows.kind == "index" else ALL[:-1]
    for (shape, classes, axis), strided in itertools.product(SHAPES, (False, True)):
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, np.float32, axis=axis)
        value, extra = loss(**operands, axis=axis, return_=wanted)
        given = _empty_like(extra, strided=strided)
        again, found = loss(**operands, axis=axis, return_=given)
        assert again == value
        assert list(found) == list(given)
        for name in wanted:
            assert found[name] is given[name]
            np.testing.assert_array_equal(found[name], extra[name], strict=True)
        _, found = loss(**operands, axis=axis, return_={"lse": None, "probabilities": given["probabilities"]})
        np.testing.assert_array_equal(found["lse"], extra["lse"], strict=True)
        assert found["probabilities"] is given["probabilities"]


def _layouts(array):
    """Places for an array, each with elements that are not what belongs there: strides, alignment, byte orders."""

    def filled(place):
        place[...] = 1
        return place

    bytes_of = np.zeros(array.nbytes + 1, np.int8)
    yield "strided", filled(np.zeros((*array.shape, 2), array.dtype)[..., 1])
    yield "reversed", filled(np.zeros(array.shape, array.dtype)[::-1])
    yield "misaligned", filled(bytes_of[1:].view(array.dtype).reshape(array.shape))
    if array.dtype.kind in "iuf" and array.dtype != ml_dtypes.bfloat16:
        swapped = array.dtype.newbyteorder("S")
        yield "swapped", filled(np.zeros(array.shape, swapped))
        yield "swapped and strided", filled(np.zeros((*array.shape, 2), swapped)[..., 1])
        yield "swapped and misaligned", filled(bytes_of[1:].view(swapped).reshape(array.shape))


@pytest.mark.parametrize("dtype", [*cases.DTYPES, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_into_every_layout_and_byte_order(rows, dtype):
    loss, wanted = cases.loss(rows.loss), (*(ALL if rows.kind == "index" else ALL[:-1]), "log_probabilities")
    for shape, classes, axis in SHAPES[1:]:
        drawn = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, np.float32, axis=axis)
        operands = {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in drawn.items()}
        value, extra = loss(**operands, axis=axis, return_=wanted)
        for name in wanted:
            for how, place in _layouts(extra[name]) if shape else ():
                again, found = loss(**operands, axis=axis, return_={name: place})
                assert again == value
                assert found[name] is place
                np.testing.assert_array_equal(place, extra[name], err_msg=f"{name} {how}")


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_of_other_dtypes_are_refused_before_anything_is_written(rows):
    """Among them integers that do not hold every class."""
    loss, wanted = cases.loss(rows.loss), (*(ALL if rows.kind == "index" else ALL[:-1]), "log_probabilities")
    operands = rows_cases.draw(rows, cases.seed(rows), (4,), 1000, np.float32)
    _, extra = loss(**operands, return_=wanted)
    dtypes = [np.dtype(code) for code in "?bBhHiIlLqQefdFDSO"] + [np.dtype(ml_dtypes.bfloat16)]
    for name in wanted:
        for dtype in (d for kind in dtypes for d in (kind, kind.newbyteorder("S"))):
            if dtype.newbyteorder("=") in (FLOATS if extra[name].dtype in FLOATS else [extra[name].dtype]):
                continue
            given = {other: np.full_like(extra[other], 1) for other in wanted}
            given[name] = np.ones(extra[name].shape, dtype)
            gradient = np.full_like(operands[rows.reference.first], 7)
            with pytest.raises(TypeError, match=rf"{name}|return_"):
                loss.grad(**operands, out=gradient, return_=given)
            assert (gradient == 7).all()
            for other, array in given.items():
                assert (array == np.ones((), array.dtype)).all(), f"{other} {dtype}"


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_extras_of_another_floating_dtype_are_rounded_once(rows, dtype):
    loss, wanted = cases.loss(rows.loss), ("lse", "probabilities", "log_probabilities")
    operands = rows_cases.draw(rows, cases.seed(rows), (5,), 70, dtype)
    _, extra = loss(**operands, return_=wanted)
    for other in FLOATS:
        given = {name: np.ones(x.shape, other) for name, x in extra.items()}
        loss(**operands, return_=given)
        for name, array in given.items():
            np.testing.assert_array_equal(array, rounded_once(extra[name], other), err_msg=f"{name} {other}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", [rows for rows in SOFTMAX if rows.kind == "index"], ids=str)
def test_a_row_of_weight_zero_keeps_its_target(rows, dtype):
    """It counts nowhere; what is given beside the value is what it is with any other weight."""
    loss, wanted = cases.loss(rows.loss), (*ALL, "log_probabilities")
    for shape, classes, axis in SHAPES:
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.2)
        weight = np.asarray(cases.seed(rows, shape, "weight").integers(0, 2, shape), dtype)
        mask = np.asarray(cases.seed(rows, shape, "mask").random(shape) < 0.8)
        for given in ({}, {"where": mask}):
            call = {**operands, **rows.given, **given, "axis": axis, "return_": wanted}
            _, _, whole = loss.value_and_grad(**call, sample_weight=np.ones_like(weight))
            _, gradient, found = loss.value_and_grad(**call, sample_weight=weight)
            for name in wanted:
                np.testing.assert_array_equal(found[name], whole[name], err_msg=name, strict=True)
            assert (np.moveaxis(gradient, axis, -1)[weight == 0] == 0).all()
    right = fl.cross_entropy([[2.0, 1.0]], [0], sample_weight=[0.0], reduction="sum", return_=("prediction", "correct"))
    assert (right[0], right[1]["prediction"], right[1]["correct"]) == (0, [0], [True])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_a_result_in_the_place_of_an_operand_spoils_no_other(rows, dtype):
    loss, wanted = cases.loss(rows.loss), ALL if rows.kind == "index" else ALL[:-1]
    wanted = (*wanted, "log_probabilities")
    first = rows.reference.first
    for shape, classes, axis in [((50,), 10, 1), ((50,), 100, 1), ((3,), 40000, 1), ((200, 3), 21, 0)]:
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis)
        operands[first] = np.asarray(operands[first])
        names = rows_cases.wrt(rows, operands)
        value, gradients, extra = loss.value_and_grad(**operands, axis=axis, wrt=names, return_=wanted)
        for place in ("gradient", "probabilities", "log_probabilities"):
            own = {**operands, first: operands[first].copy()}
            out = [own[first] if place == "gradient" else None, *(None for _ in names[1:])]
            given = {name: own[first] if name == place else None for name in wanted}
            again, slopes, found = loss.value_and_grad(**own, axis=axis, wrt=names, out=out, return_=given)
            assert (slopes[0] if place == "gradient" else found[place]) is own[first]
            assert again == value
            for one, other in zip(slopes, gradients, strict=True):
                np.testing.assert_array_equal(one, other, err_msg=place)
            for name in wanted:
                np.testing.assert_array_equal(found[name], extra[name], err_msg=f"{place} {name}")


@pytest.mark.parametrize("rows", PLAIN, ids=str)
def test_only_gradients_accumulate(rows):
    loss, wanted = cases.loss(rows.loss), ALL if rows.kind == "index" else ALL[:-1]
    for (shape, classes, axis), dtype in itertools.product(SHAPES, cases.DTYPES):
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis)
        call = {"axis": axis, "reduction": "none"}
        value, gradient, extra = loss.value_and_grad(**operands, **call, return_=wanted)
        given, out = _empty_like(extra, strided=False), np.zeros_like(gradient)
        again, slope, found = loss.value_and_grad(**operands, **call, out=out, accumulate=True, return_=given)
        np.testing.assert_array_equal(again, value)
        np.testing.assert_array_equal(slope, gradient)
        for name in wanted:
            np.testing.assert_array_equal(found[name], extra[name], err_msg=name)


def test_bad_places():
    z, t = np.zeros((2, 3)), np.array([0, 2])
    calls = [
        ({"logits": None}, ValueError, "return_ must be 'lse'.* not 'logits'"),
        ({1: None}, TypeError, "return_ must be 'lse'.* not int"),
        ({"lse": 1.0}, TypeError, r"return_\['lse'\] must be a NumPy array, not float"),
        ({"lse": np.zeros(2, int)}, TypeError, "the array for 'lse' must have a floating dtype, got int64"),
        ({"lse": np.zeros(3)}, ValueError, r"the array for 'lse' must have shape \(2,\), got \(3,\)"),
        ({"prediction": np.zeros(2)}, TypeError, "the array for 'prediction' must have dtype int64"),
        ({"probabilities": z[:, ::-1]}, ValueError, "out overlaps input"),
        (
            dict.fromkeys(("probabilities", "log_probabilities"), np.zeros((2, 3))),
            ValueError,
            "two outputs in out share memory",
        ),
    ]
    for given, error, message in calls:
        with pytest.raises(error, match=f"^cross_entropy: {message}"):
            fl.cross_entropy(z, t, return_=given)
    with pytest.raises(ValueError, match=r"predicted class, and there is none: input has shape \(2, 0\)"):
        fl.cross_entropy(np.zeros((2, 0)), np.zeros((2, 0)), return_="prediction")
    assert (fl.cross_entropy(np.zeros((2, 0)), np.zeros((2, 0)), return_="lse")[1]["lse"] == -np.inf).all()
