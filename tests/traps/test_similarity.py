"""What contrastive losses get wrong in the wild."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl


def two_views(rows=5, features=3, dtype=np.float64):
    rng = cases.seed("views", rows, features)
    x = rng.standard_normal((rows, features))
    return x.astype(dtype), (x + 0.5 * rng.standard_normal(x.shape)).astype(dtype)


def test_a_row_is_not_compared_with_itself():
    """Subtracting exp(1 / temperature) from the denominator gives the value, and a wrong gradient (trap 88)."""
    x, other = two_views()

    def subtracting(z, temperature=0.5):
        z = z / np.linalg.norm(z, axis=1, keepdims=True)
        s = z @ z.T / temperature
        n = len(z) // 2
        total = np.exp(s).sum(axis=1) - np.exp(1 / temperature)
        return np.mean(np.log(total) - s[np.arange(2 * n), np.roll(np.arange(2 * n), n)])

    assert fl.nt_xent_loss(x, other) == pytest.approx(subtracting(np.concatenate([x, other])), rel=1e-13)
    # A row of its own length: its gradient is that of the loss whose diagonal is left out, by differences.
    gradient = fl.nt_xent_loss.grad(x, other, wrt="input")
    for place in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        slope = (fl.nt_xent_loss(moved[0], other) - fl.nt_xent_loss(moved[1], other)) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("temperature", [0.07, 0.01, 0.001, 1e-6, 1e-12, 1e-30])
def test_small_temperatures_neither_overflow_nor_lose_all_terms(dtype, temperature):
    """exp(1 / 0.01) is infinite in float32, and exp(-2 / 0.01), by the largest cosine there may be, is 0 (trap 89)."""
    x, other = two_views(6, 3, dtype)
    x[0], other[0] = [1, 0, 0], [-1, 0, 0]  # all its candidates are unlike it
    x[1:, 0], other[1:, 0] = -np.abs(x[1:, 0]) - 2, -np.abs(other[1:, 0]) - 2
    z = np.concatenate([x, other]).astype(np.longdouble)
    z /= np.sqrt((z * z).sum(axis=1, keepdims=True))
    s = z @ z.T / np.longdouble(temperature)
    np.fill_diagonal(s, -np.inf)
    most = s.max(axis=1)
    lse = most + np.log(np.exp(s - most[:, None]).sum(axis=1))
    want = lse - s[np.arange(12), np.roll(np.arange(12), 6)]
    got = fl.nt_xent_loss(x, other, temperature=temperature, reduction="none")
    np.testing.assert_allclose(got, want.astype(float), rtol=1e-5, atol=float(30 * np.finfo(dtype).eps / temperature))
    for gradient in fl.nt_xent_loss.grad(x, other, temperature=temperature):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_all_rows_alike(dtype):
    """The loss of a collapsed batch is the logarithm of its size, at any temperature."""
    x = np.ones((8, 3), dtype)
    for temperature in (0.5, 0.07, 0.01):
        assert fl.nt_xent_loss(x, x, temperature=temperature) == pytest.approx(np.log(15), rel=1e-3)


@pytest.mark.parametrize("temperature", [0.0, -0.1])
def test_a_temperature_of_zero_is_an_error(temperature):
    with pytest.raises(ValueError, match="temperature must be > 0"):
        fl.nt_xent_loss(*two_views(), temperature=temperature)


def test_anchors_without_a_positive_do_not_count():
    """0 / 0 positives was NaN in the authors' code; here such rows are no units (trap 90)."""
    x, _ = two_views()
    value = fl.supcon_loss(x, [0, 0, 1, 1, 2])
    losses = fl.supcon_loss(x, [0, 0, 1, 1, 2], reduction="none")
    assert value == pytest.approx(losses.sum() / 4, rel=1e-15)
    assert losses[4] == 0
    gradient = fl.supcon_loss.grad(x, [0, 0, 1, 1, 2])
    assert gradient[4].any()  # it is a negative of others


def test_losses_that_are_called_the_same_elsewhere_differ():
    """One direction over the other view, two of them, all other views, and without the positive (trap 91)."""
    x, other = two_views()
    z = [a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, other)]
    cross, within = z[0] @ z[1].T / 0.5, z[0] @ z[0].T / 0.5
    own = np.diag(cross)

    def log_sum(*parts):
        return np.log(sum(np.exp(part).sum(axis=1) for part in parts))

    apart = within.copy()
    np.fill_diagonal(apart, -np.inf)
    one_way = fl.info_nce_loss(x, other, temperature=0.5, reduction="none")
    np.testing.assert_allclose(one_way, log_sum(cross) - own, rtol=1e-12)
    views = fl.nt_xent_loss(x, other, reduction="none")[:5]
    np.testing.assert_allclose(views, log_sum(cross, apart) - own, rtol=1e-12)
    back = fl.info_nce_loss(other, x, temperature=0.5, reduction="none")
    both = fl.info_nce_loss(x, other, temperature=0.5, symmetric=True, reduction="none")
    np.testing.assert_allclose(both, (one_way + back) / 2, rtol=1e-12)
    assert len({*map(float, (fl.dcl_loss(x, other, temperature=0.5), views.mean(), one_way.mean(), both.mean()))}) == 4


@pytest.mark.parametrize("loss", ["info_nce_loss", "nt_xent_loss", "clip_loss", "siglip_loss", "dcl_loss"])
def test_zero_embeddings(loss):
    """0 / 0 is NaN where no eps is added to the length, and 1 / eps a gradient of 1e12 where one is."""
    x, other = two_views()
    x[1] = 0
    value, gradients = getattr(fl, loss).value_and_grad(x, other)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() and np.abs(g).max() < 100 for g in gradients)
