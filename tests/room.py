"""Which results of pointwise losses have room beside 4 ulp and the operands' ulp, as docs/numbers.md lists them."""

from __future__ import annotations

import numpy as np

import cases
from references import REFERENCES


def quantities(name) -> list[str]:
    """What a loss computes, as the documentation calls it."""
    return [q.removeprefix("gradient:") for q in cases.quantities(name)]


def held(name, quantity) -> bool:
    """Whether the result has terms that the dtype must hold, under any option."""
    reference = REFERENCES[name].pointwise
    for options, present in cases.settings(REFERENCES[name]):
        operands = cases.sample(REFERENCES[name], cases.seed(name), 3, np.float64, present=present)
        exact = cases.Exact(REFERENCES[name], operands, options, np.float64)
        with np.errstate(all="ignore"):
            terms = reference.formed_first[quantity](**exact.operands, **exact.options)
        if any(len(term) == 3 for term in terms):
            return True
    return False


def described(name) -> str:
    """The results of a loss that have room; with a dagger those whose terms the dtype must hold."""
    terms = REFERENCES[name].pointwise.formed_first
    return ", ".join(q + ("†" if held(name, q) else "") for q in quantities(name) if q in terms)


def table() -> dict[str, str]:
    """The first two columns of the documentation's table."""
    return {name: described(name) for name in cases.NAMES if REFERENCES[name].pointwise.formed_first}
