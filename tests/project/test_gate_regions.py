"""The completeness gate of losses of regions: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from references import COMPOUND_REFERENCES, DISTANCE_REFERENCES, REGION_REFERENCES, region_draws
from references.region_compounds import CompoundReference
from references.region_compounds_torch import COMPOUND_PEERS
from references.regions_schema import RegionReference
from references.regions_torch import PEERS

COMPOUNDS = {name: info for name, info in fl.losses().items() if name in COMPOUND_REFERENCES}
INFOS = {name: info for name, info in fl.losses().items() if info.engine == "region" and name in REGION_REFERENCES}
ALL_REFERENCES = {**REGION_REFERENCES, **COMPOUND_REFERENCES}
ALL_PEERS = (*PEERS, *COMPOUND_PEERS)
# The tests that try every loss: of values and gradients, of empty masks, of missing numbers.
REGION_TESTS = {
    "test_values": ("test_values_and_gradients_of_every_option", "test_golden_values", "test_the_shape_of_the_units"),
    "test_degenerate": ("test_nothing_predicted_of_nothing", "test_masked_pixels_may_hold_anything"),
    "test_bad_calls": ("test_targets_of_other_shapes", "test_masks_of_other_numbers_than_0_and_1"),
    "test_gradients": ("test_gradients_are_those_of_finite_differences",),
    "test_layouts": ("test_the_same_bits_with_any_number_of_threads",),
}
# The same of sums of one with a loss of pixels.
COMPOUND_TESTS = {
    "test_compound": (
        "test_values_and_gradients_of_every_option",
        "test_golden_values",
        "test_it_is_the_sum_of_two_calls",
        "test_gradients_are_those_of_finite_differences",
    ),
    "test_compound_edges": (
        "test_nothing_is_left",
        "test_masked_pixels_may_hold_anything",
        "test_the_same_bits_with_any_number_of_threads",
        "test_inputs_are_logits",
    ),
}


def incomplete_region_reference(info, reference: RegionReference | CompoundReference, peers=ALL_PEERS):
    """What a reference lacks of the loss of regions that is registered under its name."""
    problems = []
    if tuple(o.name for o in info.operands) != reference.operands:
        problems.append(f"operands {[o.name for o in info.operands]}")
    for operand in info.operands:
        if operand.differentiable != (operand.name != "weight"):
            problems.append(f"gradient in {operand.name}")
    if not reference.golden:
        problems.append("golden numbers")
    if dict(reference.defaults) != dict(info.defaults):
        problems.append("defaults")
    for option in info.options:
        tried = set(reference.options.get(option.name, ()))
        if not tried - {option.default}:
            problems.append(f"values of {option.name}")
        elif isinstance(option.default, str) and tried | {option.default} != set(option.choices):
            problems.append(f"choices of {option.name}")
    if not any(peer.loss == info.name for peer in peers):
        problems.append("a published implementation")
    return problems


def idle_region_options(info, compute=None):
    """Options that change neither the value nor a gradient, whatever they are set to."""
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options))
    reference = ALL_REFERENCES[info.name]
    logits = reference.defaults["from_logits"] is True
    draws = ((3, 3, 20), "soft"), ((3, 3, 20), "index"), ((3, 1, 20), "mask")
    soft, *others = (
        region_draws.ordinary(cases.seed(info.name, "idle"), shape, 1, kind, from_logits=logits)
        for shape, kind in draws
    )
    soft["target"][1, 1] = 0  # a class that is absent
    given = {"from_logits": "softmax"} if logits else {}
    idle = []
    for name, values in reference.options.items():
        for value in values:
            # What stands for another choice where the target or the number of classes says which.
            by_target = name == "from_logits" and True in (value, reference.defaults[name])
            tries = [(operands, {}) for operands in others] if by_target else [(soft, given)]
            differs = False
            for operands, call in tries:
                plain = compute(getattr(fl, info.name), operands, call)
                changed = compute(getattr(fl, info.name), operands, {**call, name: value})
                differs |= any(not np.array_equal(x, y) for x, y in zip(plain, changed, strict=True))
            if not differs:
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


@pytest.mark.parametrize("name", [*INFOS, *COMPOUNDS])
def test_every_region_reference_is_complete(name):
    assert incomplete_region_reference(fl.losses()[name], ALL_REFERENCES[name]) == []


@pytest.mark.parametrize("name", [*INFOS, *COMPOUNDS])
def test_every_option_of_a_loss_of_regions_changes_something(name):
    assert idle_region_options(fl.losses()[name]) == []


def test_every_loss_of_regions_is_tested():
    assert {
        call.loss for call in calls() if isinstance(call, ADAPTERS["region"]) and call.loss not in DISTANCE_REFERENCES
    } == {*INFOS, *COMPOUNDS}
    for infos, modules in ((INFOS, REGION_TESTS), (COMPOUNDS, COMPOUND_TESTS)):
        assert infos
        for module, tests in modules.items():
            for test in tests:
                found = losses_of(getattr(importlib.import_module(f"engines.region.{module}"), test))
                assert found == set(infos), f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_region_reference():
    info, whole = INFOS["dice_loss"], REGION_REFERENCES["dice_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "smooth": 1.0}},
        "values of smooth": {"options": {**whole.options, "smooth": (1e-6,)}},
        "choices of absent": {"options": {**whole.options, "absent": ("zero",)}},
        "operands ['input', 'target', 'weight']": {"class_weights": lambda t, **options: t},
    }
    for problem, change in broken.items():
        assert incomplete_region_reference(info, dataclasses.replace(whole, **change)) == [problem]
    assert incomplete_region_reference(info, whole, ()) == ["a published implementation"]


def test_the_gate_sees_an_idle_option_of_a_loss_of_regions():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands)

    options = REGION_REFERENCES["dice_loss"].options
    expected = [f"{name}={value!r}" for name, values in options.items() for value in values]
    assert idle_region_options(INFOS["dice_loss"], deaf) == expected


def test_the_gate_sees_a_loss_of_regions_that_a_test_leaves_out():
    @pytest.mark.parametrize("name", [])
    def test(name):
        pass

    assert losses_of(test) == set()
    with pytest.raises(AssertionError, match="xfail"):
        losses_of(pytest.mark.xfail(test))
