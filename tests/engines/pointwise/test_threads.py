"""The same bits at any number of threads, and calls from many threads at once."""

from __future__ import annotations

import functools
import itertools
import threading

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

TEAMS = (1, 2, 3, 7)
ROWS, COLUMNS = 600, 1001  # more blocks than threads, no multiple of a block


@functools.lru_cache(maxsize=4)
def _drawn(name, dtype, rows):
    # One stretch of numbers again and again: drawing takes longer than all calls.
    operands = cases.sample(REFERENCES[name], cases.seed(name, "threads"), 40_009, dtype)
    operands = {k: np.resize(v, (rows, COLUMNS)) for k, v in operands.items()}
    for x in operands.values():
        x.flags.writeable = False
    return operands


def _call(name, dtype, stretched="full", rows=ROWS):
    reference = REFERENCES[name]
    operands = dict(_drawn(name, dtype, rows))
    if stretched == "large":  # more sums than every thread gets a copy of
        operands = {k: v.reshape(rows // 10, 10 * COLUMNS) for k, v in operands.items()}
    if stretched != "full":
        for k, operand in enumerate(reference.operands[1:]):
            full = operands[operand.name]
            operands[operand.name] = (full[:1], full[:, :1], full[:1])[k % 3].copy()
    return operands


def _results(name, operands, **call):
    wrt = [n for n in operands if REFERENCES[name].operand(n).differentiable]
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt, **call)
    return value, *gradients


def _same(one, other, what):
    for x, y in zip(one, other, strict=True):
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), what


# Arguments for an input of so many rows.
CALLS = {
    "mean": lambda rows: {},
    "none": lambda rows: {"reduction": "none"},
    "weights": lambda rows: {"sample_weight": np.linspace(0.1, 3.3, rows)},
    "mask": lambda rows: {"where": np.arange(rows) % 5 > 0, "reduction": "sum"},
}


# The order of additions shows in float64; a float32 result is rounded from a sum in double and hides most of it.
KINDS = [(np.float64, call) for call in CALLS] + [(np.float32, "mean")]
ALL_WAYS = list(itertools.product(("full", "small", "large"), KINDS))
FEW_WAYS = [("full", (np.float64, "mask")), ("small", (np.float64, "weights")), ("large", (np.float32, "mean"))]
WAYS = [(name, *way) for name in cases.NAMES for way in (ALL_WAYS if name in cases.REPRESENTATIVES else FEW_WAYS)]


@pytest.mark.parametrize(("name", "stretched", "kind"), WAYS)
def test_bits_do_not_depend_on_the_team(name, stretched, kind):
    dtype, call = kind
    operands = _call(name, dtype, stretched)
    arguments, expected = CALLS[call](len(operands[REFERENCES[name].first])), None
    for team in TEAMS:
        with fl.threads(team):
            got = _results(name, operands, **arguments)
            assert fl._core.last_team_size() == team
        if expected is None:
            expected = got
        _same(got, expected, f"{team} threads")
    with fl.threads(7):
        assert cases.loss(name)(**operands, **arguments).tobytes() == np.asarray(expected[0]).tobytes()


@pytest.mark.parametrize("name", [n for n in cases.NAMES if cases.INFO[n].elementwise])
def test_bits_of_the_hessian_do_not_depend_on_the_team(name):
    operands = _call(name, np.float32)
    results = []
    for team in TEAMS:
        with fl.threads(team):
            results.append(cases.loss(name).grad_and_hess(**operands))
            assert fl._core.last_team_size() == team
    for got in results:
        _same(got, results[0], "grad_and_hess")


@pytest.mark.parametrize("name", cases.NAMES)
def test_strided_and_half_precision_work_is_shared_too(name):
    drawn = _call(name, np.float32)
    operands = {k: (v.astype(np.float16) if v.dtype.kind == "f" else v)[:, ::-1] for k, v in drawn.items()}
    results = []
    for team in TEAMS:
        with fl.threads(team):
            results.append(_results(name, operands))
            assert fl._core.last_team_size() == team
    for got in results:
        _same(got, results[0], "strided")


@pytest.mark.parametrize("name", cases.NAMES)
def test_small_work_stays_on_the_calling_thread(name):
    operands = cases.sample(REFERENCES[name], cases.seed(name), 64, np.float32)
    with fl.threads(7):
        cases.loss(name).value_and_grad(**operands)
        assert fl._core.last_team_size() == 1


def test_many_python_threads_at_once():
    names = list(cases.NAMES)[:: max(1, len(cases.NAMES) // 8)]
    calls = [_call(name, np.float32, rows=200) for name in names]
    expected = [_results(name, operands) for name, operands in zip(names, calls, strict=True)]
    failures, barrier = [], threading.Barrier(len(names))

    def work(i):
        try:
            barrier.wait()
            for team in (1, 3, 2, 1, 3):
                with fl.threads(team):
                    _same(_results(names[i], calls[i]), expected[i], names[i])
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(names))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures[0]


def test_the_setting_belongs_to_its_context():
    before, seen = fl.get_num_threads(), []
    with fl.threads(5):
        worker = threading.Thread(target=lambda: seen.append(fl.get_num_threads()))
        worker.start()
        worker.join()
        assert fl.get_num_threads() == 5
    assert fl.get_num_threads() == before
    assert seen == [before]
