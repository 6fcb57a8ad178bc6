"""What `fastloss.losses()` gives is plain data: it can be copied, pickled, hashed and compared, but not changed."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping

import pytest

import fastloss as fl


def _parts_of(info):
    return [info, *info.operands, *info.options]


@pytest.mark.parametrize("name", fl.losses())
def test_infos_are_plain_data(name):
    info = fl.losses()[name]
    for value in _parts_of(info):
        for copied in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert copied == value
            assert hash(copied) == hash(value)
    assert dataclasses.asdict(info)["defaults"] == {option.name: option.default for option in info.options}
    assert dataclasses.replace(info, task="another") != info
    assert len({info, copy.deepcopy(info)}) == 1
    assert pickle.loads(pickle.dumps(fl.losses())) == fl.losses()


def test_infos_cannot_be_changed():
    info = fl.losses()["huber_loss"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.task = "another"
    for mapping in (info.defaults, info.kinks, fl.losses()):
        assert isinstance(mapping, Mapping)
        with pytest.raises(TypeError, match="item assignment"):
            mapping["delta"] = 2.0
    assert info.defaults == {"delta": 1.0}
    assert repr(info.defaults) == "{'delta': 1.0}"
