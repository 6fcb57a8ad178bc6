"""Every loss on numbers of random bits, within the bounds that docs/numbers.md promises.

The numbers are the same in every run: what fails is what a change broke. FASTLOSS_TEST_SEED=<seed> draws others,
as `.ci/run full` does by a new seed, and FASTLOSS_TEST_BITS=<n> n times as many. A failure prints the seed.
"""

from __future__ import annotations

import os
import zlib

import numpy as np
import pytest

import cases
import random_bits
import rows_cases
from references import REFERENCES

SEED = int(os.environ.get("FASTLOSS_TEST_SEED", "0"))
MORE = int(os.environ.get("FASTLOSS_TEST_BITS", "1"))
COUNT, PRECISE = 50, 1  # elements of each setting in long double, and those of them in mpmath as well


def generator(*what) -> np.random.Generator:
    """A generator for a test, of this run."""
    return np.random.default_rng([SEED, zlib.crc32("/".join(map(str, what)).encode())])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_pointwise_losses(name, dtype, use_isa):
    rng = generator(name, dtype)
    use_isa(rng.choice(cases.ISAS))
    found = []
    for options, present in cases.settings(REFERENCES[name]):
        found += random_bits.violations(name, options, present, dtype, rng, COUNT * MORE, PRECISE * MORE)
    found.sort(reverse=True)
    assert not found, f"FASTLOSS_TEST_SEED={SEED} repeats this:\n" + "\n".join(words for _, words in found[:5])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_losses_of_rows(rows, dtype, use_isa):
    rng = generator(rows, dtype)
    use_isa(rng.choice(cases.ISAS))
    for _ in range(MORE):
        classes = int(rng.integers(1, 40))
        operands = rows_cases.draw(rows, rng, (20,), classes, dtype, ignored=0.1)
        draws = rows.reference.draws
        if not any((rows.reference.defaults | rows.given)[option] in draws[option] for option in draws):
            operands[rows.reference.first] = random_bits.rows_of_scores(rng, 20, classes, dtype)
        what = f"FASTLOSS_TEST_SEED={SEED} repeats this, {classes} classes"
        rows_cases.check(rows, operands, dtype, what, second=False)


# What an attack found outside the bounds, or lost altogether: (loss, options, operands, quantity).
FOUND = (
    ("gamma_nll_loss", {"link": "identity", "full": True}, (1.48e-4, 1.08e36), "gradient:target"),
    ("gamma_nll_loss", {"full": True}, (-83.55652, 312.61447), "gradient:target"),
    ("tweedie_loss", {"power": 3.0, "link": "identity"}, (5e-20, 5e-21), "value"),
    ("tweedie_loss", {"power": 3.0, "link": "identity"}, (1.3607578e15, 5.2803315e24), "hessian"),
    ("tweedie_loss", {"power": -0.5, "link": "identity"}, (4.792828e-38, 1.5809285e31), "value"),
    (
        "tweedie_loss",
        {"power": 2.0, "link": "identity", "full": True},
        (8.5974024e-26, 1.5074235e23),
        "gradient:target",
    ),
    ("log_normal_nll_loss", {}, (-1e30, 1e18, 1e-5), "gradient:target"),
    ("log_normal_nll_loss", {"eps": 0.001}, (2.5122212e38, 2.5058771e38, 1.482757e-09), "gradient:target"),
    ("binary_cross_entropy_with_logits", {}, (-5.2e36, 5.2e-38, 1.0, 1.5e-29), "value"),
    ("gaussian_nll_loss", {"beta": 0.5}, (1.1729083e-21, 2.1488998e17, 5.1700615e-16), "value"),
    ("gaussian_nll_loss", {"beta": 1.0}, (1.0771701e34, -3.8919585e-24, 3.8919593e-24), "gradient:input"),
    ("gaussian_nll_loss", {"beta": 1.0}, (2.2749407e18, 2.2745509e18, 1.1827581e-30), "gradient:var"),
    (
        "student_t_nll_loss",
        {"eps": 0.001},
        (-9.693996e-36, -1.3711658e-35, 1.5107879e10, 9.6939914e-36),
        "gradient:input",
    ),
    ("asymmetric_loss", {"gamma_neg": 0.5}, (101.584305, 0.009502689), "gradient:input"),
    ("crps_gaussian", {}, (0.020844504, 0.021221096, 2.5910846e-05), "hessian"),
    ("crps_laplace", {}, (1e-20, 0.0, 9.5e-23), "hessian"),
    ("crps_logistic", {}, (1e-20, 0.0, 9.5e-23), "hessian"),
)


@pytest.mark.parametrize(("name", "options", "operands", "quantity"), FOUND, ids=lambda x: str(x).replace(" ", ""))
def test_what_was_found(name, options, operands, quantity, use_isa):
    operands = {k: np.array([x], np.float32) for k, x in zip(REFERENCES[name].names, operands, strict=True)}
    for isa in cases.ISAS:
        use_isa(isa)
        got = cases.compute(name, quantity, operands, options)
        assert np.isfinite(got)
        assert got != 0
        assert not random_bits.against_mpmath(REFERENCES[name], quantity, operands, options, np.float32, got)


@pytest.mark.parametrize("mean", [1e6, 1e100, 1e300])
@pytest.mark.parametrize("times", [1e-300, 1e-9, 3.0, 1e7])
def test_a_power_has_its_digits_at_large_means(mean, times, use_isa):
    operands = {"input": np.array([mean]), "target": np.array([mean * times])}
    options = {"power": 1.2, "link": "identity", "full": True}
    for isa in cases.ISAS:
        use_isa(isa)
        for quantity in ("value", "gradient:target"):
            got = cases.compute("tweedie_loss", quantity, operands, options)
            assert not random_bits.against_mpmath(
                REFERENCES["tweedie_loss"], quantity, operands, options, np.float64, got
            )


def test_a_wrong_result_is_found(monkeypatch):
    compute = cases.compute
    off_by_eight = lambda *a, **k: compute(*a, **k) * (1 + 8 * 2.0**-52)  # noqa: E731
    monkeypatch.setattr(cases, "compute", off_by_eight)
    found = random_bits.violations("mse_loss", {}, ("input", "target"), np.float64, cases.seed("wrong"), 100, 1)
    assert any("gradient:input" in words for _, words in found)
