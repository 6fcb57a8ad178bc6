"""Results do not depend on the floating-point mode of the caller, nor of the thread that happens to compute them."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from engines.box.adapter import Box
from engines.region.adapter import Compound, Region
from floating_point import MODES, control, mode
from references import (
    BOX_REFERENCES,
    COMPOUND_REFERENCES,
    EMBEDDING_REFERENCES,
    KEYPOINT_REFERENCES,
    LOVASZ_REFERENCES,
    REFERENCES,
    REGION_REFERENCES,
    SIMILARITY_REFERENCES,
    box_draws,
    distance_draws,
    keypoint_draws,
    lovasz_draws,
    region_draws,
    similarity,
)
from references import linear as linear_reference

pytestmark = pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="sets a register of x86")

# More than the blocks of a thread, so that a team shares them; subnormal and huge numbers are among them.
COUNT = 30001


def bits(result):
    """The bytes of every array and number of a result."""
    if isinstance(result, tuple):
        return tuple(map(bits, result))
    return np.asarray(result).tobytes()


def pointwise_calls(name):
    """Everything that a pointwise loss computes, on the whole range of float32."""
    loss = cases.loss(name)
    operands = cases.sample(REFERENCES[name], cases.seed(name, "mode"), COUNT, np.float32, "wide")
    wrt = tuple(cases.differentiable(name))
    yield lambda: loss.value_and_grad(**operands, wrt=wrt)
    yield lambda: loss.value_and_grad(**operands, wrt=wrt, reduction="none")
    if cases.INFO[name].elementwise:
        yield lambda: loss.grad_and_hess(**operands, reduction="sum")


def row_calls(rows):
    """The same of a loss of rows."""
    loss = cases.loss(rows.loss)
    operands = rows_cases.draw(rows, cases.seed(rows, "mode"), (700,), 23, np.float32, mode="wide")
    wrt = rows_cases.wrt(rows, operands)
    yield lambda: loss.value_and_grad(**operands, wrt=wrt)
    yield lambda: loss.value_and_grad(**operands, wrt=wrt, reduction="none")
    yield lambda: loss.hess(**operands, reduction="sum")


def linear_calls():
    """The same of the linear layer."""
    operands = linear_reference.draw(np.random.default_rng(3), (400,), 30, 20, dtype=np.float32)
    operands = {k: v * np.float32(1e-20) if v.dtype.kind == "f" else v for k, v in operands.items()}
    yield lambda: fl.linear_cross_entropy.value_and_grad(**operands, wrt=("input", "linear_weight"))


def box_calls(name):
    """The same of a loss of boxes, some of which are so small that areas are subnormal."""
    operands = box_draws.ordinary_of(name, cases.seed(name, "mode"), (COUNT,), np.float32)
    sizes = np.float32(10.0) ** np.linspace(-21, 10, COUNT, dtype=np.float32)[:, np.newaxis]
    operands = {each: boxes * sizes for each, boxes in operands.items()}
    for options in Box(name).option_sets():
        for reduction in ("mean", "none"):
            call = {**operands, **options, "reduction": reduction, "wrt": tuple(operands)}
            yield lambda call=call: cases.loss(name).value_and_grad(**call)


def keypoint_calls(name):
    """The same of a loss of keypoints, most of which are at subnormal distances, or have such weights."""
    operands = keypoint_draws.ordinary(cases.seed(name, "mode"), (COUNT,), 5, np.float32)
    sizes = np.float32(10.0) ** np.linspace(-44, 0, COUNT, dtype=np.float32)[:, np.newaxis]
    operands["visible"] *= sizes
    operands["input"], operands["target"] = (operands[each] * sizes[..., np.newaxis] for each in ("input", "target"))
    for reduction in ("mean", "none"):
        call = {**operands, "reduction": reduction, "wrt": ("input", "target")}
        yield lambda call=call: cases.loss(name).value_and_grad(**call)


def region_calls(call):
    """The same of a loss of regions, of probabilities that are subnormal among others, and of logits that make such."""
    for options in call.option_sets():
        logits = options.get("from_logits", call.loss in COMPOUND_REFERENCES)
        operands = region_draws.ordinary(
            cases.seed(call.loss, "mode"), (3, 4, 5000), 1, "soft", np.float32, from_logits=bool(logits)
        )
        sizes = np.linspace(0, 110, 5000, dtype=np.float32) if logits else np.logspace(-44, 0, 5000, dtype=np.float32)
        operands["input"] = operands["input"] - sizes if logits else operands["input"] * sizes
        given = {**operands, **options, "wrt": ("input", "target")}
        if logits is True:
            given["from_logits"] = "softmax"
        for reduction in (call.reductions[0], "mean"):
            yield lambda given=given, reduction=reduction: call.function.value_and_grad(**given, reduction=reduction)


def lovasz_calls(name):
    """The same of a Lovász loss, with errors that are subnormal among others, which are sorted."""
    reference, rng = LOVASZ_REFERENCES[name], cases.seed(name, "mode")
    sizes = np.logspace(-44, 0, 40_000, dtype=np.float32)
    for options in reference.option_sets():
        if reference.has_classes:
            operands = lovasz_draws.classes(rng, (3, 4, 40_000), 1, np.float32)
        else:
            operands = lovasz_draws.mask(rng, (3, 40_000), np.float32)
        operands["input"] *= sizes
        yield lambda given={**operands, **options}: cases.loss(name).value_and_grad(**given)


def embedding_calls(name):
    """The same of a loss of embeddings, most of which are subnormal or at subnormal distances."""
    reference = EMBEDDING_REFERENCES[name]
    sizes = np.float32(10.0) ** np.linspace(-44, 0, 6000, dtype=np.float32)[:, np.newaxis]
    for options in reference.option_sets():
        operands = distance_draws.ordinary(cases.seed(name, "mode"), reference, (6000,), 9, np.float32, options)
        operands |= {each: operands[each] * sizes for each in reference.embeddings}
        for reduction in ("mean", "none"):
            call = {**operands, **options, "reduction": reduction, "wrt": reference.differentiable}
            yield lambda call=call: cases.loss(name).value_and_grad(**call)


def similarity_calls(name):
    """The same of a contrastive loss, with similarities whose exponentials are subnormal."""
    reference = SIMILARITY_REFERENCES[name]
    operands = similarity.draw(reference, cases.seed(name, "mode"), 500, 8, np.float32, negatives=40)
    for options in reference.option_sets():
        yield lambda given={**operands, **options}: cases.loss(name).value_and_grad(**given, wrt=(0, reference.number))


def assert_same_in_every_mode(calls):
    for call in calls:
        for threads in (1, 2):
            with fl.threads(threads):
                expected = bits(call())
                for name in MODES:
                    with mode(name):
                        got = bits(call())
                    assert got == expected, f"{name}, {threads} threads"


@pytest.mark.parametrize("name", [n for n in cases.NAMES if not cases.INFO[n].rowwise])
def test_pointwise(name):
    assert_same_in_every_mode(pointwise_calls(name))


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_rows(rows):
    assert_same_in_every_mode(row_calls(rows))


def test_linear():
    assert_same_in_every_mode(linear_calls())


@pytest.mark.parametrize("name", BOX_REFERENCES)
def test_boxes(name):
    assert_same_in_every_mode(box_calls(name))


@pytest.mark.parametrize("name", KEYPOINT_REFERENCES)
def test_keypoints(name):
    assert_same_in_every_mode(keypoint_calls(name))


@pytest.mark.parametrize("name", EMBEDDING_REFERENCES)
def test_embeddings(name):
    assert_same_in_every_mode(embedding_calls(name))


@pytest.mark.parametrize("name", REGION_REFERENCES)
def test_regions(name):
    assert_same_in_every_mode(region_calls(Region(name)))


@pytest.mark.parametrize("name", LOVASZ_REFERENCES)
def test_lovasz_losses(name):
    assert_same_in_every_mode(lovasz_calls(name))


@pytest.mark.parametrize("name", COMPOUND_REFERENCES)
def test_sums_of_regions_and_pixels(name):
    assert_same_in_every_mode(region_calls(Compound(name)))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32])
@pytest.mark.parametrize("isa", cases.ISAS)
def test_subnormal_inputs_and_results_of_every_dtype(dtype, isa, use_isa):
    use_isa(isa)
    tiny = np.array([float(ml_dtypes.finfo(dtype).smallest_subnormal)] * 40, dtype)

    def calls():
        yield lambda: fl.l1_loss(tiny, np.zeros_like(tiny), reduction="none")
        yield lambda: fl.mse_loss.grad(tiny, np.zeros_like(tiny), reduction="sum")
        yield lambda: fl.l1_loss(tiny, np.zeros_like(tiny))

    for call in calls():
        assert np.all(np.asarray(call(), np.float64) > 0)
    assert_same_in_every_mode(calls())


def test_options_and_reduced_values_are_read_and_given_in_the_library_s_mode():
    out = np.zeros((), np.float32)
    x = np.full(3, 1e-40, np.float32)
    for name in ("flushes subnormals", "rounds up"):
        expected = fl.l1_loss(x, np.float32(0)), fl.huber_loss(1.0, 0.0, delta=5e-310)
        with mode(name):
            got = fl.l1_loss(x, np.float32(0)), fl.huber_loss(1.0, 0.0, delta=5e-310)
            fl.l1_loss(x, np.float32(0), out=out)
        assert bits(got) == bits(expected)
        assert bits(out) == bits(expected[0])


def test_ufuncs_keep_mode_and_flags():
    x = np.array([1e-40, 2.0, np.inf, -3.0, 1e38], np.float32)
    expected = fl.mse_loss.ufunc(x, np.float32(0)).tobytes(), fl.mse_loss.grad_ufunc(x, np.float32(0)).tobytes()
    for name in MODES:
        with mode(name):
            got = fl.mse_loss.ufunc(x, np.float32(0)).tobytes(), fl.mse_loss.grad_ufunc(x, np.float32(0)).tobytes()
        assert got == expected, name


def test_numpy_s_errstate_sees_no_flags_of_the_ufuncs():
    """As docs/numbers.md says: formulas compute both arms of a choice, so the flags of the processor mean nothing."""
    with np.errstate(all="raise"):
        assert fl.mse_loss.ufunc(np.float32(1e30), np.float32(0)) == np.inf


def test_the_default_mode_is_as_assumed():
    assert control() == 0x1F80


def test_threads_that_were_made_under_traps_do_not_trap():
    """A thread inherits the mode of the one that made it: the team is made in the call."""
    code = """
import numpy as np, fastloss as fl
from floating_point import mode
fl._core.set_adaptive_teams(False)
x = np.concatenate([np.zeros(100000), np.full(100000, 1e300), np.full(100000, np.inf)])
with mode("traps"), fl.threads(3):
    fl.cauchy_loss.value_and_grad(x, -x)
    fl.geman_mcclure_loss.grad_and_hess(x, -x)
    fl.student_t_nll_loss.value_and_grad(x, -x, 2.0, 1.0)
print(fl._core.last_team_size())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


@pytest.mark.parametrize("name", SIMILARITY_REFERENCES)
def test_contrastive_losses(name):
    assert_same_in_every_mode(similarity_calls(name))
