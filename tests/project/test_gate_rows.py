"""The completeness gate of row-wise losses: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import rows_cases
from engines import ADAPTERS, calls
from references import ROW_REFERENCES
from references.rows_schema import GENERIC, RowReference


def incomplete_row_reference(info, reference: RowReference):
    """What a row-wise reference lacks of the loss that is registered under its name."""
    problems = []
    if list(reference.names) != [o.name for o in info.operands]:
        return [f"operands {list(reference.names)}"]
    for operand, described in zip(info.operands, reference.operands, strict=True):
        kind = described.kind
        flags = {
            "optional": described.optional,
            "differentiable": described.differentiable,
            "multiplies": kind == "weight",
            "class_index": kind in ("index", "target"),
            "class_list": kind == "list",
            "distribution": kind in ("distribution", "target", "logits"),
            "as_logits": kind == "logits",
            "per_class": kind in ("weight", "per_class"),
        }
        problems += [f"{flag} of {operand.name}" for flag, value in flags.items() if getattr(operand, flag) != value]
        if bool(operand.domain) != (described.outside is not None):
            problems.append(f"number outside the domain of {operand.name}")
        elif operand.domain and cases.Domain.parse(operand.domain).contains(described.outside):
            problems.append(f"outside of {operand.name}, which is inside")
    if not reference.golden:
        problems.append("golden numbers")
    if dict(reference.defaults) != dict(info.defaults):
        problems.append("defaults")
    for option in info.options:
        tried = set(reference.options.get(option.name, ()))
        if option.kind == "choice" and tried | {option.default} != set(option.choices):
            problems.append(f"choices of {option.name}")
        if not tried - {option.default}:
            problems.append(f"values of {option.name}")
    if info.kinks and (not reference.kinks or (reference.distance_to_kink is None and reference.parts is None)):
        problems.append("kinks")
    if reference.parts is None and None in (reference.value, reference.slope, reference.curve):
        problems.append("formula")
    in_target = reference.target.differentiable and reference.target.kind != "index"
    if in_target and reference.in_target is None and reference.parts is None:
        problems.append("gradient in the target")
    if reference.ulps > 8 and (not reference.reason or reference.ulps > 64):
        problems.append("bound without a reason, or above 64 ulp")
    return problems


def idle_row_options(info, compute=None):
    """Options of a row-wise loss that change neither the value nor the gradient, whatever they are set to."""
    reference, idle = ROW_REFERENCES[info.name], []
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options))
    for option in info.options:
        for value in reference.options.get(option.name, ()):
            if not any(
                _differ(info.name, compute, kind, others, {option.name: value})
                for others in ({}, *reference.combined_options)
                for kind in reference.kinds_of_target
            ):
                idle.append(f"{option.name}={value!r}")
    return idle


def _differ(name, compute, kind, others, changed):
    """Whether the call gives something else with the changed options."""
    reference = ROW_REFERENCES[name]
    without = {k: v for k, v in others.items() if k not in changed}
    rows = rows_cases.Rows(name, kind, tuple({**without, **changed}.items()))
    operands = rows_cases.draw(rows, cases.seed(name, "idle"), (30,), 7, np.float64)
    loss = cases.loss(name)
    default = {k: reference.defaults[k] for k in changed}
    one, other = (compute(loss, operands, {**without, **x}) for x in (default, changed))
    return not all(np.array_equal(x, y, equal_nan=True) for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize("name", rows_cases.NAMES)
def test_every_row_reference_is_complete(name):
    assert incomplete_row_reference(cases.INFO[name], ROW_REFERENCES[name]) == []


@pytest.mark.parametrize("name", rows_cases.NAMES)
def test_every_option_of_a_row_wise_loss_changes_something(name):
    assert idle_row_options(cases.INFO[name]) == []


def test_every_kind_of_row_wise_call_is_tested():
    """Each loss with each kind of target is a parameter of the tests of rows, and of those of every engine."""
    needed = {rows_cases.Rows(name, kind) for name in rows_cases.NAMES for kind in _kinds(cases.INFO[name])}
    assert needed
    assert needed <= {call.rows for call in calls() if isinstance(call, ADAPTERS["rowwise"])}
    for module, test in ROW_TESTS.items():
        assert needed <= _rows_of(getattr(importlib.import_module(f"engines.rowwise.{module}"), test)), (
            f"{module}.{test}"
        )


ROW_TESTS = {
    "test_values": "test_every_small_number_of_classes",
    "test_layouts": "test_every_shape_and_axis",
    "test_dtypes": "test_halves_are_storage_alone",
}


def _kinds(info):
    """Which targets the core says that it takes."""
    found = {
        "index": any(o.class_index for o in info.operands),
        "list": any(o.class_list for o in info.operands),
        "distribution": any(o.distribution and not o.as_logits for o in info.operands),
        "logits": any(o.as_logits for o in info.operands),
    }
    return [kind for kind, is_it in found.items() if is_it]


def _rows_of(function):
    """What a test is parameterised with."""
    found = set()
    for mark in function.pytestmark:
        assert mark.name not in {"skip", "skipif", "xfail", "needs"}, f"{function.__name__} is marked {mark.name}"
        if mark.name == "parametrize" and mark.args[0] == "rows":
            found |= set(mark.args[1])
    return found


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_row_reference():
    info, whole = cases.INFO["cross_entropy"], ROW_REFERENCES["cross_entropy"]
    score, target, weight = whole.operands
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "eps": 0.5}},
        "values of temperature": {"options": {k: v for k, v in whole.options.items() if k != "temperature"}},
        "formula": {"parts": None, "slope": None},
        "gradient in the target": {"parts": None, "in_target": None},
        "operands ['input', 'target']": {"operands": (score, target)},
        "optional of weight": {"operands": (score, target, dataclasses.replace(weight, optional=False))},
        "distribution of target": {"operands": (score, dataclasses.replace(target, kind="index"), weight)},
        "number outside the domain of input": {"operands": (dataclasses.replace(score, outside=-1.0), target, weight)},
        "bound without a reason, or above 64 ulp": {"ulps": 16.0},
    }
    for problem, change in broken.items():
        assert problem in incomplete_row_reference(info, dataclasses.replace(whole, **change)), problem


def test_the_gate_sees_an_idle_option_of_a_row_wise_loss():
    assert idle_row_options(cases.INFO["cross_entropy"], lambda loss, operands, options: loss.grad(**operands)) != []
    assert set(GENERIC) <= set(ROW_REFERENCES["cross_entropy"].defaults)
