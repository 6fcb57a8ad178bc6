"""Data outside their domain and class indices out of range: an error before anything is written, wherever they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases
from references import (
    BOX_REFERENCES,
    COMPOUND_REFERENCES,
    EMBEDDING_REFERENCES,
    KEYPOINT_REFERENCES,
    REFERENCES,
    REGION_REFERENCES,
    box_draws,
    distance_draws,
    keypoint_draws,
    region_draws,
)
from references import linear as linear_reference

UNTOUCHED = 7
# One tile, and an end behind several blocks.
COUNTS = (1000, 3 * 8192 + 5)
OUTSIDE = [(name, operand, x) for name in cases.NAMES for operand, x in REFERENCES[name].outside.items()]
# Whose operands of full size all have domains: they are checked in the pass that computes, which may have written.
CHECKED_IN_PASS = "binary_cross_entropy"
SPARED = [case for case in OUTSIDE if case[0] != CHECKED_IN_PASS]


def check(name, operand):
    """What turns the check of an operand on."""
    return "ignore" if REFERENCES[name].operand(operand).checked_always else "raise"


def untouched(like, shape=None):
    """An output for the gradient in an operand, in which nothing is to be written."""
    dtype = like.dtype if like.dtype.kind == "f" else np.float32
    return np.full(like.shape if shape is None else shape, UNTOUCHED, dtype)


def calls(name, operands, shape):
    """Every way to call a loss that writes, with fresh outputs: what to call, and the outputs."""
    loss = cases.loss(name)
    names = [n for n in cases.differentiable(name) if n in operands]

    def one():
        return np.full(shape, UNTOUCHED, np.float32)

    def several():
        return tuple(untouched(operands[n]) for n in names)

    for reduction in ("none", "mean"):
        call = {**operands, "reduction": reduction}
        if reduction == "none":
            out = one()
            yield lambda call=call, out=out, **more: loss(**call, out=out, **more), (out,)
        for method, accumulate in itertools.product((loss.grad, loss.value_and_grad), (False, True)):
            out = one()
            given = {"out": out, "accumulate": accumulate}
            yield lambda m=method, c=call, g=given, **more: m(**c, **g, **more), (out,)
            outs = several()
            given = {"wrt": names, "out": outs, "accumulate": accumulate}
            yield lambda m=method, c=call, g=given, **more: m(**c, **g, **more), outs
        spread = np.full((*shape, 2), UNTOUCHED, np.float32)
        yield lambda c=call, o=spread[..., 0], **more: loss.grad(**c, out=o, **more), (spread,)
        if cases.INFO[name].elementwise:
            out = one()
            yield lambda c=call, o=out, **more: loss.hess(**c, out=o, **more), (out,)
            outs = (one(), one())
            yield lambda c=call, o=outs, **more: loss.grad_and_hess(**c, out=o, **more), outs


def assert_refused(name, operand, operands, shape, **more):
    """Every call raises an error that names the operand, and leaves its outputs as they were."""
    with fl.errstate(domain=check(name, operand)):
        for team in (1, 2):
            with fl.threads(team):
                for call, outs in calls(name, operands, shape):
                    with pytest.raises((ValueError, IndexError), match=rf"^{name}: {operand} must be "):
                        call(**more)
                    assert all((out == UNTOUCHED).all() for out in outs)


def assert_taken(name, operand, operands, shape, **more):
    """Every call finishes, and writes."""
    with fl.errstate(domain=check(name, operand)):
        for call, outs in calls(name, operands, shape):
            call(**more)
            assert all((out != UNTOUCHED).any() for out in outs)


@pytest.mark.parametrize(("name", "operand", "outside"), SPARED)
@pytest.mark.parametrize("count", COUNTS)
def test_nothing_is_written_before_an_operand_is_found_outside_its_domain(name, operand, outside, count):
    operands = cases.sample(REFERENCES[name], cases.seed(name, count), count, np.float32)
    assert_taken(name, operand, operands, (count,))
    operands[operand][-1] = outside
    assert_refused(name, operand, operands, (count,))


@pytest.mark.parametrize(("name", "operand", "outside"), SPARED)
def test_masked_elements_are_not_checked_and_all_others_are(name, operand, outside):
    count = COUNTS[-1]
    operands = cases.sample(REFERENCES[name], cases.seed(name, "masked"), count, np.float32)
    operands[operand][[0, -1]] = outside
    mask = np.ones(count, bool)
    mask[0] = False
    assert_refused(name, operand, operands, (count,), where=mask)
    mask[-1] = False
    assert_taken(name, operand, operands, (count,), where=mask)


@pytest.mark.parametrize(("name", "operand", "outside"), SPARED)
def test_nothing_is_written_where_the_operand_is_broadcast(name, operand, outside):
    """A number, or one for each row or column: the walk is over these alone."""
    rows, columns = 70, 130
    drawn = cases.sample(REFERENCES[name], cases.seed(name, "broadcast"), rows * columns, np.float32)
    whole = {k: v.reshape(rows, columns) for k, v in drawn.items()}
    shapes = {"scalar": (), "column": (rows, 1), "row": (1, columns)}
    kinds = [kind for kind in REFERENCES[name].operand(operand).kinds if kind in shapes]
    for kind in kinds if operand != REFERENCES[name].first else []:
        operands = {**whole, operand: drawn[operand][: int(np.prod(shapes[kind]))].reshape(shapes[kind]).copy()}
        operands[operand].flat[-1] = outside
        mask = np.zeros((rows, columns), bool)
        mask[-1, -1] = True
        assert_refused(name, operand, operands, (rows, columns))
        assert_refused(name, operand, operands, (rows, columns), where=mask)
        # The last element of a column is seen by a whole row.
        mask = np.ones((rows, columns), bool)
        mask[{"scalar": np.s_[:], "column": np.s_[-1], "row": np.s_[:, -1]}[kind]] = False
        with fl.errstate(domain=check(name, operand)):
            cases.loss(name)(**operands, where=mask)
            cases.loss(name).grad(**operands, where=mask, out=np.empty((rows, columns), np.float32))


@pytest.mark.parametrize(("name", "operand", "outside"), OUTSIDE)
@pytest.mark.parametrize("count", COUNTS)
def test_an_operand_that_is_the_output_stays_as_it_was(name, operand, outside, count):
    loss, first = cases.loss(name), REFERENCES[name].first
    operands = cases.sample(REFERENCES[name], cases.seed(name, "in place"), count, np.float32)
    operands[operand][-1] = outside
    for target, method in itertools.product((n for n in cases.differentiable(name)), (loss.grad, loss.value_and_grad)):
        own = {k: v.copy() for k, v in operands.items()}
        with fl.errstate(domain=check(name, operand)), pytest.raises((ValueError, IndexError), match=operand):
            method(**own, wrt=target, out=own[target])
        for k, v in own.items():
            np.testing.assert_array_equal(v, operands[k])
    kept = np.full(count, UNTOUCHED, np.float32)
    with fl.errstate(domain=check(name, operand)), pytest.raises((ValueError, IndexError), match=operand):
        loss.grad(**operands, wrt=first, out=kept, accumulate=True)
    assert (kept == UNTOUCHED).all()


def test_the_one_loss_that_is_checked_in_the_pass():
    """It may have written elsewhere, but nothing of what it was given."""
    x, t = np.full(COUNTS[-1], 0.5, np.float32), np.full(COUNTS[-1], 0.25, np.float32)
    x[-1] = 1.5
    out = np.full_like(x, UNTOUCHED)
    with fl.threads(1), pytest.raises(ValueError, match=r"input must be between 0 and 1, got 1\.5"):
        fl.binary_cross_entropy.grad(x, t, out=out)
    assert (out != UNTOUCHED).any()
    assert (x[:-1] == 0.5).all()
    assert (t == 0.25).all()


@pytest.mark.parametrize("count", [3, *COUNTS])
def test_a_number_is_checked_as_it_was_given(count):
    """Not as what the computation rounds it to: 1 - 1e-12 is 1 in float32, and -1e-50 is 0."""
    x, t = np.zeros(count, np.float32), np.ones(count, np.float32)
    assert fl.quantile_loss(x, t, 1 - 1e-12) == 1
    assert fl.quantile_loss(x, t, 1 - 1e-12, where=np.ones(count, bool)) == 1
    with pytest.raises(ValueError, match=r"var must be >= 0, got -1e-50"):
        fl.gaussian_nll_loss(x, t, -1e-50)


ROWS = [rows for rows in rows_cases.kinds() if any(o.outside is not None for o in rows.reference.operands)]


def row_outputs(rows, operands, count, classes):
    """Every way to call a row-wise loss that writes: what to call, with its outputs."""
    loss, names = cases.loss(rows.loss), rows_cases.wrt(rows, operands)
    value, table = np.full(count, UNTOUCHED, np.float32), np.full((count, classes), UNTOUCHED, np.float32)
    gradients = tuple(np.full_like(operands[n], UNTOUCHED) for n in names)
    yield lambda: loss(**operands, reduction="none", out=value), (value,)
    for accumulate in (False, True):
        given = {"wrt": names, "out": gradients, "accumulate": accumulate}
        yield lambda given=given: loss.grad(**operands, **given), gradients
        yield lambda given=given: loss.value_and_grad(**operands, **given, reduction="none"), gradients
    yield lambda: loss.hess(**operands, out=table), (table,)
    yield lambda: loss.hvp(**operands, vector=np.ones_like(table), out=table), (table,)
    if rows.reference.reference == "log_sum_exp":
        extras = {
            "lse": value,
            "probabilities": table,
            "log_probabilities": np.full_like(table, UNTOUCHED),
            "prediction": np.full(count, UNTOUCHED),
        }
        for method in (loss, loss.grad, loss.value_and_grad):
            yield lambda m=method: m(**operands, return_=extras), tuple(extras.values())


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize(("count", "classes"), [(2000, 10), (3, 5000)])
def test_nothing_is_written_before_an_operand_of_rows_is_found_outside(rows, count, classes):
    for operand in rows.reference.operands:
        if operand.outside is None:
            continue
        operands = rows_cases.draw(rows, cases.seed(rows, count), (count,), classes, np.float32)
        operands[operand.name].flat[-1] = operand.outside
        for team in (1, 2):
            for call, outs in row_outputs(rows, operands, count, classes):
                with fl.threads(team), fl.errstate(domain="raise"), pytest.raises(ValueError, match=operand.name):
                    call()
                assert all((out == UNTOUCHED).all() for out in outs)


@pytest.mark.parametrize("rows", [rows for rows in rows_cases.kinds() if rows.kind in ("index", "list")], ids=str)
@pytest.mark.parametrize(("count", "classes"), [(20_000, 10), (2, 70_000)])
def test_nothing_is_written_before_a_class_index_is_found_out_of_range(rows, count, classes):
    operands = rows_cases.draw(rows, cases.seed(rows, count), (count,), classes, np.float32)
    operands[rows.reference.target.name].reshape(count, -1)[-1, 0] = classes
    for team in (1, 2):
        for call, outs in row_outputs(rows, operands, count, classes):
            with (
                fl.threads(team),
                pytest.raises(IndexError, match=rf"target must be a class .* got {classes} at index"),
            ):
                call()
            assert all((out == UNTOUCHED).all() for out in outs)


def test_nothing_is_written_before_a_class_index_of_linear_scores_is_found_out_of_range():
    loss, names = fl.linear_cross_entropy, ("input", "linear_weight", "linear_bias")
    operands = linear_reference.draw(cases.seed("linear index"), (3000,), 5, 3, bias=True)
    operands["target"][-1] = 5
    value = np.full(3000, UNTOUCHED, operands["input"].dtype)
    outs = tuple(np.full_like(operands[n], UNTOUCHED) for n in names)
    for team, accumulate in itertools.product((1, 2), (False, True)):
        with fl.threads(team):
            with pytest.raises(IndexError, match="got 5 at index"):
                loss(**operands, reduction="none", out=value)
            for method in (loss.grad, loss.value_and_grad):
                with pytest.raises(IndexError, match="got 5 at index"):
                    method(**operands, wrt=names, out=outs, accumulate=accumulate)
    assert all((out == UNTOUCHED).all() for out in (value, *outs))


@pytest.mark.parametrize("operand", ["input", "target"])
@pytest.mark.parametrize("name", BOX_REFERENCES)
@pytest.mark.parametrize("count", COUNTS)
def test_nothing_is_written_before_a_box_is_found_inverted(name, operand, count):
    loss, operands = cases.loss(name), box_draws.ordinary_of(name, cases.seed(name, count), (count,), np.float32)
    operands[operand][-1] = [3, 0, 1, -2, 0] if BOX_REFERENCES[name].rotated else [3, 0, 1, 2]
    value = np.full(count, UNTOUCHED, np.float32)
    outs = tuple(map(untouched, operands.values()))
    own = {each: boxes.copy() for each, boxes in operands.items()}
    for team, accumulate in itertools.product((1, 2), (False, True)):
        with fl.threads(team), fl.errstate(domain="raise"):
            with pytest.raises(ValueError, match=f"{operand} must have"):
                loss(**operands, reduction="none", out=value)
            for method in (loss.grad, loss.value_and_grad):
                with pytest.raises(ValueError, match=f"{operand} must have"):
                    method(**operands, wrt=("input", "target"), out=outs, accumulate=accumulate)
                with pytest.raises(ValueError, match=f"{operand} must have"):
                    method(**own, wrt=("input", "target"), out=tuple(own.values()))
    assert all((out == UNTOUCHED).all() for out in (value, *outs))
    for each, boxes in operands.items():
        np.testing.assert_array_equal(own[each], boxes)


@pytest.mark.parametrize(("operand", "wrong"), [("area", -1.0), ("sigmas", 0.0), ("visible", -1.0)])
@pytest.mark.parametrize("name", KEYPOINT_REFERENCES)
@pytest.mark.parametrize("count", COUNTS)
def test_nothing_is_written_before_numbers_of_keypoints_are_found_outside(name, operand, wrong, count):
    loss, operands = cases.loss(name), keypoint_draws.ordinary(cases.seed(name, count), (count,), 5, np.float32)
    operands[operand][(-1,) * operands[operand].ndim] = wrong
    value = np.full(count, UNTOUCHED, np.float32)
    outs = tuple(untouched(operands[each]) for each in ("input", "target"))
    for team, accumulate in itertools.product((1, 2), (False, True)):
        with fl.threads(team), fl.errstate(domain="raise"):
            with pytest.raises(ValueError, match=f"{operand} must be"):
                loss(**operands, reduction="none", out=value)
            for method in (loss.grad, loss.value_and_grad):
                with pytest.raises(ValueError, match=f"{operand} must be"):
                    method(**operands, wrt=("input", "target"), out=outs, accumulate=accumulate)
    assert all((out == UNTOUCHED).all() for out in (value, *outs))


@pytest.mark.parametrize("name", [name for name, reference in EMBEDDING_REFERENCES.items() if reference.labels])
@pytest.mark.parametrize("count", COUNTS)
def test_nothing_is_written_before_a_label_of_embeddings_is_found_to_be_none(name, count):
    loss, reference = cases.loss(name), EMBEDDING_REFERENCES[name]
    few = distance_draws.ordinary(cases.seed(name), reference, (min(count, 500),), 5, np.float32)
    operands = {each: np.resize(x, (count, *x.shape[1:])) for each, x in few.items()}
    operands["target"][-1] = 3
    value = np.full(count, UNTOUCHED, np.float32)
    outs = tuple(untouched(operands[each]) for each in reference.embeddings)
    own = {each: x.copy() for each, x in operands.items()}
    for team, accumulate in itertools.product((1, 2), (False, True)):
        with fl.threads(team):
            with pytest.raises(ValueError, match="target must be"):
                loss(**operands, reduction="none", out=value)
            for method in (loss.grad, loss.value_and_grad):
                with pytest.raises(ValueError, match="target must be"):
                    method(**operands, out=outs, accumulate=accumulate)
                with pytest.raises(ValueError, match="target must be"):
                    method(**own, out=tuple(own[each] for each in reference.embeddings))
    assert all((out == UNTOUCHED).all() for out in (value, *outs))
    for each, x in operands.items():
        np.testing.assert_array_equal(own[each], x)


# Of a target: its kind, a number that is none of it, the error, and what that says.
WRONG_REGIONS = [
    ("index", 3, IndexError, "target must be a class from 0 to 2.*got 3"),
    ("mask", 7, ValueError, "target must be 0 or 1.*got 7"),
    ("soft", 1.5, ValueError, "target must be between 0 and 1, got 1.5"),
]


@pytest.mark.parametrize(("kind", "wrong", "error", "match"), WRONG_REGIONS)
@pytest.mark.parametrize("name", [*REGION_REFERENCES, *COMPOUND_REFERENCES])
@pytest.mark.parametrize("samples", [1, 2, 40])
def test_nothing_is_written_before_the_target_of_regions_is_found_to_be_none(name, kind, wrong, error, match, samples):
    """Whether threads have samples or parts of one."""
    loss, shape = cases.loss(name), (samples, 3, 3000)
    operands = region_draws.ordinary(cases.seed(name, kind), shape, 1, kind, np.float32, from_logits=True)
    operands["target"].flat[-1] = wrong
    per_class = name in REGION_REFERENCES and not REGION_REFERENCES[name].class_weights
    value, out = (np.full(n, UNTOUCHED, np.float32) for n in (shape[:2] if per_class else samples, shape))
    own = operands["input"].copy()
    for team, accumulate in itertools.product((1, 2), (False, True)):
        with fl.threads(team), fl.errstate(domain="raise"):
            call = {**operands, "from_logits": "softmax"}
            if name in REGION_REFERENCES:
                with pytest.raises(error, match=match):
                    loss(**call, reduction="none", out=value)
            for method in (loss.grad, loss.value_and_grad):
                with pytest.raises(error, match=match):
                    method(**call, out=out, accumulate=accumulate)
                with pytest.raises(error, match=match):
                    method(**{**call, "input": own}, out=own)
    assert (value == UNTOUCHED).all()
    assert (out == UNTOUCHED).all()
    np.testing.assert_array_equal(own, operands["input"])
