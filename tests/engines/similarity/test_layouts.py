"""Where blocks of rows meet: edges of blocks, and the same bits at any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
import peak_memory
from engines.similarity.test_values import NAMES, batches, drawn
from references import SIMILARITY_REFERENCES
from references.similarity_schema import SimilarityLoss

SMALL = {"temperature": 0.01, "logit_scale": np.log(100.0), "scale": 100.0, "softmax_scale": 50.0}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_rows_at_the_edges_of_blocks(name):
    reference = SIMILARITY_REFERENCES[name]
    for samples in (31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 193):
        for options in ({}, {reference.number: SMALL[reference.number]}):
            for operands in batches(name, samples, 5, negatives=samples // 2):
                want = SimilarityLoss(reference, operands, options).reduce("mean")
                value, gradient = cases.loss(name).value_and_grad(**operands, **options, wrt=0)
                assert value == pytest.approx(float(want.value), rel=1e-11), f"{samples} {options}"
                exact = want.gradients[reference.embeddings[0]].astype(float)
                np.testing.assert_allclose(gradient, exact, rtol=1e-8, atol=1e-13, err_msg=f"{samples} {options}")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name):
    reference = SIMILARITY_REFERENCES[name]
    for operands in batches(name, 1500, 24, dtype=np.float32, negatives=700):
        names = (*(n for n in reference.rows if n in operands), *reference.scalars)
        for options in ({}, {reference.number: SMALL[reference.number]}):
            found = set()
            for threads in (1, 2, 3, 7):
                with fl.threads(threads):
                    value, gradients = cases.loss(name).value_and_grad(**operands, **options, wrt=names)
                    assert value == cases.loss(name)(**operands, **options)
                found.add((value.tobytes(), *(np.asarray(g).tobytes() for g in gradients)))
            assert len(found) == 1


def test_one_gradient_alone_is_that_beside_others():
    x = drawn("info_nce_loss", 200, 12)
    together = fl.info_nce_loss.grad(**x, wrt=("input", "positive", "negative", "temperature"))
    for name, gradient in zip(("input", "positive", "negative", "temperature"), together, strict=True):
        np.testing.assert_array_equal(fl.info_nce_loss.grad(**x, wrt=name), gradient, err_msg=name)


PREPARE = """
name, rows, features = sys.argv[1], *map(int, sys.argv[2:])
x = np.random.default_rng(0).standard_normal((rows, features), np.float32)
given = (x, np.arange(rows) % 50) if name == "supcon_loss" else (x, x + 1)
out = tuple(np.ones_like(x) for _ in range(1 if name == "supcon_loss" else 2))
getattr(fl, name).grad(*(a[:100] for a in given))
"""
CALL = "getattr(fl, name).grad(*given, out=out if len(out) > 1 else out[0])"


@pytest.mark.parametrize("name", ["info_nce_loss", "nt_xent_loss", "siglip_loss", "supcon_loss"])
def test_memory_is_a_multiple_of_the_embeddings(name):
    """The matrix of 8000 rows would take 256 MB, that of both views 1 GB."""
    rows, features = 8000, 16
    assert peak_memory.taken(PREPARE, CALL, name, rows, features) < 20 * 2 * rows * features * 4 + 4_000_000
