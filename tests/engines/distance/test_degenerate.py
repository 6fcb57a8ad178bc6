"""Equal embeddings, vectors of zeros and of no features, huge, tiny, missing and infinite numbers: documented rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_schema import DistanceLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]
# Losses that only angles count in.
COSINES = ("cosine_embedding_loss", "cosine_distance_loss", "negative_cosine_loss")


def drawn(name, units, width, dtype=np.float64, **options):
    reference = EMBEDDING_REFERENCES[name]
    return distance_draws.ordinary(cases.seed(name, units, width), reference, units, width, dtype, options)


def results(name, operands, **call):
    """The unreduced value and all gradients."""
    wrt = EMBEDDING_REFERENCES[name].differentiable
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt, **{"reduction": "none", **call})
    return [value, *gradients]


def option_sets(name):
    """The options that decide what is measured."""
    sets = EMBEDDING_REFERENCES[name].option_sets()
    return [o for o in sets if not {"margin", "margin2"} & set(o) or len(o) > 1]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_equal_embeddings_have_finite_gradients(name, dtype, isa, use_isa):
    """All of them equal, and each two of them; of zeros too."""
    use_isa(isa)
    reference = EMBEDDING_REFERENCES[name]
    for options in option_sets(name):
        for one, other in itertools.combinations(reference.embeddings, 2):
            for factor in (1, 0):
                operands = drawn(name, (40,), 6, dtype)
                operands[other][::2] = operands[one][::2] = operands[one][::2] * dtype(factor)
                with fl.errstate(nonfinite="raise"):
                    value, *gradients = results(name, operands, **options)
                exact = DistanceLoss(reference, operands, options)
                off_kinks = exact.kink > distance_draws.ROOM
                np.testing.assert_allclose(
                    value[off_kinks], exact.values[off_kinks].astype(float), rtol=1e-5, atol=1e-5
                )
                assert all(np.isfinite(gradient).all() for gradient in gradients), f"{options} {one} {other}"


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_at_no_distance_the_gradient_is_zero(dtype):
    """Where eps is 0: there is no direction."""
    x = np.ones((5, 3), dtype)
    for p in (0.5, 1.0, 1.5, 2.0, 3.0, 50.0, np.inf):
        value, gradients = fl.pairwise_distance.value_and_grad(x, x, p=p, eps=0)
        assert not value.any()
        assert not any(gradient.any() for gradient in gradients)
        moved = {"p": p, "eps": 0, "reduction": "none"}
        value, gradients = fl.triplet_margin_loss.value_and_grad(x, x, x, **moved)
        assert (value == 1).all()
        assert not any(gradient.any() for gradient in gradients)
    for target in (0, 1):
        value, gradients = fl.contrastive_loss.value_and_grad(x, x, np.full(5, target), eps=0, reduction="none")
        assert (value == 1 - target).all()
        assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("p", [0.25, 0.5, 0.9, 1.0])
def test_differences_of_zero_have_no_gradient_where_it_would_be_infinite(p, dtype):
    x1, x2 = np.array([[0.0, 3.0, 4.0]], dtype), np.zeros((1, 3), dtype)
    _, (gradient, _) = fl.pairwise_distance.value_and_grad(x1, x2, p=p, eps=0)
    assert gradient[0, 0] == 0
    assert (gradient[0, 1:] > 0).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_units_without_features(name, dtype):
    """Distances and products of nothing are 0, and so is the cosine."""
    reference = EMBEDDING_REFERENCES[name]
    for units in ((4,), (2, 3), ()):
        operands = {each: np.zeros((*units, 0), dtype) for each in reference.embeddings}
        if reference.has_target:
            operands["target"] = np.ones(units, dtype)
        for options in reference.option_sets():
            value, *gradients = results(name, operands, **options)
            want = DistanceLoss(reference, operands, options).reduce("none")
            np.testing.assert_allclose(value, want.value.astype(float), rtol=1e-6)
            assert value.shape == units
            for each, gradient in zip(reference.differentiable, gradients, strict=True):
                assert gradient.shape == operands[each].shape
            if reference.target_differentiable:
                np.testing.assert_allclose(gradients[-1], want.gradients["target"].astype(float), rtol=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_no_units(name, dtype):
    reference = EMBEDDING_REFERENCES[name]
    for units, width in (((0,), 5), ((0, 3), 4), ((3, 0), 4), ((0,), 0)):
        operands = drawn(name, units, width, dtype)
        value, *gradients = results(name, operands)
        assert value.shape == units
        assert [g.shape for g in gradients] == [operands[each].shape for each in reference.differentiable]
        assert np.isnan(cases.loss(name)(**operands))
        assert cases.loss(name)(**operands, reduction="sum") == 0


# Of every length whose square is in the range of long double: of float32 all that there are.
LENGTHS = {np.float32: (1e-38, 1e-30, 1e-20, 1e20, 1e30, 1e37), np.float64: (1e-300, 1e-160, 1e160, 1e300)}


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 20.0, np.inf])
def test_distances_of_every_length(p, dtype, isa, use_isa):
    """No square or power leaves the range: the distance of vectors k times as long is k times as large."""
    use_isa(isa)
    rng = cases.seed("lengths", p)
    x1, x2 = rng.standard_normal((2, 30, 9))
    for length in LENGTHS[dtype]:
        one, other = (length * x1).astype(dtype), (length * x2).astype(dtype)
        with fl.errstate(nonfinite="raise"):
            value, gradients = fl.pairwise_distance.value_and_grad(one, other, p=p, eps=0)
        wide = [x.astype(np.longdouble) / length for x in (one, other)]
        r = np.abs(wide[0] - wide[1])
        d = r.max(axis=-1) if np.isinf(p) else (r**p).sum(axis=-1) ** (1 / np.longdouble(p))
        room = {"rtol": 40 * np.finfo(dtype).eps}
        np.testing.assert_allclose((value.astype(np.longdouble) / length).astype(float), d.astype(float), **room)
        if not np.isinf(p):
            slope = np.sign(wide[0] - wide[1]) * (r / d[:, np.newaxis]) ** (p - 1)
            tiny = 40 * np.finfo(dtype).smallest_normal
            np.testing.assert_allclose(gradients[0], slope.astype(float), **room, atol=tiny)
            np.testing.assert_array_equal(gradients[1], -gradients[0])


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", COSINES)
def test_angles_of_vectors_of_every_length(name, dtype, isa, use_isa):
    use_isa(isa)
    reference = EMBEDDING_REFERENCES[name]
    operands = drawn(name, (30,), 9)
    for one, other in itertools.product((*LENGTHS[dtype], 1.0), repeat=2):
        lengths = dict(zip(reference.embeddings, (one, other), strict=True))
        given = {k: (x * lengths.get(k, 1.0)).astype(dtype) for k, x in operands.items()}
        with fl.errstate(nonfinite="raise"):
            value = cases.loss(name)(**given, reduction="none")
        want = DistanceLoss(reference, given)
        np.testing.assert_allclose(value, want.values.astype(float), rtol=1e-5, atol=40 * np.finfo(dtype).eps)
        # A gradient is that over the length, which is beyond the range where this is near its end.
        gradients = cases.loss(name).grad(**given, reduction="none", wrt=reference.embeddings)
        exact = want.reduce("none")
        for each, gradient in zip(reference.embeddings, gradients, strict=True):
            slopes, sizes = exact.gradients[each], exact.magnitudes[each]
            inside = np.abs(slopes) + sizes < np.finfo(dtype).max
            room = 40 * np.finfo(dtype).eps * (np.abs(slopes) + sizes) + np.finfo(dtype).smallest_normal
            with np.errstate(all="ignore"):
                assert (np.abs(gradient.astype(np.longdouble) - slopes) <= room)[inside].all(), f"{one} {other} {each}"


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_gradient_below_eps_is_that_of_the_value(dtype):
    """Where torch's is not: the norm is a constant there."""
    x1, x2 = np.array([[3e-4, 4e-4]], dtype), np.array([[3.0, 4.0]], dtype)
    value, (first, second) = fl.cosine_similarity.value_and_grad(x1, x2, eps=1e-3)
    np.testing.assert_allclose(value, [0.5], rtol=1e-6)
    np.testing.assert_allclose(first, [[600, 800]], rtol=1e-6)
    np.testing.assert_allclose(second, np.zeros((1, 2)), atol=1e-7)
    up = fl.cosine_similarity(x1 + np.array([[1e-5, 0]], dtype), x2, eps=1e-3)
    np.testing.assert_allclose(up - value, [6e-3], rtol=1e-3)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_missing(name, dtype, isa, use_isa):
    """The loss of its unit is missing, and its slopes there; nothing of the others."""
    use_isa(isa)
    reference = EMBEDDING_REFERENCES[name]
    for options, width in itertools.product(option_sets(name), (1, 7, 40)):
        clean = drawn(name, (40,), width, dtype)
        whole = results(name, clean, **options)
        for k, each in enumerate(reference.embeddings):
            dirty = {name: x.copy() for name, x in clean.items()}
            dirty[each][3 + k, -1] = np.nan
            rest = np.arange(40) != 3 + k
            found = results(name, dirty, **options)
            for part, expected in zip(found, whole, strict=True):
                np.testing.assert_array_equal(part[rest], expected[rest])
            assert np.isnan(found[0][3 + k]), f"{options} {each}"
            assert np.isnan(found[1 + k][3 + k, -1]), f"{options} {each}"
            assert np.isnan(cases.loss(name)(**dirty, **options))
            for part, expected in zip(results(name, dirty, where=rest, **options), whole, strict=True):
                assert not part[~rest].any()
                np.testing.assert_array_equal(part[rest], expected[rest])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_infinite_embeddings(dtype):
    """An infinite distance is one, two that are infinite alike have none; a gradient is never a wrong number."""
    x1 = np.array([[np.inf, 0.0], [np.inf, 1.0], [1.0, -np.inf]], dtype)
    x2 = np.array([[0.0, 0.0], [np.inf, 1.0], [1.0, np.inf]], dtype)
    for p in (1.0, 2.0, 3.0, np.inf):
        value = fl.pairwise_distance(x1, x2, p=p)
        np.testing.assert_array_equal(value, [np.inf, np.nan, np.inf])
    assert np.isnan(fl.cosine_similarity(x1, x2)).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_large_exponents(dtype):
    """The distance of p=100 is not that of overflowing powers."""
    x1, x2 = np.array([[5.0, 1.0, 5.0]], dtype), np.zeros((1, 3), dtype)
    for p in (100.0, 1000.0, 1e5, 1e10, 1e300):
        value, (gradient, _) = fl.pairwise_distance.value_and_grad(x1, x2, p=p, eps=0)
        np.testing.assert_allclose(value, [5 * 2 ** (1 / p)], rtol=4 * np.finfo(dtype).eps)
        if p <= 1e5:  # d to the power p - 1 is off by p roundings
            np.testing.assert_allclose(gradient, [[2 ** (1 / p - 1), 0, 2 ** (1 / p - 1)]], rtol=1e-6, atol=1e-30)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_the_same_where_gradients_are_in_some_units_alone(name):
    """A gradient of zero that flows into a unit asks for nothing of it."""
    reference = EMBEDDING_REFERENCES[name]
    operands = drawn(name, (6,), 5)
    whole = results(name, operands)
    flow = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    for each in reference.embeddings:
        operands[each][flow == 0] = np.nan
    found = results(name, operands, grad_output=flow)
    for part, expected in zip(found[1:], whole[1:], strict=True):
        assert_same(part[flow == 1], expected[flow == 1], "of those that a gradient flows into")
        assert not part[flow == 0].any()
