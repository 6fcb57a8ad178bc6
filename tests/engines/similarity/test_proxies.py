"""What losses with a proxy of each class have of their own: class indices, margins, subcenters, many classes."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
import peak_memory
from engines.similarity.test_values import NAMES, drawn
from oracles import torch
from references import SIMILARITY_REFERENCES
from references.similarity_schema import SimilarityLoss

PROXIES = [name for name in NAMES if SIMILARITY_REFERENCES[name].proxies]
WITH_SUBCENTERS = [name for name in PROXIES if "subcenters" in SIMILARITY_REFERENCES[name].options]


def classes_of(name, samples, features, count, dtype=np.float64):
    """Embeddings, so many proxies, and class indices anywhere among them."""
    reference, rng = SIMILARITY_REFERENCES[name], cases.seed(name, samples, count)
    proxies = rng.standard_normal((count, features))
    target = rng.integers(0, count, samples)
    x = proxies[target] + rng.standard_normal((samples, features))
    return {"input": x.astype(dtype), reference.proxies: proxies.astype(dtype), "target": target}


@pytest.mark.parametrize("count", [1, 63, 64, 65, 257, 4095, 4096, 4097, 9000])
@pytest.mark.parametrize("name", PROXIES)
def test_any_number_of_classes(name, count):
    """At the edges of blocks, and of the proxies that are held at a time."""
    reference, x = SIMILARITY_REFERENCES[name], classes_of(name, 19, 5, count)
    want = SimilarityLoss(reference, x, {}, real=np.float64).reduce("mean")
    names = (*reference.embeddings, reference.number)
    value, gradients = cases.loss(name).value_and_grad(**x, wrt=names)
    assert value == pytest.approx(float(want.value), rel=1e-11, abs=1e-300)
    for n, gradient in zip(names, gradients, strict=True):
        np.testing.assert_allclose(gradient, want.gradients[n].astype(float), rtol=1e-8, atol=1e-12, err_msg=n)
    for n, gradient in zip(names, gradients, strict=True):
        np.testing.assert_array_equal(cases.loss(name).grad(**x, wrt=n), gradient)


@pytest.mark.parametrize("name", WITH_SUBCENTERS)
@pytest.mark.parametrize("subcenters", [2, 3, 7, 64])
def test_the_nearest_subcenter_of_each_class_counts(name, subcenters):
    reference, x = SIMILARITY_REFERENCES[name], classes_of(name, 23, 4, 40 * subcenters)
    x["target"] //= subcenters
    loss = cases.loss(name).partial(subcenters=subcenters)
    want = SimilarityLoss(reference, x, {"subcenters": subcenters}, real=np.float64).reduce("mean")
    value, gradients = loss.value_and_grad(**x)
    assert value == pytest.approx(float(want.value), rel=1e-11)
    for n, gradient in zip(reference.embeddings, gradients, strict=True):
        np.testing.assert_allclose(gradient, want.gradients[n].astype(float), rtol=1e-8, atol=1e-12, err_msg=n)
    # Proxies that are repeated are as one, of which the first has the gradient.
    once = classes_of(name, 23, 4, 40)
    repeated = {**once, "weight": np.repeat(once["weight"], subcenters, axis=0)}
    assert loss(**repeated) == pytest.approx(cases.loss(name)(**once), rel=1e-13)
    of_weight = loss.grad(**repeated, wrt="weight").reshape(40, subcenters, 4)
    np.testing.assert_allclose(of_weight[:, 0], cases.loss(name).grad(**once, wrt="weight"), rtol=1e-10, atol=1e-14)
    assert not of_weight[:, 1:].any()


@pytest.mark.parametrize("name", PROXIES)
def test_class_indices(name):
    x, loss, reference = drawn(name, 9, 4), cases.loss(name), SIMILARITY_REFERENCES[name]
    x["target"][3] = 2
    for wrong in (30, -1, 2**40):
        bad = {**x, "target": np.where(np.arange(9) == 4, wrong, x["target"])}
        out = np.full((9, 4), 7.0)
        with pytest.raises(IndexError, match=rf"target must be a class from 0 to 29 .* got {wrong} at index \(4,\)"):
            loss.grad(**bad, wrt="input", out=out)
        assert (out == 7).all()
        assert np.isfinite(loss(**bad, where=np.arange(9) != 4))
        assert loss(**bad, ignore_index=wrong) == loss(**x, where=np.arange(9) != 4)
    for dtype in "bBhHiIlLqQ":
        assert loss(**{**x, "target": x["target"].astype(dtype)}) == loss(**x)
    for dtype in (bool, np.float64):
        with pytest.raises(TypeError, match="target must be class indices of an integer dtype"):
            loss(**{**x, "target": x["target"].astype(dtype)})
    for wrong in (x["target"][:5], x["target"][:, np.newaxis]):
        with pytest.raises(ValueError, match=r"target has shape .* shape \(9,\)"):
            loss(**{**x, "target": wrong})
    for wrong in (x[reference.proxies][:, :3], x[reference.proxies][0]):
        with pytest.raises(ValueError, match=rf"{reference.proxies} has shape .* 4 features of input"):
            loss(**{**x, reference.proxies: wrong})


def test_subcenters_are_whole_and_divide_the_proxies():
    x = drawn("arcface_loss", 9, 4)
    for wrong in (0, 2.5, -1, 65, np.inf):
        with pytest.raises(ValueError, match="subcenters must be a whole number from 1 to 64"):
            fl.arcface_loss(**x, subcenters=wrong)
    with pytest.raises(ValueError, match=r"weight has shape .* multiple of subcenters=7"):
        fl.arcface_loss(**x, subcenters=7)
    assert fl.arcface_loss.info.defaults["subcenters"] == 1
    assert isinstance(fl.arcface_loss.info.defaults["subcenters"], int)


def test_combined_margins_are_those_of_the_others():
    """Where no angle is so wide that the formulas differ."""
    x = {k: v[:5] if k != "weight" else v for k, v in classes_of("arcface_loss", 5, 3, 12).items()}
    x["input"] = x["weight"][x["target"]] + 0.1
    for one, other in (
        (fl.arcface_loss(**x), fl.combined_margin_loss(**x)),
        (fl.cosface_loss(**x), fl.combined_margin_loss(**x, m2=0.0, m3=0.35)),
        (fl.sphereface_loss(**x, margin=2.0, scale=64.0), fl.combined_margin_loss(**x, m1=2.0, m2=0.0)),
        (fl.normalized_softmax_loss(**x), fl.cosface_loss(**x, margin=0.0, scale=20.0)),
        (fl.normalized_softmax_loss(**x), fl.proxy_nca_loss(x["input"], x["weight"], x["target"], softmax_scale=10.0)),
    ):
        assert one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("name", PROXIES)
def test_an_embedding_that_is_its_proxy(name):
    """The angle is 0, where margins of angles have no derivative: the gradient is finite."""
    for dtype in (np.float32, np.float64):
        x = classes_of(name, 6, 3, 4, dtype)
        proxies = SIMILARITY_REFERENCES[name].proxies
        x["input"] = x[proxies][x["target"]] * dtype(2)
        value, gradients = cases.loss(name).value_and_grad(**x)
        assert np.isfinite(value)
        assert all(np.isfinite(g).all() for g in gradients)
        x["input"] = -x["input"]
        assert all(np.isfinite(g).all() for g in cases.loss(name).grad(**x))


def arcface_of_torch(x, weight, target, scale, margin):
    """As its authors write it, but for angles beyond pi - margin, of which there are none here."""
    cosines = torch.nn.functional.normalize(x, dim=1) @ torch.nn.functional.normalize(weight, dim=1).T
    own = torch.nn.functional.one_hot(target, len(weight)).bool()
    wider = torch.cos(torch.acos(cosines) + margin)
    return torch.nn.functional.cross_entropy(scale * torch.where(own, wider, cosines), target)


@pytest.mark.needs("torch")
def test_torch_agrees():
    x = classes_of("arcface_loss", 70, 12, 300)
    tensors = [torch.from_numpy(x[n]).requires_grad_() for n in ("input", "weight")]
    value = arcface_of_torch(*tensors, torch.from_numpy(x["target"]), 64.0, 0.5)
    value.backward()
    got, gradients = fl.arcface_loss.value_and_grad(**x)
    assert got == pytest.approx(value.item(), rel=1e-12)
    for tensor, gradient in zip(tensors, gradients, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-13)


PREPARE = """
rng = np.random.default_rng(0)
x, weight = rng.standard_normal((64, 16), np.float32), rng.standard_normal((200_000, 16), np.float32)
target, out = np.arange(64) * 3000, (np.ones_like(x), np.ones_like(weight))
fl.arcface_loss.grad(x, weight[:100], target % 100)
"""
CALL = "fl.arcface_loss.grad(x, weight, target, out=out)"


def test_memory_does_not_grow_with_the_classes():
    """The logits would take 51 MB, the proxies of length 1 another 13."""
    assert peak_memory.taken(PREPARE, CALL) < 6_000_000
