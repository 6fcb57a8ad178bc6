"""What must hold whatever the numbers: symmetry, convexity, homogeneity, linearity, order, concatenation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cases
from references import REFERENCES
from references.reductions import reduce

CHECKED = settings(
    derandomize=True, deadline=None, max_examples=30, database=None, suppress_health_check=list(HealthCheck)
)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 200)


def having(prefix):
    """The losses that have a property."""
    names = [n for n in cases.NAMES if any(p.startswith(prefix) for p in REFERENCES[n].properties)]
    assert names, f"no loss is {prefix}"
    return pytest.mark.parametrize("name", names)


def _operands(name, seed, count):
    return cases.sample(REFERENCES[name], np.random.default_rng(seed), count, np.float64)


def _unweighted(name, seed, count):
    """Operands without the one that multiplies the loss from outside."""
    weights = {o.name for o in REFERENCES[name].operands if o.multiplies}
    return {k: v for k, v in _operands(name, seed, count).items() if k not in weights}


def _options(name, data):
    return data.draw(st.sampled_from(cases.option_sets(REFERENCES[name])))


@having("symmetric")
@CHECKED
@given(seed=SEEDS, count=SIZES, data=st.data())
def test_symmetric_losses_have_odd_gradients(name, seed, count, data):
    operands, options = _operands(name, seed, count), _options(name, data)
    first, second, *_ = REFERENCES[name].names
    mirrored = {**operands, first: -operands[first], second: -operands[second]}
    swapped = {**operands, first: operands[second], second: operands[first]}
    value = cases.compute(name, "value", operands, options)
    gradient = cases.compute(name, f"gradient:{first}", operands, options)
    for other in (mirrored, swapped):
        np.testing.assert_array_equal(cases.compute(name, "value", other, options), value)
        np.testing.assert_array_equal(cases.compute(name, f"gradient:{first}", other, options), -gradient)
    np.testing.assert_array_equal(cases.compute(name, f"gradient:{second}", operands, options), -gradient)


@having("convex")
@CHECKED
@given(seed=SEEDS, count=SIZES, data=st.data())
def test_convex_losses_lie_below_their_chords_and_above_their_tangents(name, seed, count, data):
    a, options, first = _operands(name, seed, count), _options(name, data), REFERENCES[name].first
    b = {**a, first: _operands(name, seed + 1, count)[first]}
    share = np.random.default_rng(seed).random(count)
    between = {**a, first: (1 - share) * a[first] + share * b[first]}
    at_a, at_b, at_between = (cases.compute(name, "value", x, options) for x in (a, b, between))
    chord = (1 - share) * at_a + share * at_b
    slack = 1e-12 * (1 + np.abs(at_a) + np.abs(at_b))
    assert np.all(at_between <= chord + slack)
    tangent = at_a + cases.compute(name, f"gradient:{first}", a, options) * (b[first] - a[first])
    assert np.all(at_b >= tangent - slack - 1e-12 * np.abs(tangent))
    if cases.INFO[name].elementwise:
        assert np.all(cases.compute(name, "hessian", a, options) >= 0)


@having("non-negative")
@CHECKED
@given(seed=SEEDS, count=SIZES, data=st.data())
def test_non_negative(name, seed, count, data):
    options = _options(name, data)
    assert np.all(cases.compute(name, "value", _operands(name, seed, count), options) >= 0)


@having("homogeneous")
@CHECKED
@given(seed=SEEDS, count=SIZES, exponent=st.integers(-20, 20))
def test_homogeneous(name, seed, count, exponent):
    operands = _operands(name, seed, count)
    degree = next(int(p.partition(":")[2]) for p in REFERENCES[name].properties if p.startswith("homogeneous"))
    first, second, *_ = REFERENCES[name].names
    scaled = {**operands, **{k: np.ldexp(operands[k], exponent) for k in (first, second)}}
    value = cases.compute(name, "value", operands, {})
    gradient = cases.compute(name, f"gradient:{first}", operands, {})
    # A power of two changes no digit.
    np.testing.assert_array_equal(cases.compute(name, "value", scaled, {}), np.ldexp(value, degree * exponent))
    np.testing.assert_array_equal(
        cases.compute(name, f"gradient:{first}", scaled, {}), np.ldexp(gradient, (degree - 1) * exponent)
    )


@pytest.mark.parametrize("name", [n for n in cases.NAMES if REFERENCES[n].head is None])
@CHECKED
@given(seed=SEEDS, count=SIZES)
def test_linear_in_the_weights(name, seed, count):
    operands, loss = _operands(name, seed, count), cases.loss(name)
    rng = np.random.default_rng(seed)
    u, v = rng.random(count), rng.random(count)
    for weight in ["sample_weight", *(o.name for o in REFERENCES[name].operands if o.multiplies)]:
        sums = [loss(**{**operands, weight: x}, reduction="sum") for x in (u, v, 2 * u + 3 * v)]
        np.testing.assert_allclose(sums[2], 2 * sums[0] + 3 * sums[1], rtol=1e-12, atol=1e-12 * count)
        plain = loss.grad(**{**operands, weight: np.ones(count)}, reduction="none")
        np.testing.assert_allclose(loss.grad(**{**operands, weight: u}, reduction="none"), u * plain, rtol=1e-15)


@pytest.mark.parametrize("name", cases.NAMES)
@CHECKED
@given(seed=SEEDS, count=SIZES)
def test_a_weighted_mean_does_not_depend_on_the_scale_of_the_sample_weights(name, seed, count):
    operands, loss = _operands(name, seed, count), cases.loss(name)
    weights = np.random.default_rng(seed).random(count) + 0.1
    value, gradient = loss.value_and_grad(**operands, sample_weight=weights)
    again, slope = loss.value_and_grad(**operands, sample_weight=16 * weights)
    np.testing.assert_allclose(again, value, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", cases.NAMES)
@CHECKED
@given(seed=SEEDS, count=SIZES)
def test_whole_sample_weights_repeat_elements(name, seed, count):
    operands, loss = _unweighted(name, seed, count), cases.loss(name)
    times = np.random.default_rng(seed).integers(0, 4, count)
    times[0] = 1
    repeated = {k: np.repeat(v, times) for k, v in operands.items()}
    for reduction in ("mean", "sum"):
        np.testing.assert_allclose(
            loss(**operands, sample_weight=times, reduction=reduction),
            loss(**repeated, reduction=reduction),
            rtol=1e-12,
            atol=1e-13,
        )


@pytest.mark.parametrize("name", cases.NAMES)
@CHECKED
@given(seed=SEEDS, count=SIZES, data=st.data())
def test_permuting_the_elements_permutes_the_gradient(name, seed, count, data):
    operands, options = _operands(name, seed, count), _options(name, data)
    order = np.random.default_rng(seed).permutation(count)
    shuffled = {k: v[order] for k, v in operands.items()}
    for quantity in cases.quantities(name):
        plain = cases.compute(name, quantity, operands, options)
        np.testing.assert_array_equal(cases.compute(name, quantity, shuffled, options), plain[order])
    np.testing.assert_allclose(
        cases.loss(name)(**shuffled, **options), cases.loss(name)(**operands, **options), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("name", [n for n in cases.NAMES if REFERENCES[n].head is None])
@CHECKED
@given(seed=SEEDS, first=SIZES, second=SIZES)
def test_the_sum_of_a_concatenation_is_the_sum_of_the_sums(name, seed, first, second):
    one, other, loss = _operands(name, seed, first), _operands(name, seed + 1, second), cases.loss(name)
    both = {k: np.concatenate([one[k], other[k]]) for k in one}
    total = loss(**both, reduction="sum")
    np.testing.assert_allclose(
        total, loss(**one, reduction="sum") + loss(**other, reduction="sum"), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("name", cases.NAMES)
@CHECKED
@given(seed=SEEDS, count=SIZES)
def test_the_reductions_are_one_sum_over_different_denominators(name, seed, count):
    loss = cases.loss(name)
    operands = {k: v.reshape(count, 3) for k, v in _unweighted(name, seed, 3 * count).items()}
    mean, total, batchmean = (loss(**operands, reduction=r) for r in ("mean", "sum", "batchmean"))
    reference = REFERENCES[name]
    denominator = operands[reference.denominator_term].sum() if reference.denominator_term in operands else 3.0 * count
    if reference.head is None:
        whole = np.array([mean * denominator, batchmean * count, total])
    else:
        heads = [float(reduce(reference, operands, {}, r).value) for r in ("mean", "batchmean", "sum")]
        whole = np.array([mean, batchmean, total]) / heads
    np.testing.assert_allclose(whole, whole[[2, 2, 2]], rtol=1e-12, atol=1e-12 * count)
    np.testing.assert_allclose(loss(**operands, normalizer=count), batchmean, rtol=1e-13, atol=1e-14)
