"""The accuracy that docs/numbers.md promises is the one that the tests hold the losses to."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import cases
import exact
import room

PAGE = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text()
SECTION = PAGE.split("### Terms that may cancel")[1].split("\n## ")[0]


def test_the_losses_with_terms_that_may_cancel_are_listed_with_their_results():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| (.+) \|$", SECTION, re.M)
    assert {name: results for name, results, _ in rows} == room.table()
    for name, results, terms in rows:
        assert ("†" in results) == ("†" in terms), f"{name}: † is in one of the columns alone"


def test_the_losses_without_such_terms_are_listed():
    sentence = SECTION.split("right.\n")[-1]
    assert re.findall(r"`(\w+)`", sentence) == [name for name in cases.NAMES if name not in room.table()]


def test_the_numbers_in_the_text_are_those_of_the_tests():
    text = " ".join(PAGE.split())
    assert all(reference.ulps == 4 for reference in map(room.REFERENCES.get, cases.NAMES))
    assert "within 4 ulp(f)" in text
    steps = exact.SUBNORMAL_STEPS
    assert f"off by {steps} of their steps" in text
    for dtype, size in ((np.float32, "2.9e-42"), (np.float64, "1e-320")):
        assert size in text
        np.testing.assert_allclose(float(size), steps * float(np.finfo(dtype).smallest_subnormal), rtol=0.1)
