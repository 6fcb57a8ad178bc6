"""A mask that another thread changes during the call.

Whether the call sees the change is a matter of chance. It ends in any case, and an error names what was there.
"""

from __future__ import annotations

import re
import threading
import time

import numpy as np
import pytest

import fastloss as fl

WRONG = {"int32": 2, "float64": 0.5, "uint8": 7}
SECONDS = 0.3


@pytest.mark.parametrize("dtype", WRONG)
def test_a_number_that_is_wrong_for_a_moment(dtype):
    right = (np.arange(40_000) % 7 < 3).astype(dtype).reshape(200, 200)
    wrong, mask = np.full_like(right, WRONG[dtype]), right.copy()
    done = threading.Event()

    def change():
        while not done.is_set():
            np.copyto(mask, wrong)
            np.copyto(mask, right)

    thread = threading.Thread(target=change)
    thread.start()
    outcomes = []
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            outcomes.append(outcome(mask))
    finally:
        done.set()
        thread.join()
    said = re.compile(rf"signed_distance: .* got {WRONG[dtype]} at index \((\d+), (\d+)\)")
    for text in filter(None, outcomes):
        told = said.fullmatch(text)
        assert told, text
        assert all(int(k) < 200 for k in told.groups()), text
    np.testing.assert_array_equal(fl.signed_distance(mask), fl.signed_distance(right))


def outcome(mask):
    """What an error says; nothing of distances."""
    try:
        found = fl.signed_distance(mask)
    except ValueError as error:
        return str(error)
    assert np.isfinite(found).all()
    return None
