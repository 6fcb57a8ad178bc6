"""Row-wise losses give the same bits at any number of threads, and the same value with its gradient as without."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases

TEAMS = (1, 2, 3, 7)
# Many short rows; many rows of many classes; few very long ones; classes that do not lie side by side.
SHAPES = [((60_000,), 10, 1), ((900,), 1000, 1), ((3,), 200_000, 1), ((1,), 400_000, 1), ((4, 100, 90), 21, 1)]
CALLS = {
    "mean": lambda shape: {},
    "none": lambda shape: {"reduction": "none"},
    "weights": lambda shape: {"sample_weight": np.linspace(0.1, 3.3, shape[0])},
    "mask": lambda shape: {"where": np.arange(shape[0]) % 5 != 1, "reduction": "sum"},
}


def _operands(rows, shape, classes, dtype, axis):
    """One stretch of rows again and again: drawing takes longer than all calls."""
    first, rest = shape[0], shape[1:]
    few = min(first, 500)
    drawn = rows_cases.draw(rows, cases.seed(rows, shape), (few, *rest), classes, dtype, axis=axis, ignored=0.05)
    per_class = {o.name for o in rows.reference.operands if o.kind in ("weight", "per_class")}
    copies = -(-first // few)
    return {k: v if k in per_class else np.concatenate([v] * copies)[:first] for k, v in drawn.items()}


def _results(rows, operands, second, **call):
    loss, names = cases.loss(rows.loss), rows_cases.wrt(rows, operands)
    value, gradients = loss.value_and_grad(**operands, **rows.given, wrt=names, **call)
    found = [value, *gradients]
    if second:
        found.append(loss.hess(**operands, **rows.given, **call))
        found.append(loss.hvp(**operands, **rows.given, vector=operands[rows.reference.first], **call))
    return found


def _same(one, other, what):
    for k, (x, y) in enumerate(zip(one, other, strict=True)):
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), f"{what}: result {k}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_bits_do_not_depend_on_the_team(rows, dtype, call):
    for shape, classes, axis in SHAPES:
        operands, expected = _operands(rows, shape, classes, dtype, axis), None
        arguments = {**CALLS[call](shape), "axis": axis}
        for team in TEAMS:
            with fl.threads(team):
                got = _results(rows, operands, call == "mean", **arguments)
                assert fl._core.last_team_size() == team or shape[0] < 4
            expected = got if expected is None else expected
            _same(got, expected, f"{shape} {classes} {team} threads")


@pytest.mark.parametrize("rows", [r for r in rows_cases.settings() if r.options], ids=str)
def test_bits_of_options_do_not_depend_on_the_team(rows):
    for shape, classes, axis in (SHAPES[0], SHAPES[2]):
        operands, expected = _operands(rows, shape, classes, np.float64, axis), None
        for team in (1, 2, 7):
            with fl.threads(team):
                got = _results(rows, operands, True, axis=axis)
            expected = got if expected is None else expected
            _same(got, expected, f"{shape} {team} threads")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_the_value_alone_has_the_bits_of_value_and_grad(rows, dtype, use_isa):
    loss = cases.loss(rows.loss)
    small = [((1,), 1), ((5,), 3), ((33,), 10), ((64,), 16), ((7,), 21), ((9,), 100), ((3,), 9000), ((2, 3, 5), 6)]
    for isa, (shape, classes), axis in itertools.product(cases.ISAS, small, (1, -1)):
        use_isa(isa)
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.1)
        for reduction in ("none", "mean", "sum"):
            call = {**operands, **rows.given, "axis": axis, "reduction": reduction}
            value = loss(**call)
            what = f"{isa} {shape} {classes} {axis} {reduction}"
            for names in ("input", rows_cases.wrt(rows, operands), rows_cases.wrt(rows, operands)[-1:]):
                again, gradient = loss.value_and_grad(**call, wrt=names)
                _same([again], [value], what)
                alone = loss.grad(**call, wrt=names)
                gradient, alone = ((x,) if names == "input" else x for x in (gradient, alone))
                _same(alone, gradient, what)
            if rows.reference.reference == "log_sum_exp":
                beside, _ = loss(**call, return_="prediction")
                _same([beside], [value], what)


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_instruction_sets_agree(rows, use_isa):
    operands = rows_cases.draw(rows, cases.seed(rows), (3001,), 10, np.float32)
    values = []
    for isa in cases.ISAS:
        use_isa(isa)
        values.append(cases.loss(rows.loss)(**operands))
    size = np.mean(np.abs(cases.loss(rows.loss)(**operands, reduction="none")))
    np.testing.assert_allclose(values, values[:1] * len(values), rtol=0, atol=2e-6 * size)


def test_calls_from_many_python_threads():
    rng = cases.seed("many threads")
    z, t = rng.standard_normal((2000, 50)), rng.integers(0, 50, 2000)
    expected = fl.cross_entropy.value_and_grad(z, t)
    failures = []

    def work():
        for _ in range(20):
            value, gradient = fl.cross_entropy.value_and_grad(z, t)
            if value != expected[0] or not np.array_equal(gradient, expected[1]):
                failures.append(value)

    team = [threading.Thread(target=work) for _ in range(8)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert failures == []
