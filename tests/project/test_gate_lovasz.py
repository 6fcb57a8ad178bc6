"""The completeness gate of Lovász losses: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from project.test_gate_regions import losses_of
from references import LOVASZ_REFERENCES, lovasz_draws
from references.lovasz_schema import LovaszReference

INFOS = {name: info for name, info in fl.losses().items() if info.engine == "lovasz"}
# The tests that try every loss.
LOVASZ_TESTS = {
    "test_values": ("test_values_and_gradients_of_every_option", "test_the_shape_of_the_units"),
    "test_degenerate": ("test_images_of_which_every_pixel_is_ignored_count_nowhere", "test_arrays_of_nothing"),
    "test_gradients": ("test_gradients_are_those_of_finite_differences",),
    "test_layouts": (
        "test_equal_errors_keep_their_order_in_every_layout",
        "test_gradients_in_place_of_operands",
        "test_the_same_bits_with_any_number_of_threads",
    ),
}


def incomplete_lovasz_reference(info, reference: LovaszReference):
    """What a reference lacks of the Lovász loss that is registered under its name."""
    problems = []
    if tuple(o.name for o in info.operands) != ("input", "target"):
        problems.append(f"operands {[o.name for o in info.operands]}")
    if reference.has_classes != info.operands[1].class_index:
        problems.append("whether targets are class indices")
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
    return problems


def idle_lovasz_options(info, compute=None):
    """Options that change neither the value nor the gradient, whatever they are set to."""
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options))
    reference, rng = LOVASZ_REFERENCES[info.name], cases.seed(info.name, "idle")
    if reference.has_classes:
        operands = lovasz_draws.classes(rng, (3, 4, 20))
        operands["target"] %= 3  # a class is absent
    else:
        operands = lovasz_draws.mask(rng, (3, 20))
    idle = []
    for name, values in reference.options.items():
        for value in values:
            plain = compute(getattr(fl, info.name), operands, {})
            changed = compute(getattr(fl, info.name), operands, {name: value})
            if all(np.array_equal(x, y) for x, y in zip(plain, changed, strict=True)):
                idle.append(f"{name}={value!r}")
    return idle


@pytest.mark.parametrize("name", INFOS)
def test_every_lovasz_reference_is_complete(name):
    assert incomplete_lovasz_reference(INFOS[name], LOVASZ_REFERENCES[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_every_option_of_a_lovasz_loss_changes_something(name):
    assert idle_lovasz_options(INFOS[name]) == []


def test_every_lovasz_loss_is_tested():
    assert INFOS
    assert {call.loss for call in calls() if isinstance(call, ADAPTERS["lovasz"])} == set(INFOS)
    for module, tests in LOVASZ_TESTS.items():
        for test in tests:
            found = losses_of(getattr(importlib.import_module(f"engines.lovasz.{module}"), test))
            assert found == set(INFOS), f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_lovasz_reference():
    info, whole = INFOS["lovasz_softmax_loss"], LOVASZ_REFERENCES["lovasz_softmax_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "classes": "all"}},
        "values of classes": {"options": {**whole.options, "classes": ("present",)}},
        "whether targets are class indices": {"has_classes": False},
    }
    for problem, change in broken.items():
        assert incomplete_lovasz_reference(info, dataclasses.replace(whole, **change)) == [problem]


def test_the_gate_sees_an_idle_option_of_a_lovasz_loss():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands)

    expected = ["from_logits=True", "per_image=True", "classes='all'"]
    assert idle_lovasz_options(INFOS["lovasz_softmax_loss"], deaf) == expected
