"""The completeness gate of losses of boxes: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import CHOICES, BoxLoss, BoxReference, RotatedPair

INFOS = {name: info for name, info in fl.losses().items() if info.engine == "box"}
ROTATED = {name for name in INFOS if BOX_REFERENCES[name].rotated}
CORNERS = INFOS.keys() - ROTATED
# The tests that try every loss with every option: of values and gradients, of formats, of degenerate boxes, with torch.
BOX_TESTS = {
    ("test_values", "test_values_and_gradients_of_every_option"): INFOS.keys(),
    ("test_values", "test_golden_values"): INFOS.keys(),
    ("test_degenerate", "test_places_where_conventions_decide"): CORNERS,
    ("test_formats", "test_every_format_is_that_of_the_corners"): CORNERS,
    ("test_rotated", "test_places_where_conventions_decide"): ROTATED,
    ("test_gradients", "test_gradients_are_those_of_finite_differences"): INFOS.keys(),
    ("test_torch", "test_values_and_gradients_are_those_of_the_published_formulas"): INFOS.keys(),
}


def incomplete_box_reference(info, reference: BoxReference):
    """What a reference lacks of the loss of boxes that is registered under its name."""
    problems = []
    if [o.name for o in info.operands] != list(BoxLoss.names):
        problems.append(f"operands {[o.name for o in info.operands]}")
    if any(("rotated" in o.roles) != reference.rotated for o in info.operands):
        problems.append("what a box is")
    problems += [f"gradient in {o.name}" for o in info.operands if not o.differentiable or o.optional]
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
    if reference.torch is None:
        problems.append("the published formula")
    return problems


def idle_box_options(info, compute=None):
    """Options that change neither the value nor a gradient, whatever they are set to."""
    reference, idle = BOX_REFERENCES[info.name], []
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options, wrt=BoxLoss.names))
    operands = box_draws.ordinary_of(info.name, cases.seed(info.name, "idle"), (200,))
    for option in info.options:
        for value in reference.options.get(option.name, ()):
            changed = [
                _parts(compute(getattr(fl, info.name), operands, {**others, option.name: each}))
                for others in ({}, *reference.combined_options)
                for each in (option.default, value)
            ]
            if all(map(_equal, changed[::2], changed[1::2])):
                idle.append(f"{option.name}={value!r}")
    return idle


def _parts(result):
    value, gradients = result
    return [value, *gradients]


def _equal(one, other):
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(one, other, strict=True))


def losses_of(function):
    """The losses that a test is parameterised with, each without conditions."""
    found = set()
    for mark in function.pytestmark:
        assert mark.name not in {"skip", "skipif", "xfail"}, f"{function.__name__} is marked {mark.name}"
        if mark.name == "parametrize" and mark.args[0] == "name":
            found |= set(mark.args[1])
    return found


@pytest.mark.parametrize("name", INFOS)
def test_every_box_reference_is_complete(name):
    assert incomplete_box_reference(INFOS[name], BOX_REFERENCES[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_every_option_of_a_loss_of_boxes_changes_something(name):
    assert idle_box_options(INFOS[name]) == []


def test_formats_have_the_order_of_the_library():
    assert CORNERS
    for name, info in INFOS.items():
        assert ("fmt" in info.defaults) == (name in CORNERS)
        assert all(tuple(option.choices) == CHOICES for option in info.options if option.name == "fmt")


def test_every_loss_of_boxes_is_tested():
    assert {call.loss for call in calls() if isinstance(call, ADAPTERS["box"])} == set(INFOS)
    for (module, test), due in BOX_TESTS.items():
        assert losses_of(getattr(importlib.import_module(f"engines.box.{module}"), test)) == due, f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_box_reference():
    info, whole = INFOS["box_iou_loss"], BOX_REFERENCES["box_iou_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "eps": 0.5}},
        "choices of mode": {"options": {**whole.options, "mode": ("log",)}},
        "choices of fmt": {"options": {**whole.options, "fmt": CHOICES[1:-1]}},
        "values of eps": {"options": {**whole.options, "eps": (1e-7,)}},
        "the published formula": {"torch": None},
        "what a box is": {"boxes": RotatedPair},
    }
    for problem, change in broken.items():
        assert incomplete_box_reference(info, dataclasses.replace(whole, **change)) == [problem]
    first, target = info.operands
    fixed = dataclasses.replace(info, operands=(first, dataclasses.replace(target, differentiable=False)))
    assert incomplete_box_reference(fixed, whole) == ["gradient in target"]
    alone = dataclasses.replace(info, operands=(first,))
    assert incomplete_box_reference(alone, whole) == ["operands ['input']"]


def test_the_gate_sees_an_idle_option_of_a_loss_of_boxes():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands, wrt=BoxLoss.names)

    reference = BOX_REFERENCES["siou_loss"]
    expected = [f"{name}={value!r}" for name, values in reference.options.items() for value in values]
    assert sorted(idle_box_options(INFOS["siou_loss"], deaf)) == sorted(expected)


def test_the_gate_sees_a_loss_of_boxes_that_a_test_leaves_out():
    @pytest.mark.parametrize("name", [name for name in INFOS if name != "wiou_loss"])
    def test(name):
        pass

    assert losses_of(test) == set(INFOS) - {"wiou_loss"}
    with pytest.raises(AssertionError, match="xfail"):
        losses_of(pytest.mark.xfail(test))
