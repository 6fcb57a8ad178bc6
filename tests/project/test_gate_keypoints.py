"""The completeness gate of losses of keypoints: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss, KeypointReference

INFOS = {name: info for name, info in fl.losses().items() if info.engine == "keypoint"}
OPERANDS = ("input", "target", "area", "sigmas", "visible")
# The tests that try every loss: of values and gradients, of degenerate instances, with torch.
KEYPOINT_TESTS = {
    "test_values": ("test_values_and_gradients_of_every_option", "test_golden_values"),
    "test_degenerate": ("test_what_is_not_visible_is_not_seen", "test_a_number_that_is_missing"),
    "test_bad_calls": ("test_sigmas_are_checked_in_every_call",),
    "test_gradients": ("test_gradients_are_those_of_finite_differences",),
    "test_torch": ("test_values_and_gradients_are_those_of_the_published_formulas",),
}


def incomplete_keypoint_reference(info, reference: KeypointReference):
    """What a reference lacks of the loss of keypoints that is registered under its name."""
    problems = []
    if tuple(o.name for o in info.operands) != OPERANDS:
        problems.append(f"operands {[o.name for o in info.operands]}")
    for operand in info.operands:
        if operand.differentiable != (operand.name in KeypointLoss.names):
            problems.append(f"gradient in {operand.name}")
        outside = reference.outside.get(operand.name)
        if bool(operand.domain) != (outside is not None):
            problems.append(f"number outside the domain of {operand.name}")
        elif operand.domain and cases.Domain.parse(operand.domain).contains(outside):
            problems.append(f"outside of {operand.name}, which is inside")
    if not reference.golden:
        problems.append("golden numbers")
    if dict(reference.defaults) != dict(info.defaults):
        problems.append("defaults")
    problems += [
        f"values of {o.name}" for o in info.options if not set(reference.options.get(o.name, ())) - {o.default}
    ]
    if reference.torch is None:
        problems.append("the published formula")
    return problems


def idle_keypoint_options(info, compute=None):
    """Options that change neither the value nor a gradient, whatever they are set to."""
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options))
    operands = keypoint_draws.ordinary(cases.seed(info.name, "idle"), (200,), 17)
    operands["area"][::2] = 0
    operands["input"][::2] = operands["target"][::2] + 1e-6
    idle = []
    for name, values in KEYPOINT_REFERENCES[info.name].options.items():
        plain = compute(getattr(fl, info.name), operands, {})
        for value in values:
            changed = compute(getattr(fl, info.name), operands, {name: value})
            if all(np.array_equal(x, y) for x, y in zip(plain, changed, strict=True)):
                idle.append(f"{name}={value!r}")
    return idle


def losses_of(function):
    """The losses that a test is parameterised with, each without conditions."""
    found = set()
    for mark in function.pytestmark:
        assert mark.name not in {"skip", "skipif", "xfail"}, f"{function.__name__} is marked {mark.name}"
        if mark.name == "parametrize" and mark.args[0] == "name":
            found |= set(mark.args[1])
    return found


@pytest.mark.parametrize("name", INFOS)
def test_every_keypoint_reference_is_complete(name):
    assert incomplete_keypoint_reference(INFOS[name], KEYPOINT_REFERENCES[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_every_option_of_a_loss_of_keypoints_changes_something(name):
    assert idle_keypoint_options(INFOS[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_numbers_outside_of_domains_are_refused(name):
    operands = keypoint_draws.ordinary(cases.seed(name, "outside"), (5,), 17)
    for operand, outside in KEYPOINT_REFERENCES[name].outside.items():
        with fl.errstate(domain="raise"), pytest.raises(ValueError, match=f"{name}: {operand} must be"):
            cases.loss(name)(**{**operands, operand: np.full_like(operands[operand], outside)})


def test_every_loss_of_keypoints_is_tested():
    assert INFOS
    assert {call.loss for call in calls() if isinstance(call, ADAPTERS["keypoint"])} == set(INFOS)
    for module, tests in KEYPOINT_TESTS.items():
        for test in tests:
            found = losses_of(getattr(importlib.import_module(f"engines.keypoint.{module}"), test))
            assert found == set(INFOS), f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_keypoint_reference():
    info, whole = INFOS["oks_loss"], KEYPOINT_REFERENCES["oks_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {"eps": 0.5}},
        "values of eps": {"options": {"eps": (1e-9,)}},
        "the published formula": {"torch": None},
        "number outside the domain of area": {"outside": {"sigmas": 0.0, "visible": -0.5}},
        "outside of visible, which is inside": {"outside": {**whole.outside, "visible": 0.5}},
    }
    for problem, change in broken.items():
        assert incomplete_keypoint_reference(info, dataclasses.replace(whole, **change)) == [problem]
    first, target, *rest = info.operands
    fixed = dataclasses.replace(info, operands=(first, dataclasses.replace(target, differentiable=False), *rest))
    assert incomplete_keypoint_reference(fixed, whole) == ["gradient in target"]


def test_the_gate_sees_an_idle_option_of_a_loss_of_keypoints():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands)

    expected = [f"eps={value!r}" for value in KEYPOINT_REFERENCES["oks_loss"].options["eps"]]
    assert idle_keypoint_options(INFOS["oks_loss"], deaf) == expected


def test_the_gate_sees_a_loss_of_keypoints_that_a_test_leaves_out():
    @pytest.mark.parametrize("name", [])
    def test(name):
        pass

    assert losses_of(test) == set()
    with pytest.raises(AssertionError, match="xfail"):
        losses_of(pytest.mark.xfail(test))
