"""The same bits at any number of threads, of every engine: the order of additions depends on shapes alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same_bits, everything
from engines import Shape, calls

CALLS = calls()
TEAMS = (1, 2, 7)
# Arguments for so many units on the first axis.
ARGUMENTS = {
    "mean": lambda units: {},
    "none": lambda units: {"reduction": "none"},
    "weights": lambda units: {"sample_weight": np.linspace(0.1, 3.3, units)},
    "mask": lambda units: {"where": np.arange(units) % 5 != 1, "reduction": "sum"},
}
# The order of additions shows in float64; a float32 result is rounded from a sum in double and hides most of it.
KINDS = [(np.float64, arguments) for arguments in ARGUMENTS] + [(np.float32, "mean")]
WAYS = [
    (call, *kind)
    for call in CALLS
    for kind in (KINDS if call.stands_for_others else KINDS[::2])
    if kind[1] != "none" or call.has_units
]


def _large(call, shape, dtype, **more):
    """One stretch of units again and again: drawing takes longer than all calls."""
    first, *rest = shape.units
    few = min(first, 50)
    drawn = call.draw(cases.seed(call, shape), Shape((few, *rest), shape.width), dtype, **more)
    return call.repeated(drawn, np.arange(first) % few)


@pytest.mark.parametrize(("call", "dtype", "arguments"), WAYS, ids=str)
def test_bits_do_not_depend_on_the_team(call, dtype, arguments):
    for shape in call.large_shapes:
        operands, expected = _large(call, shape, dtype), None
        given = ARGUMENTS[arguments](shape.units[0])
        for team in TEAMS:
            with fl.threads(team):
                got = everything(call, operands, second=arguments == "mean", **given)
                value = call.function(**operands, **given)
            expected = expected or got
            assert_same_bits(expected, got, f"{shape} {team} threads")
            assert np.asarray(value).tobytes() == np.asarray(got["value"]).tobytes(), shape


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_bits_of_options_do_not_depend_on_the_team(call):
    for shape in call.large_shapes[:1]:
        for options in call.option_sets():
            operands, expected = _large(call, shape, np.float64, options=options), None
            for team in (1, 3):
                with fl.threads(team):
                    got = everything(call, operands, **options)
                expected = expected or got
                assert_same_bits(expected, got, f"{options} {team} threads")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_large_work_is_shared_and_small_work_is_not(call):
    large, small = call.large_shapes[0], call.shapes[0]
    operands, few = _large(call, large, np.float32), call.draw(cases.seed(call), small, np.float32)
    for team in TEAMS:
        with fl.threads(team):
            call.function(**operands)
            assert fl._core.last_team_size() == team
            call.function(**few)
            assert fl._core.last_team_size() == 1


def test_many_python_threads_at_once():
    chosen = [*CALLS[:: max(1, len(CALLS) // 10)], CALLS[-1]]
    drawn = [call.draw(cases.seed(call, "at once"), call.large_shapes[0], np.float32) for call in chosen]
    expected = [everything(call, operands) for call, operands in zip(chosen, drawn, strict=True)]
    failures, barrier = [], threading.Barrier(len(chosen))

    def work(i):
        try:
            barrier.wait()
            for team in (1, 3, 2, 1, 3):
                with fl.threads(team):
                    assert_same_bits(expected[i], everything(chosen[i], drawn[i]), str(chosen[i]))
        except BaseException as error:
            failures.append(error)

    team = [threading.Thread(target=work, args=(i,)) for i in range(len(chosen))]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert failures == []
