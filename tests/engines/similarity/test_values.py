"""Values of contrastive losses: by hand, by the definition, and with every option."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from references import SIMILARITY_REFERENCES, similarity
from references.similarity_schema import SimilarityLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "similarity"]
GOLDEN = [(name, case) for name in NAMES for case in SIMILARITY_REFERENCES[name].golden]


def drawn(name, samples, features, dtype=np.float64, negatives=7, labels=False, of_each=False, memory=None):
    """A batch of the loss."""
    rng = cases.seed(name, samples, features)
    reference = SIMILARITY_REFERENCES[name]
    more = {"negatives": negatives, "labels": labels, "of_each": of_each, "memory": memory}
    return similarity.draw(reference, rng, samples, features, dtype, **more)


def batches(name, *sizes, **more):
    """Those with positives and those with labels, of a loss that takes either; with what else there may be.

    Of one feature all cosines are 1 or -1, at which angles have no derivative.
    """
    if SIMILARITY_REFERENCES[name].positive and sizes[1] == 1:
        return
    yield drawn(name, *sizes, **more)
    if name == "info_nce_loss":
        yield drawn(name, *sizes, **{**more, "negatives": 4}, of_each=True)
    if name == "nt_xent_loss":
        yield drawn(name, *sizes, **more, labels=True)
    if SIMILARITY_REFERENCES[name].memory:
        for labels in (True, False) if name == "nt_xent_loss" else (True,):
            yield drawn(name, *sizes, **more, labels=labels, memory=sizes[0] + 4)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize(("name", "case"), GOLDEN, ids=str)
def test_golden_values(name, case, isa, use_isa):
    use_isa(isa)
    assert cases.loss(name)(*case.operands, **case.keywords) == pytest.approx(case.value, rel=1e-14)
    narrow = (x if x is None or x.dtype.kind != "f" else x.astype(np.float32) for x in case.operands)
    assert cases.loss(name)(*narrow, **case.keywords) == pytest.approx(case.value, rel=1e-5)


def test_the_number_of_the_article():
    """An anchor with one positive and two negatives, at 0.1."""
    anchor, positive, negatives = [[1.0, 0.0]], [[0.9, 0.1]], [[0.0, 1.0], [-1.0, 0.0]]
    assert fl.info_nce_loss(anchor, positive, negatives, temperature=0.1) == pytest.approx(4.82644e-05, rel=1e-6)
    narrow = (np.array(x, np.float32) for x in (anchor, positive, negatives))
    # A small loss has all its digits in float32, too.
    assert fl.info_nce_loss(*narrow) == pytest.approx(4.826441201636068e-05, rel=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype):
    """Also of the number that similarities are scaled with, which the tests of every engine know as an option."""
    reference, loss = SIMILARITY_REFERENCES[name], cases.loss(name)
    for shape, options in itertools.product(((1, 3), (5, 1), (63, 20), (150, 9)), reference.option_sets()):
        for operands in batches(name, *shape, dtype=dtype):
            want = SimilarityLoss(reference, operands, options).reduce("sum", grad_output=2.0)
            names = (*(n for n in reference.rows if n in operands), *reference.scalars)
            got = loss.value_and_grad(**operands, **options, reduction="sum", grad_output=2.0, wrt=names)
            assert got[0].dtype == dtype
            for what, found in zip(("value", *names), (got[0], *got[1]), strict=True):
                exact = want.value if what == "value" else want.gradients[what]
                room = 8 * np.finfo(dtype).eps * (np.abs(exact) + np.max(want.magnitudes[what], initial=0))
                assert (np.abs(found - exact) <= room).all(), f"{shape} {options} {what} {list(operands)}"


@pytest.mark.parametrize("name", NAMES)
def test_the_shape_of_the_units(name):
    operands, loss = drawn(name, 9, 4), cases.loss(name)
    units = SIMILARITY_REFERENCES[name].units(9)
    assert loss(**operands, reduction="none").shape == (units,)
    total = loss(**operands, reduction="sum")
    assert loss(**operands, reduction="batchmean") == pytest.approx(total / 9, rel=1e-15)
    assert loss(**operands, where=np.ones(units, bool), reduction="sum") == total


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_takes_units_out_of_the_batch(name):
    """What is left is the loss of a smaller batch."""
    reference, loss = SIMILARITY_REFERENCES[name], cases.loss(name)
    operands = drawn(name, 90, 6)
    kept = cases.seed(name, "kept").random(90) < 0.7
    where = np.tile(kept, reference.units(1))
    alone = ("negative", reference.proxies)
    smaller = {k: x if k in alone else x[kept] for k, x in operands.items()}
    names = tuple(n for n in reference.embeddings if n in operands)
    value, gradients = loss.value_and_grad(**operands, where=where, wrt=names)
    again, others = loss.value_and_grad(**smaller, wrt=names)
    assert value == pytest.approx(again, rel=1e-13)
    for n, gradient, other in zip(names, gradients, others, strict=True):
        np.testing.assert_allclose(gradient if n in alone else gradient[kept], other, rtol=1e-10, atol=1e-14)
        assert n in alone or not gradient[~kept].any()


def test_the_default_is_to_differentiate_in_all_embeddings():
    x = drawn("info_nce_loss", 4, 3)
    assert [g.shape for g in fl.info_nce_loss.grad(**x)] == [(4, 3), (4, 3), (7, 3)]
    assert [g.shape for g in fl.info_nce_loss.grad(x["input"], x["positive"])] == [(4, 3), (4, 3)]
    labelled = drawn("supcon_loss", 4, 3)
    assert fl.supcon_loss.grad(**labelled).shape == (4, 3)


def test_labels_are_any_integers():
    operands = drawn("supcon_loss", 40, 5)
    want = fl.supcon_loss(**operands)
    names = np.array([-5, 0, 2**53, 2**53 + 1, 7, -(2**63), 2**63 - 1, 1, 2, 3, 4, 5, 6], np.int64)
    for dtype in (">i8", "<i8"):
        assert fl.supcon_loss(operands["input"], names[operands["target"]].astype(dtype)) == want
    for dtype in "bBhHiIlLqQ":
        assert fl.supcon_loss(operands["input"], operands["target"].astype(dtype)) == want


def test_negatives_of_each_sample():
    """Those of all, repeated, are the same; and each anchor sees its own alone."""
    x = drawn("info_nce_loss", 9, 4, negatives=3)
    repeated = np.broadcast_to(x["negative"], (9, 3, 4))
    for options in ({}, {"in_batch": False}, {"symmetric": True}, {"temperature": 0.01}):
        value, gradients = fl.info_nce_loss.value_and_grad(**x, **options)
        again, others = fl.info_nce_loss.value_and_grad(x["input"], x["positive"], repeated, **options)
        assert again == pytest.approx(value, rel=1e-13)
        for a, b in zip(gradients, (*others[:2], others[2].sum(axis=0)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-15)
    own = cases.seed("own").standard_normal((9, 3, 4))
    changed = own.copy()
    changed[2] += 1
    one, other = (
        fl.info_nce_loss(x["input"], x["positive"], n, reduction="none", in_batch=False) for n in (own, changed)
    )
    assert (one != other).tolist() == [i == 2 for i in range(9)]


def test_clip_is_info_nce_in_both_directions():
    x = drawn("clip_loss", 30, 8)
    both = fl.info_nce_loss(x["image"], x["text"], temperature=0.07, symmetric=True)
    assert fl.clip_loss(**x) == pytest.approx(both, rel=1e-14)
    one = [fl.info_nce_loss(x[a], x[b], temperature=0.07) for a, b in (("image", "text"), ("text", "image"))]
    assert both == pytest.approx(np.mean(one), rel=1e-14)


def test_supcon_of_two_views_is_nt_xent():
    x = drawn("nt_xent_loss", 30, 8)
    rows, labels = np.concatenate([x["input"], x["other"]]), np.tile(np.arange(30), 2)
    assert fl.supcon_loss(rows, labels, temperature=0.5) == pytest.approx(fl.nt_xent_loss(**x), rel=1e-14)


def test_negatives_of_the_batch_may_be_left_out():
    x = drawn("info_nce_loss", 30, 8)
    alone = fl.info_nce_loss(**x, in_batch=False, reduction="none")
    one_by_one = [fl.info_nce_loss(x["input"][i : i + 1], x["positive"][i : i + 1], x["negative"]) for i in range(30)]
    np.testing.assert_allclose(alone, one_by_one, rtol=1e-14)


def test_labels_of_nt_xent_have_one_positive_in_each_denominator():
    """With two rows of each label it is the loss of two views; with more, each is alone among the negatives."""
    x = drawn("nt_xent_loss", 30, 8)
    rows, labels = np.concatenate([x["input"], x["other"]]), np.tile(np.arange(30), 2)
    assert fl.nt_xent_loss(rows, labels=labels) == pytest.approx(fl.nt_xent_loss(**x), rel=1e-13)
    labels = np.arange(60) % 4
    z = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    s = z @ z.T / 0.5
    terms = []
    for i in range(60):
        alike = (labels == labels[i]) & (np.arange(60) != i)
        negatives = np.exp(s[i, labels != labels[i]]).sum()
        terms.append(np.mean([np.log(1 + negatives / np.exp(s[i, p])) for p in np.flatnonzero(alike)]))
    np.testing.assert_allclose(fl.nt_xent_loss(rows, labels=labels, reduction="none"), terms, rtol=1e-12)
    assert fl.nt_xent_loss(rows, labels=labels) != pytest.approx(
        fl.supcon_loss(rows, labels, temperature=0.5), rel=1e-3
    )


WITH_MEMORY = [name for name in NAMES if SIMILARITY_REFERENCES[name].memory]


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_rows_of_the_memory_are_as_those_of_the_batch(name):
    """But for being no anchors: the losses of the rows are those they have in one batch of all."""
    reference, loss = SIMILARITY_REFERENCES[name], cases.loss(name)
    x = drawn(name, 70, 6, labels=True, memory=150)
    whole = {
        "input": np.concatenate([x["input"], x["memory"]]),
        reference.labels: np.concatenate([x[reference.labels], x["memory_labels"]]),
    }
    np.testing.assert_allclose(loss(**x, reduction="none"), loss(**whole, reduction="none")[:70], rtol=1e-12)
    weight = np.arange(220) < 70
    in_all = loss.grad(**whole, sample_weight=weight, reduction="sum", wrt="input")
    found = np.concatenate(loss.grad(**x, reduction="sum", wrt=("input", "memory")))
    np.testing.assert_allclose(found, in_all, rtol=1e-9, atol=1e-14)
    np.testing.assert_array_equal(loss.grad(**x, reduction="sum", wrt="memory"), found[70:])
    assert loss.grad(**x).shape == (70, 6)


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_a_mask_leaves_the_memory(name):
    reference, loss = SIMILARITY_REFERENCES[name], cases.loss(name)
    x = drawn(name, 60, 5, labels=True, memory=20)
    kept = cases.seed(name, "kept").random(60) < 0.6
    fewer = {k: v if "memory" in k else v[kept] for k, v in x.items()}
    wrt = ("input", "memory", reference.number)
    value, gradients = loss.value_and_grad(**x, where=kept, wrt=wrt)
    again, others = loss.value_and_grad(**fewer, wrt=wrt)
    assert value == pytest.approx(again, rel=1e-13)
    for a, b in zip((gradients[0][kept], *gradients[1:]), others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_an_empty_memory_is_none(name):
    x = drawn(name, 30, 5, labels=True)
    nothing = {"memory": np.empty((0, 5)), "memory_labels": np.empty(0, np.int64)}
    assert cases.loss(name)(**x, **nothing) == cases.loss(name)(**x)


def test_labels_of_the_memory_may_be_of_another_dtype():
    """Equal where the numbers are, not the bits."""
    x = drawn("supcon_loss", 40, 5, memory=30)
    want = fl.supcon_loss(**x)
    for one, other in (("i1", "u8"), ("u2", "i8"), (">i4", "<i2")):
        dtypes = {"target": one, "memory_labels": other}
        assert fl.supcon_loss(**{k: v.astype(dtypes.get(k, v.dtype)) for k, v in x.items()}) == want
    below = {**x, "target": x["target"] - 5, "memory_labels": (x["memory_labels"] - 5).astype("i2")}
    assert fl.supcon_loss(**below) == want
    # The bits of the largest unsigned number are those of -1.
    x["target"][:], x["memory_labels"] = -1, np.full(30, 2**64 - 1, np.uint64)
    apart = {**x, "memory_labels": np.zeros(30, np.int64)}
    assert fl.supcon_loss(**x) == fl.supcon_loss(**apart)
