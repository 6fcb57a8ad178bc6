"""What `fastloss.losses()` gives is plain data: it can be copied, pickled, hashed and compared, but not changed."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest

import fastloss as fl

MODULES = sorted(path.stem for path in (Path(fl.__file__).parent / "losses").glob("*.py") if path.stem != "__init__")


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


@pytest.mark.parametrize("module", MODULES)
def test_a_module_holds_the_family_that_its_name_begins_with(module):
    declared = vars(importlib.import_module(f"fastloss.losses.{module}")).values()
    families = {loss.info.family for loss in declared if isinstance(loss, fl.Loss)}
    assert families
    assert [family for family in families if module != family and not module.startswith(f"{family}_")] == []
