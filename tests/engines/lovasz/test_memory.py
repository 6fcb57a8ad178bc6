"""Memory that a call of a Lovász loss takes beside its arrays, for many images of few pixels too."""

from __future__ import annotations

import json

import pytest

import peak_memory

PREPARE = """
name, dtype = sys.argv[1:3]
shape, options = map(json.loads, sys.argv[3:])
x = np.random.default_rng(0).random(shape, np.float32)
if name == "lovasz_softmax_loss":
    labels, classes = shape[:1] + shape[2:], shape[1]
else:
    labels, classes = shape, 2
t = (np.arange(np.prod(labels)) % classes).reshape(labels)
out = np.ones(shape, dtype)
fl.lovasz_hinge_loss.grad(np.zeros(4), [0, 1, 0, 1])
"""
CALL = "getattr(fl, name).grad(x, t, out=out, per_image=True, **options)"

LOGITS = {"from_logits": True}


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "options", "most"),
    [
        ("lovasz_softmax_loss", (30000, 10), "float32", LOGITS, 16e6),
        ("lovasz_softmax_loss", (30000, 10), "float16", {}, 16e6),
        ("lovasz_softmax_loss", (3000, 10, 8, 8), "float32", LOGITS, 40e6),
        ("lovasz_softmax_loss", (4, 10, 512, 512), "float32", LOGITS, 70e6),
        ("lovasz_hinge_loss", (200000, 1), "float16", {}, 32e6),
        ("lovasz_hinge_loss", (2000, 30, 40), "float16", {}, 60e6),
    ],
)
def test_peak_memory_is_bounded(name, shape, dtype, options, most):
    """Of images of one pixel, planes of whole tiles would take 2.4 GB in the first, and 0.8 GB for the hinge."""
    assert 1e6 < peak_memory.taken(PREPARE, CALL, name, dtype, json.dumps(shape), json.dumps(options)) < most
