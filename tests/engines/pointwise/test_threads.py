"""The same bits at any number of threads where gradients are sums of broadcast operands, or nothing is contiguous."""

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
def _drawn(name, dtype):
    # One stretch of numbers again and again: drawing takes longer than all calls.
    operands = cases.sample(REFERENCES[name], cases.seed(name, "threads"), 40_009, dtype)
    operands = {k: np.resize(v, (ROWS, COLUMNS)) for k, v in operands.items()}
    for x in operands.values():
        x.flags.writeable = False
    return operands


def _call(name, dtype, broadcast="full"):
    reference = REFERENCES[name]
    operands = dict(_drawn(name, dtype))
    if broadcast == "large":  # more sums than every thread gets a copy of
        operands = {k: v.reshape(ROWS // 10, 10 * COLUMNS) for k, v in operands.items()}
    if broadcast != "full":
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
ALL_WAYS = list(itertools.product(("small", "large"), KINDS))
FEW_WAYS = [("small", (np.float64, "weights")), ("large", (np.float32, "mean"))]
WAYS = [(name, *way) for name in cases.NAMES for way in (ALL_WAYS if name in cases.REPRESENTATIVES else FEW_WAYS)]


@pytest.mark.parametrize(("name", "broadcast", "kind"), WAYS)
def test_bits_do_not_depend_on_the_team(name, broadcast, kind):
    dtype, call = kind
    operands = _call(name, dtype, broadcast)
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


def test_the_setting_belongs_to_its_context():
    before, seen = fl.get_num_threads(), []
    with fl.threads(5):
        worker = threading.Thread(target=lambda: seen.append(fl.get_num_threads()))
        worker.start()
        worker.join()
        assert fl.get_num_threads() == 5
    assert fl.get_num_threads() == before
    assert seen == [before]
