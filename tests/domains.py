"""Which numbers an operand may be, as the registry states it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Domain(NamedTuple):
    """The numbers that an operand may be, read from the registry's text: "", "{-1, 1}", "[0, inf)", "(0, 1)"."""

    lower: float
    upper: float
    lower_open: bool
    upper_open: bool
    ends_only: bool

    @classmethod
    def parse(cls, text: str) -> Domain:
        """The domain in the registry's words."""
        if not text:
            return cls(-np.inf, np.inf, False, False, False)
        lower, upper = map(float, text[1:-1].split(","))
        return cls(lower, upper, text[0] == "(", text[-1] == ")", text[0] == "{")

    def contains(self, x) -> np.ndarray:
        """Which of the numbers lie in it."""
        x = np.asarray(x)
        if self.ends_only:
            return (x == self.lower) | (x == self.upper)
        above = x > self.lower if self.lower_open else x >= self.lower
        return above & (x < self.upper if self.upper_open else x <= self.upper)

    def room(self, x) -> np.ndarray:
        """How far the numbers lie from where it ends; labels are seen as points of the real line."""
        return np.full(np.shape(x), np.inf) if self.ends_only else np.minimum(x - self.lower, self.upper - x)
