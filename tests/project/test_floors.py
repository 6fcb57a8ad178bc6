"""The folders of the core are floors: none includes a higher one, and no engine includes another's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastloss as fl

ENGINES = Path(__file__).resolve().parents[2] / "cpp" / "src" / "engine"
# Below the engines: what a folder may include beside itself.
FLOORS = {
    "memory": set(),
    "rows": {"memory"},
    "products": {"memory"},
    "sorting": {"memory"},
    "call": {"memory"},
    "records": {"memory", "call"},
    "distance_transform": {"memory", "call"},
}
SHARED = set(FLOORS)
# An engine that stands on another.
BUILT_ON: dict[str, set[str]] = {"linear": {"rowwise"}, "box_matrix": {"box"}}
# Engines that have functions and no losses.
OF_FUNCTIONS = {"box_matrix"}


def included(folder: Path) -> Iterator[tuple[str, str]]:
    """Which source of a folder includes which folder."""
    for source in sorted(folder.iterdir()):
        for name in re.findall(r'^#include "engine/(\w+)/', source.read_text(), re.MULTILINE):
            yield source.name, name


def folders() -> list[str]:
    return sorted(path.name for path in ENGINES.iterdir() if path.is_dir())


def allowed(folder: str) -> set[str]:
    return {folder} | (FLOORS[folder] if folder in FLOORS else SHARED | BUILT_ON.get(folder, set()))


def test_every_folder_is_a_floor_or_an_engine():
    engines = {info.engine for info in fl.losses().values()}
    assert not engines & OF_FUNCTIONS
    assert set(folders()) == SHARED | engines | OF_FUNCTIONS
    assert not [path for path in ENGINES.iterdir() if path.is_file()]


@pytest.mark.parametrize("folder", folders())
def test_no_folder_includes_a_higher_one(folder):
    wrong = [
        f"{source} includes engine/{name}" for source, name in included(ENGINES / folder) if name not in allowed(folder)
    ]
    assert wrong == []


def test_a_higher_floor_is_found(tmp_path):
    (tmp_path / "walk.hpp").write_text('#include <array>\n#include "engine/rowwise/job.hpp"\n')
    assert list(included(tmp_path)) == [("walk.hpp", "rowwise")]
    assert "rowwise" not in allowed("rows")
    assert "rowwise" not in allowed("pointwise")
