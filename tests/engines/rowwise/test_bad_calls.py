"""Calls of row-wise losses that must fail: with which exception, naming what, and with nothing written."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import rows_cases

ce = fl.cross_entropy
Z = np.linspace(-1, 1, 12).reshape(4, 3)
T = np.array([0, 2, 1, 1])
P = np.full((4, 3), 1 / 3)
DEEP = np.zeros((2, 3, 4, 5))


def bad(label, error, message, call):
    return pytest.param(error, message, call, id=label.replace(" ", "_"))


BAD_CALLS = [
    # Shapes: both are named.
    bad("input without axes", ValueError, r"input.*axis of classes.*\(\)", lambda: ce(1.0, 0)),
    bad("too few labels", ValueError, r"target.*\(3,\).*\(4, 3\).*\(4,\)", lambda: ce(Z, T[:3])),
    bad("labels as a column", ValueError, r"target.*\(4, 1\).*\(4,\)", lambda: ce(Z, T[:, None])),
    bad("one label for all", ValueError, r"target.*\(\).*\(4,\)", lambda: ce(Z, 1)),
    bad(
        "labels of the classes last",
        ValueError,
        r"\(2, 3, 4\).*\(2, 4, 5\)",
        lambda: ce(DEEP, np.zeros((2, 3, 4), int)),
    ),
    bad("one-hot integers", ValueError, "one-hot.*floating", lambda: ce(Z, np.eye(4, 3, dtype=int))),
    bad("labels that are floats", ValueError, r"target.*\(4,\).*integer dtype", lambda: ce(Z, T.astype(float))),
    bad("one floating label", ValueError, r"target.*\(\).*integer dtype", lambda: ce(Z[0], 1.0)),
    bad("probabilities of other shape", ValueError, r"target.*\(4, 2\).*\(4, 3\)", lambda: ce(Z, P[:, :2])),
    bad("broadcast probabilities", ValueError, r"target.*\(1, 3\).*\(4, 3\)", lambda: ce(Z, P[:1])),
    bad("labels that are bool", TypeError, "target.*integer.*bool", lambda: ce(Z, T > 1)),
    bad("weight of other length", ValueError, r"weight.*\(4,\).*3 classes", lambda: ce(Z, T, np.ones(4))),
    bad("weight of the rows", ValueError, r"weight.*\(4, 1\).*3 classes", lambda: ce(Z, T, np.ones((4, 1)))),
    bad("weight of one", ValueError, r"weight.*\(1,\).*3 classes", lambda: ce(Z, T, np.ones(1))),
    bad(
        "sample_weight of classes",
        ValueError,
        r"sample_weight.*\(3,\).*\(4,\)",
        lambda: ce(Z, T, sample_weight=np.ones(3)),
    ),
    bad(
        "sample_weight of the input", ValueError, r"sample_weight.*\(4, 3\).*\(4,\)", lambda: ce(Z, T, sample_weight=P)
    ),
    bad("where of the input", ValueError, r"where.*\(4, 3\).*\(4,\)", lambda: ce(Z, T, where=P > 0)),
    bad("where of numbers", TypeError, "where.*bool.*int64", lambda: ce(Z, T, where=np.ones(4, np.int64))),
    bad(
        "grad_output of the input",
        ValueError,
        r"grad_output.*\(4, 3\)",
        lambda: ce.grad(Z, T, reduction="none", grad_output=P),
    ),
    bad("grad_output of a mean", ValueError, r"grad_output.*\(4,\)", lambda: ce.grad(Z, T, grad_output=np.ones(4))),
    bad("vector of other shape", ValueError, r"vector.*\(4,\).*\(4, 3\)", lambda: ce.hvp(Z, T, np.ones(4))),
    bad("no vector", TypeError, "vector", lambda: ce.hvp(Z, T)),
    bad("batchmean of one row", ValueError, "batchmean.*class axis", lambda: ce(Z[0], 1, reduction="batchmean")),
    # The axis of the classes.
    bad("axis beyond", ValueError, r"axis.*-2 to 1.*2", lambda: ce(Z, T, axis=2)),
    bad("axis below", ValueError, r"axis.*-2 to 1.*-3", lambda: ce(Z, T, axis=-3)),
    bad("axis of text", TypeError, "axis", lambda: ce(Z, T, axis="last")),
    bad("axis of a float", TypeError, "axis", lambda: ce(Z, T, axis=1.0)),
    bad("axis of an elementwise loss", TypeError, "unexpected keyword.*axis", lambda: fl.mse_loss(Z, Z, axis=1)),
    # Class indices.
    bad("label above", IndexError, r"target.*\[0, 3\)|target.*3.*", lambda: ce(Z, [0, 2, 3, 1])),
    bad("label below", IndexError, r"target.*-1", lambda: ce(Z, [0, 2, -1, 1])),
    bad("ignore_index off by one", IndexError, r"-99", lambda: ce(Z, [0, 2, -99, 1])),
    bad("label of another ignore_index", IndexError, "-100", lambda: ce(Z, [0, -100, 1, 1], ignore_index=-1)),
    bad("label beyond int32", IndexError, str(2**32), lambda: ce(Z, [0, 2**32, 1, 1])),
    bad("label beyond int64", IndexError, str(2**64 - 100), lambda: ce(Z, np.array([0, 2**64 - 100, 1, 1], np.uint64))),
    bad(
        "index in many axes",
        IndexError,
        r"\(1, 0, 2\).*9|9.*\(1, 0, 2\)",
        lambda: ce(DEEP, _label_at((2, 4, 5), (1, 0, 2))),
    ),
    bad("ignore_index of text", TypeError, "ignore_index", lambda: ce(Z, T, ignore_index="none")),
    bad("ignore_index of a float", TypeError, "ignore_index", lambda: ce(Z, T, ignore_index=1.0)),
    bad("ignore_index of probabilities", ValueError, "ignore_index.*class indices", lambda: ce(Z, P, ignore_index=0)),
    # Options.
    bad("smoothing above", ValueError, "label_smoothing.*between 0 and 1.*1.1", lambda: ce(Z, T, label_smoothing=1.1)),
    bad("smoothing below", ValueError, "label_smoothing.*-0.1", lambda: ce(Z, T, label_smoothing=-0.1)),
    bad("smoothing NaN", ValueError, "label_smoothing.*nan", lambda: ce(Z, T, label_smoothing=float("nan"))),
    bad("z_loss below", ValueError, "z_loss.*>= 0", lambda: ce(Z, T, z_loss=-1)),
    bad("softcap below", ValueError, "softcap.*>= 0", lambda: ce(Z, T, softcap=-30)),
    bad("temperature zero", ValueError, "temperature.*> 0", lambda: ce(Z, T, temperature=0)),
    bad("temperature infinite", ValueError, "temperature", lambda: ce(Z, T, temperature=-np.inf)),
    bad("from_logits of text", TypeError, "from_logits", lambda: ce(Z, T, from_logits="no")),
    bad("eps zero", ValueError, "eps.*between 0 and 1", lambda: ce(P, T, from_logits=False, eps=0)),
    bad("eps one", ValueError, "eps", lambda: ce(P, T, from_logits=False, eps=1)),
    bad("unknown reduction", ValueError, "reduction.*'avg'", lambda: ce(Z, T, reduction="avg")),
    bad("unknown normalizer", ValueError, "normalizer.*'rows'", lambda: ce(Z, T, normalizer="rows")),
    bad("normalizer zero", ValueError, "normalizer.*> 0", lambda: ce(Z, T, normalizer=0)),
    # Names and numbers of arguments.
    bad("no target", TypeError, "cross_entropy.*target", lambda: ce(Z)),
    bad("option as a positional", TypeError, "positional", lambda: ce(Z, T, None, 0.1)),
    bad("unknown keyword", TypeError, "unexpected keyword.*smoothing", lambda: ce(Z, T, smoothing=0.1)),
    bad("target that is None", TypeError, "target", lambda: ce(Z, None)),
    bad("return_ of a second derivative", TypeError, "return_", lambda: ce.hess(Z, T, return_="lse")),
    # wrt.
    bad("wrt of class indices", ValueError, "wrt.*'target'.*class indices", lambda: ce.grad(Z, T, wrt="target")),
    bad("wrt of what was not given", ValueError, "wrt.*'weight'.*not given", lambda: ce.grad(Z, T, wrt="weight")),
    bad("wrt twice", ValueError, "wrt.*'input'.*twice", lambda: ce.grad(Z, T, wrt=("input", 0))),
    bad("wrt unknown", ValueError, "wrt.*'logits'", lambda: ce.grad(Z, T, wrt="logits")),
    # out.
    bad("out of other shape", ValueError, r"out.*\(4, 3\).*\(3, 4\)", lambda: ce.grad(Z, T, out=np.empty((3, 4)))),
    bad(
        "out of the value",
        ValueError,
        r"out.*\(4,\).*\(4, 3\)",
        lambda: ce(Z, T, reduction="none", out=np.empty((4, 3))),
    ),
    bad("out of other dtype", TypeError, "out.*int64", lambda: ce.grad(Z, T, out=np.empty((4, 3), np.int64))),
    bad(
        "out that is two",
        ValueError,
        "out",
        lambda: ce.value_and_grad(Z, P, wrt=("input", "target"), out=(_SAME, _SAME)),
    ),
    bad("out that overlaps itself", ValueError, "out.*memory", lambda: ce.grad(Z, T, out=_overlapping())),
    bad(
        "out that is the labels",
        ValueError,
        "out",
        lambda: ce.grad(Z, _MEMORY[1:5].view(np.int64), out=_MEMORY.reshape(4, 3)),
    ),
]

_SAME = np.empty((4, 3))
_MEMORY = np.zeros(12)


def _overlapping():
    return np.lib.stride_tricks.as_strided(np.zeros(8), (4, 3), (8, 8), writeable=True)


def _label_at(shape, place, label=9):
    labels = np.zeros(shape, np.int64)
    labels[place] = label
    return labels


@pytest.mark.parametrize(("error", "message", "call"), BAD_CALLS)
def test_bad_calls(error, message, call):
    with pytest.raises(error, match=message) as raised:
        call()
    assert str(raised.value).startswith(("cross_entropy", "mse_loss"))


@pytest.mark.parametrize("rows", [r for r in rows_cases.kinds() if r.kind in ("index", "list")], ids=str)
def test_an_index_out_of_range_leaves_everything_unwritten(rows):
    """Wherever it is, whatever is asked for, however many threads look."""
    loss, reference = cases.loss(rows.loss), rows.reference
    for (count, classes), place in itertools.product(((9, 4), (40_000, 10), (2, 70_000)), (0, -1)):
        operands = rows_cases.draw(rows, cases.seed(rows, count), (count,), classes, np.float32)
        operands[reference.target.name][place] = classes
        where = count - 1 if place else 0
        names = rows_cases.wrt(rows, operands)
        outs = tuple(np.full_like(operands[n], 7) for n in names)
        value = np.full(count, 7, np.float32)
        calls = [
            lambda o=operands, v=value: loss(**o, reduction="none", out=v),
            lambda o=operands, n=names, outs=outs: loss.value_and_grad(**o, wrt=n, out=outs),
            lambda o=operands, n=names, outs=outs: loss.grad(**o, wrt=n, out=outs, accumulate=True),
            lambda o=operands, outs=outs: loss.hess(**o, out=outs[0]),
            lambda o=operands, outs=outs: loss.hvp(**o, vector=o[reference.first], out=outs[0]),
            lambda o=operands: loss(**o),
        ]
        for team, call in itertools.product((1, 3), calls):
            with fl.threads(team), pytest.raises(IndexError, match=rf"{rows.loss}: target.*\b{classes}\b"):
                call()
        assert (value == 7).all()
        assert all((out == 7).all() for out in outs)
        with pytest.raises(IndexError, match=rf"\({where},\)" if rows.kind == "index" else rf"\({where}, 0\)"):
            loss(**operands)
        before = operands[reference.first].copy()
        with pytest.raises(IndexError):
            loss.grad(**operands, out=operands[reference.first])
        np.testing.assert_array_equal(operands[reference.first], before)


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_an_operand_outside_its_domain_is_refused_on_request(rows):
    loss = cases.loss(rows.loss)
    for operand in rows.reference.operands:
        if operand.outside is None:
            continue
        for count, classes in ((5, 4), (300, 40)):
            operands = rows_cases.draw(rows, cases.seed(rows), (count,), classes, np.float64)
            operands[operand.name].flat[-1] = operand.outside
            with fl.errstate(domain="raise"), pytest.raises(ValueError, match=operand.name):
                loss(**operands)
        assert operands[operand.name].flat[-1] == operand.outside


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_more_classes_than_float32_counts_are_refused(rows, dtype):
    """Class indices are then of 32 bits: one beyond would be another class, or none. The arrays take no memory."""
    loss, classes = cases.loss(rows.loss), 2**31 + 8
    many = np.broadcast_to(dtype(0.5), (1, classes))
    shapes = {"scores": many, "distribution": many, "logits": many, "weight": many[0], "per_class": many[0]}
    shapes["list"] = np.broadcast_to(-1, (1, classes))
    shapes["index"] = np.array([classes - 2])
    shapes["target"] = shapes["index"] if rows.kind == "index" else many
    operands = {o.name: shapes[o.kind] for o in rows.reference.operands if o.kind != "index" or rows.kind == "index"}
    out = np.full(1, 7, np.float32)
    message = (
        rf"^{rows.loss}: {rows.reference.first} has {classes} classes on axis 1; float32 takes at most {2**31 - 1}"
    )
    with pytest.raises(ValueError, match=message):
        loss(**operands, reduction="none", out=out)
    for call in (loss, loss.grad, loss.value_and_grad, loss.hess):
        with pytest.raises(ValueError, match=message):
            call(**operands)
    with pytest.raises(ValueError, match=message):
        loss.hvp(**operands, vector=many)
    assert (out == 7).all()


def test_more_classes_of_linear_scores_than_float32_counts_are_refused():
    classes = 2**31 + 8
    weights = np.broadcast_to(np.float32(0.5), (classes, 2))
    out = np.full((1, 2), 7, np.float32)
    message = (
        rf"^linear_cross_entropy: linear_weight has {classes} classes on axis 0; float32 takes at most {2**31 - 1}"
    )
    for call in (fl.linear_cross_entropy, fl.linear_cross_entropy.value_and_grad):
        with pytest.raises(ValueError, match=message):
            call(np.ones((1, 2), np.float32), weights, [classes - 2])
    with pytest.raises(ValueError, match=message):
        fl.linear_cross_entropy.grad(np.ones((1, 2), np.float32), weights, [classes - 2], out=out)
    assert (out == 7).all()


def test_random_calls_never_crash():
    """Any shapes and arguments: a number or an exception that is documented."""
    rng, finished = np.random.default_rng(11), 0
    for _ in range(3000):
        shape = tuple(rng.integers(0, 4, rng.integers(0, 4)))
        labels = tuple(rng.integers(0, 4, rng.integers(0, 4)))
        options = [("axis", int(rng.integers(-3, 3))), ("ignore_index", int(rng.integers(-2, 3)))]
        options += [
            ("reduction", str(rng.choice(["none", "mean", "sum", "batchmean"]))),
            ("weight", rng.random(labels[-1:])),
        ]
        options += [("sample_weight", rng.random(labels)), ("where", rng.random(labels[:1]) < 0.5)]
        chosen = {k: v for k, v in options if rng.random() < 0.3}
        target = rng.integers(-1, 3, labels) if rng.random() < 0.6 else rng.random(shape)
        method = (ce, ce.grad, ce.value_and_grad, ce.hess)[rng.integers(4)]
        try:
            method(rng.standard_normal(shape), target, **chosen)
            finished += 1
        except (ValueError, IndexError, TypeError) as error:
            if not str(error).startswith("cross_entropy"):
                raise
    assert 100 < finished < 2900
