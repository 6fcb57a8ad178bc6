"""Losses of regions against what published implementations compute, in torch and float64, to ten digits."""

from __future__ import annotations

import numpy as np
import pytest

import cases
from oracles import torch
from references import COMPOUND_REFERENCES, REGION_REFERENCES, region_draws
from references.region_compounds_torch import COMPOUND_PEERS
from references.regions_torch import PEERS, with_ignored

ALL = [*PEERS, *COMPOUND_PEERS]


def test_every_loss_is_compared_with_somebody():
    assert {peer.loss for peer in ALL} == {*REGION_REFERENCES, *COMPOUND_REFERENCES}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("peer", ALL, ids=lambda peer: f"{peer.loss}-{peer.name}".replace(" ", "_"))
def test_values_and_gradients_are_those_of_a_peer(peer):
    soft = peer.kind == "soft"
    names = ("input", "target") if soft else ("input",)
    for rows, columns in ((5, 6), (2, 2), (16, 9)):
        shape = (4, rows, columns, 3) if peer.axis == -1 else (4, 3, rows, columns)
        rng = cases.seed(peer.name, rows)
        operands = region_draws.ordinary(rng, shape, peer.axis, peer.kind, from_logits=peer.logits)
        operands = with_ignored(peer, operands, rng)
        weight = {} if peer.weight is None else {"weight": np.array(peer.weight)}
        call = {**operands, **weight, **peer.options, "axis": peer.axis}
        value, gradients = cases.loss(peer.loss).value_and_grad(**call, wrt=names)
        tensors = [torch.tensor(operands[each], requires_grad=each in names) for each in ("input", "target")]
        want = peer.torch(torch, *tensors)
        slopes = torch.autograd.grad(want, tensors[: len(names)])
        room = max(1e-10, peer.room if rows > 2 else 100 * peer.room)
        assert value == pytest.approx(want.item(), rel=1e-10, abs=room)
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=room)
