"""Class-balanced weights against the formula of Cui et al. (2019), its limits, and calls that make no sense."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl


def by_definition(counts, beta):
    """The printed formula, in wider arithmetic than the function has."""
    n, b = np.asarray(counts).astype(cases.LONG), cases.LONG(beta)
    weight = (1 - b) / (1 - b**n)
    return (weight * n.size / weight.sum()).astype(np.float64)


def test_golden_numbers():
    weights = fl.class_balanced_weights([1000, 100, 10])
    np.testing.assert_allclose(weights, [0.0421604, 0.28000014, 2.67783946], rtol=0, atol=5e-9)
    assert weights.dtype == np.float64


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("counts", [(7,), (5, 5), (1, 2, 3), (1000000, 1, 40), tuple(range(1, 200))])
def test_the_printed_formula(counts, beta):
    weights = fl.class_balanced_weights(np.array(counts, np.int32), beta=beta)
    np.testing.assert_allclose(weights, by_definition(counts, beta), rtol=1e-13)
    assert weights.mean() == pytest.approx(1, rel=1e-14)
    assert np.all(np.diff(weights[np.argsort(counts, kind="stable")]) <= 0)


def test_limits():
    counts = np.array([10, 40, 2])
    np.testing.assert_array_equal(fl.class_balanced_weights(counts, beta=0), np.ones(3))
    by_frequency = 3 / counts / np.sum(1 / counts)
    np.testing.assert_allclose(fl.class_balanced_weights(counts, beta=1), by_frequency, rtol=1e-15)
    # 1 - beta**n cancels here: as written, the formula would be off in the second digit.
    np.testing.assert_allclose(fl.class_balanced_weights(counts, beta=1 - 2.0**-53), by_frequency, rtol=1e-14)
    assert np.all(np.isfinite(fl.class_balanced_weights([1e-320, 1e300], beta=1.0)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64, np.float16, np.float32])
def test_any_real_dtype(dtype):
    counts = np.array([200, 100, 10], dtype)
    np.testing.assert_allclose(fl.class_balanced_weights(counts), fl.class_balanced_weights([200, 100, 10]), rtol=1e-15)


@pytest.mark.parametrize(
    ("counts", "beta", "error", "text"),
    [
        ([], 0.9, ValueError, r"counts must have shape \(C,\).*got shape \(0,\)"),
        ([[1, 2]], 0.9, ValueError, r"counts.*got shape \(1, 2\)"),
        (3, 0.9, ValueError, r"counts.*got shape \(\)"),
        ([4, 0, 2], 0.9, ValueError, r"counts must be finite and above 0, got 0\.0 for class 1"),
        ([4, -1], 0.9, ValueError, r"got -1\.0 for class 1"),
        ([float("nan"), 1], 0.9, ValueError, r"got nan for class 0"),
        ([1, float("inf")], 0.9, ValueError, r"got inf for class 1"),
        ([True, False], 0.9, TypeError, "counts must be real numbers, got dtype bool"),
        (["3", "4"], 0.9, TypeError, "counts must be real numbers"),
        ([1j, 2], 0.9, TypeError, "counts must be real numbers"),
        ([1, 2], 1.5, ValueError, r"beta must be >= 0 and <= 1, got 1\.5"),
        ([1, 2], -0.1, ValueError, "beta"),
        ([1, 2], float("nan"), ValueError, "beta"),
        ([1, 2], None, TypeError, "beta must be real numbers"),
        ([1, 2], [0.9, 0.9], TypeError, "beta must be a number"),
    ],
)
def test_calls_that_make_no_sense(counts, beta, error, text):
    with pytest.raises(error, match=f"class_balanced_weights: .*{text}|class_balanced_weights: {text}"):
        fl.class_balanced_weights(counts, beta=beta)
