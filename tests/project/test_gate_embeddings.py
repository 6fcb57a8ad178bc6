"""The completeness gate of losses of embeddings: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_schema import DistanceReference

INFOS = {name: info for name, info in fl.losses().items() if info.engine == "distance"}
# The tests that try every loss: of values and gradients, of degenerate units, with torch.
EMBEDDING_TESTS = {
    "test_values": ("test_values_and_gradients_of_every_option", "test_golden_values"),
    "test_degenerate": ("test_equal_embeddings_have_finite_gradients", "test_a_number_that_is_missing"),
    "test_layouts": ("test_features_on_any_axis", "test_gradients_in_place_of_the_embeddings"),
    "test_bad_calls": ("test_all_embeddings_have_one_shape", "test_options_are_in_their_ranges"),
    "test_gradients": ("test_gradients_are_those_of_finite_differences",),
    "test_torch": ("test_values_and_gradients_are_those_of_torch",),
}


def incomplete_embedding_reference(info, reference: DistanceReference):
    """What a reference lacks of the loss of embeddings that is registered under its name."""
    problems = []
    if tuple(o.name for o in info.operands) != reference.names:
        problems.append(f"operands {[o.name for o in info.operands]}")
    for operand in info.operands:
        if operand.differentiable != (operand.name in reference.differentiable):
            problems.append(f"gradient in {operand.name}")
        if ("embedding" in operand.roles) != (operand.name in reference.embeddings):
            problems.append(f"role of {operand.name}")
        labels = reference.labels if operand.name == "target" else None
        if operand.domain != ("" if labels is None else f"{{{min(labels):g}, {max(labels):g}}}"):
            problems.append(f"labels in {operand.name}")
    if not reference.golden:
        problems.append("golden numbers")
    if dict(reference.defaults) != dict(info.defaults):
        problems.append("defaults")
    for option in info.options:
        tried = set(reference.options.get(option.name, ())) - {option.default}
        if not tried or (option.kind == "choice" and tried | {option.default} != set(option.choices)):
            problems.append(f"values of {option.name}")
        if option.kind != "number":
            continue
        refused = reference.refused.get(option.name, ())
        if not refused or cases.Domain.parse(option.domain).contains([x for x in refused if x != 0]).any():
            problems.append(f"what is refused of {option.name}")
    if reference.torch is None:
        problems.append("torch's formula")
    return problems


def idle_embedding_options(info, compute=None):
    """Options that change neither the value nor a gradient, whatever they are set to."""
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options))
    reference = EMBEDDING_REFERENCES[info.name]
    operands = distance_draws.ordinary(cases.seed(info.name, "idle"), reference, (400,), 4)
    for each in reference.embeddings:
        operands[each][::3] *= 1e-4
    idle = []
    for name, values in reference.options.items():
        plain = _parts(compute(getattr(fl, info.name), operands, {}))
        for value in values:
            changed = _parts(compute(getattr(fl, info.name), operands, {name: value}))
            if all(np.array_equal(x, y) for x, y in zip(plain, changed, strict=True)):
                idle.append(f"{name}={value!r}")
    return idle


def _parts(result):
    """A value and one or several gradients, in a row."""
    value, gradients = result
    return [value, *(gradients if isinstance(gradients, tuple) else (gradients,))]


def losses_of(function):
    """The losses that a test is parameterised with, each without conditions."""
    found = set()
    for mark in function.pytestmark:
        assert mark.name not in {"skip", "skipif", "xfail"}, f"{function.__name__} is marked {mark.name}"
        if mark.name == "parametrize" and mark.args[0] == "name":
            found |= set(mark.args[1])
    return found


@pytest.mark.parametrize("name", INFOS)
def test_every_embedding_reference_is_complete(name):
    assert incomplete_embedding_reference(INFOS[name], EMBEDDING_REFERENCES[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_every_option_of_a_loss_of_embeddings_changes_something(name):
    assert idle_embedding_options(INFOS[name]) == []


def test_every_loss_of_embeddings_is_tested():
    assert INFOS
    assert {call.loss for call in calls() if isinstance(call, ADAPTERS["distance"])} == set(INFOS)
    for module, tests in EMBEDDING_TESTS.items():
        for test in tests:
            found = losses_of(getattr(importlib.import_module(f"engines.distance.{module}"), test))
            assert found == set(INFOS), f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_embedding_reference():
    info, whole = INFOS["contrastive_loss"], EMBEDDING_REFERENCES["contrastive_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "margin": 0.5}},
        "values of eps": {"options": {**whole.options, "eps": (1e-6,)}},
        "torch's formula": {"torch": None},
        "labels in target": {"labels": (1.0, -1.0)},
        "gradient in target": {"target_differentiable": True},
        "what is refused of margin": {"refused": {**whole.refused, "margin": (0.5,)}},
    }
    for problem, change in broken.items():
        assert incomplete_embedding_reference(info, dataclasses.replace(whole, **change)) == [problem]
    named = INFOS["triplet_margin_with_distance_loss"]
    whole = EMBEDDING_REFERENCES[named.name]
    fewer = {**whole.options, "distance_function": ("l1", "sqeuclidean", "cosine")}
    found = incomplete_embedding_reference(named, dataclasses.replace(whole, options=fewer))
    assert found == ["values of distance_function"]


def test_the_gate_sees_an_idle_option_of_a_loss_of_embeddings():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands)

    expected = [f"{k}={v!r}" for k, values in EMBEDDING_REFERENCES["quadruplet_loss"].options.items() for v in values]
    assert idle_embedding_options(INFOS["quadruplet_loss"], deaf) == expected


def test_the_gate_sees_a_loss_of_embeddings_that_a_test_leaves_out():
    @pytest.mark.parametrize("name", [])
    def test(name):
        pass

    assert losses_of(test) == set()
    with pytest.raises(AssertionError, match="xfail"):
        losses_of(pytest.mark.xfail(test))
