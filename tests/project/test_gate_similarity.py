"""The completeness gate of contrastive losses: what each must have, and that the gate sees what is missing."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import ADAPTERS, calls
from project.test_gate_regions import losses_of
from references import SIMILARITY_REFERENCES, similarity
from references.similarity_schema import SimilarityReference

INFOS = {name: info for name, info in fl.losses().items() if info.engine == "similarity"}
# The tests that try every loss.
SIMILARITY_TESTS = {
    "test_values": ("test_values_and_gradients_of_every_option", "test_a_mask_takes_units_out_of_the_batch"),
    "test_degenerate": ("test_arrays_of_nothing", "test_a_row_of_zeros_is_like_no_other"),
    "test_gradients": ("test_gradients_are_those_of_finite_differences",),
    "test_layouts": (
        "test_every_number_of_rows_at_the_edges_of_blocks",
        "test_the_same_bits_with_any_number_of_threads",
    ),
}


def incomplete_similarity_reference(info, reference: SimilarityReference):
    """What a reference lacks of the contrastive loss that is registered under its name."""
    problems = []
    names = {
        *reference.rows,
        *reference.scalars,
        *filter(None, (reference.labels, reference.memory_labels, reference.classes)),
    }
    if {o.name for o in info.operands} != names:
        problems.append(f"operands {[o.name for o in info.operands]}")
    differentiable = {o.name for o in info.operands if o.differentiable}
    if differentiable != {*reference.rows, *reference.scalars}:
        problems.append(f"gradients in {sorted(differentiable)}")
    if any(
        o.name == reference.number and o.default != pytest.approx(reference.default, rel=1e-15) for o in info.operands
    ):
        problems.append(f"default of {reference.number}")
    if reference.bias and not reference.biases:
        problems.append(f"values of {reference.bias}")
    if not reference.golden:
        problems.append("golden numbers")
    if not reference.numbers:
        problems.append(f"values of {reference.number}")
    if dict(reference.defaults) != dict(info.defaults):
        problems.append("defaults")
    for option in info.options:
        if not set(reference.options.get(option.name, ())) - {option.default}:
            problems.append(f"values of {option.name}")
    return problems


def idle_similarity_options(info, compute=None):
    """Options that change neither the value nor the gradient, whatever they are set to."""
    compute = compute or (lambda loss, operands, options: loss.value_and_grad(**operands, **options, wrt=(0,)))
    reference = SIMILARITY_REFERENCES[info.name]
    operands = similarity.draw(reference, cases.seed(info.name, "idle"), 12, 4, negatives=5)
    plain = compute(getattr(fl, info.name), operands, {})
    idle = []
    for options in reference.option_sets()[1:]:
        changed = compute(getattr(fl, info.name), operands, options)
        if plain[0] == changed[0] and np.array_equal(plain[1], changed[1]):
            idle.append(str(options))
    return idle


@pytest.mark.parametrize("name", INFOS)
def test_every_similarity_reference_is_complete(name):
    assert incomplete_similarity_reference(INFOS[name], SIMILARITY_REFERENCES[name]) == []


@pytest.mark.parametrize("name", INFOS)
def test_every_option_of_a_contrastive_loss_changes_something(name):
    assert idle_similarity_options(INFOS[name]) == []


def test_every_contrastive_loss_is_tested():
    assert INFOS
    assert {call.loss for call in calls() if isinstance(call, ADAPTERS["similarity"])} == set(INFOS)
    for module, tests in SIMILARITY_TESTS.items():
        for test in tests:
            found = losses_of(getattr(importlib.import_module(f"engines.similarity.{module}"), test))
            assert found == set(INFOS), f"{module}.{test}"


# The gate guards only if it can fail.


def test_the_gate_sees_an_incomplete_similarity_reference():
    info, whole = INFOS["info_nce_loss"], SIMILARITY_REFERENCES["info_nce_loss"]
    broken = {
        "golden numbers": {"golden": ()},
        "defaults": {"defaults": {**whole.defaults, "in_batch": False}},
        "values of symmetric": {"options": {**whole.options, "symmetric": (False,)}},
        "values of temperature": {"numbers": ()},
        "default of temperature": {"default": 0.5},
    }
    for problem, change in broken.items():
        assert incomplete_similarity_reference(info, dataclasses.replace(whole, **change)) == [problem]


def test_the_gate_sees_an_idle_option_of_a_contrastive_loss():
    def deaf(loss, operands, options):
        return loss.value_and_grad(**operands, wrt=(0,))

    assert (
        len(idle_similarity_options(INFOS["dcl_loss"], deaf))
        == len(SIMILARITY_REFERENCES["dcl_loss"].option_sets()) - 1
    )
