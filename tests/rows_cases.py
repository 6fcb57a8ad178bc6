"""The row-wise losses of the registry joined with their references: what to call them with, and within which bound."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

import cases
from references import ROW_REFERENCES, RowReference
from references.reductions import LONG
from references.row_draws import label
from references.row_reductions import RowLoss

# The gate fails for a registered loss without a reference; every other test runs on those that have one.
NAMES = tuple(name for name, info in cases.INFO.items() if info.rowwise and name in ROW_REFERENCES)
INDEXED = tuple(name for name in NAMES if "index" in ROW_REFERENCES[name].kinds_of_target)
IGNORED = -100


class Rows(NamedTuple):
    """A kind of call: which loss, what its target is (class indices, probabilities, logits of them), and options."""

    loss: str
    kind: str
    options: tuple[tuple[str, object], ...] = ()

    @property
    def reference(self) -> RowReference:
        """What the loss is."""
        return ROW_REFERENCES[self.loss]

    @property
    def distributions(self) -> tuple[str, ...]:
        """The operands that are one number for each class of each row, beside the scores."""
        kinds = {"logits", self.kind} if self.kind == "index" else {"logits", "distribution", "target"}
        return tuple(o.name for o in self.reference.operands if o.kind in kinds - {"index"})

    @property
    def given(self) -> dict:
        """The options as keywords."""
        return dict(self.options)

    def __str__(self) -> str:
        return "-".join([self.loss, self.kind, *(f"{k}={v}" for k, v in self.options)])


def kinds() -> list[Rows]:
    """Each loss with each kind of target, and the defaults of its options."""
    return [Rows(name, kind) for name in NAMES for kind in ROW_REFERENCES[name].kinds_of_target]


def option_sets(reference: RowReference) -> list[dict]:
    """The defaults, then each option with each of its other values, then the combinations worth trying."""
    alone = ({name: value} for name, values in reference.options.items() for value in values)
    return [{}, *alone, *map(dict, reference.combined_options)]


def settings() -> list[Rows]:
    """Each loss with each kind of target and each set of options."""
    return [
        Rows(rows.loss, rows.kind, tuple(options.items()))
        for rows in kinds()
        for options in option_sets(rows.reference)
    ]


def presences(reference: RowReference) -> list[tuple[str, ...]]:
    """Which operands are given: every subset of the optional ones. Class indices are a matter of the kind of call."""
    optional = [o.name for o in reference.operands if o.optional and o.kind != "index"]
    subsets = itertools.chain.from_iterable(itertools.combinations(optional, n) for n in range(len(optional) + 1))
    return [
        tuple(o.name for o in reference.operands if o.name not in optional or o.name in chosen) for chosen in subsets
    ]


def ignored_label(dtype) -> int:
    """A class index of the dtype that is ignored: unsigned ones have no -100."""
    return IGNORED if np.iinfo(dtype).min <= IGNORED else min(int(np.iinfo(dtype).max), 2**63 - 1)


def draw(rows: Rows, rng, shape, classes, dtype, *, axis=-1, mode="ordinary", present=None, ignored=0.0, labels="i8"):
    """Operands for rows of the given shape, with the classes on `axis`; class indices of dtype `labels`."""
    reference, count, operands = rows.reference, int(np.prod(shape)), {}
    for operand in reference.operands:
        if operand.kind == "index":
            if rows.kind != "index":
                continue
        elif present is not None and operand.name not in present:
            continue
        drawing = getattr(operand, mode)
        if operand.kind == "scores":
            for option, draws in reference.draws.items():
                drawing = draws.get(rows.given.get(option, reference.defaults[option]), drawing)
        if operand is reference.target and rows.kind == "index":
            ignore_index = ignored_label(labels)
            operands[operand.name] = label(rng, count, classes, labels, ignored, ignore_index).reshape(shape)
            continue
        drawn = drawing(rng, count, classes, labels if operand.kind == "list" else dtype)
        if operand.kind in ("scores", "target", "list", "distribution", "logits"):
            drawn = np.ascontiguousarray(np.moveaxis(drawn.reshape(*shape, classes), -1, axis))
        operands[operand.name] = drawn
    return operands


def wrt(rows: Rows, operands) -> tuple[str, ...]:
    """The given operands that have a gradient."""
    reference = rows.reference
    by_index = rows.kind == "index"
    return tuple(
        n for n in operands if reference.operand(n).differentiable and not (by_index and n == reference.target.name)
    )


def ulp_of_one(dtype):
    """The distance from 1 to the next number, of the dtype that computes."""
    return LONG(np.finfo(dtype).eps)


def bound(rows: Rows, exact, magnitude, dtype, scale=1.0):
    """An error that is a right answer: some ulp of what was rounded on the way, and the subnormal numbers' distance."""
    info = np.finfo(dtype)
    tiny = LONG(info.smallest_subnormal) * (8 * max(1.0, float(scale), rows.reference.scale))
    result = rows.reference.ulps * ulp_of_one(dtype) * (np.abs(magnitude) + np.abs(exact)) + tiny
    return np.where(np.isnan(result), 0, result)


def assert_close(rows: Rows, got, exact, magnitude, dtype, what, *, stored=None, scale=1.0):
    """Within the bound; and within half a unit of the dtype it is stored in, where that is narrower."""
    cases.assert_stored(got, np.asarray(exact), bound(rows, exact, magnitude, dtype, scale), dtype, stored, what)


def native(x):
    """The dtype of the array, in this machine's byte order."""
    return np.asarray(x).dtype.newbyteorder("=")


def factor(rows: Rows, operands, sample_weight=None):
    """The largest product of what multiplies the probabilities of a row."""
    reference = rows.reference
    largest = 1.0 if sample_weight is None else np.max(np.abs(np.asarray(sample_weight, np.float64)), initial=1)
    if reference.weight in operands:
        largest *= max(1.0, float(np.max(np.abs(operands[reference.weight]), initial=1)))
    if z_loss := rows.given.get("z_loss", 0):  # its derivative, 2 z_loss times the logarithm of the sum of exponentials
        scores = np.asarray(operands[reference.first], np.float64)
        largest *= 1 + 2 * z_loss * (np.max(np.abs(scores), initial=0) + np.log(max(scores.size, 1)))
    if rows.given.get("softcap"):
        largest *= 8  # the slope of the cap may be subnormal itself, and is a product
    if rows.kind == "distribution":
        target = np.abs(np.asarray(operands[reference.target.name], np.float64))
        largest *= max(8.0, float(target.max(initial=1)) * 8)
    return float(largest)


def check(rows: Rows, operands, dtype, what="", *, reductions=("none",), second=True, **call):
    """Calls the loss in every way with these arguments and compares all results with the reference.

    `call` may have `axis`, `ignore_index`, `where`, `sample_weight`, `normalizer`.
    """
    loss, reference, options = cases.loss(rows.loss), rows.reference, rows.given
    whole = {k: call[k] for k in ("axis", "ignore_index", "where") if k in call}
    exact_rows = RowLoss(reference, operands, options, **whole)
    names, stored = wrt(rows, operands), native(operands[reference.first])
    # Where a probability is subnormal, what multiplies it multiplies its rounding.
    scale = factor(rows, operands, call.get("sample_weight"))
    vector = cases.seed(what, "vector").standard_normal(np.shape(operands[reference.first])).astype(dtype)
    for reduction in reductions:
        exact = exact_rows.reduce(reduction, **{k: v for k, v in call.items() if k not in whole})
        arguments = {**operands, **options, **call, "reduction": reduction}

        def compare(got, want, size, part, stored=None, reduction=reduction):
            label = f"{rows} {what} {reduction} {part}"
            assert_close(rows, got, want, size, dtype, label, stored=stored, scale=scale)

        value, gradients = loss.value_and_grad(**arguments, wrt=names)
        compare(value, exact.value, exact.magnitudes["value"], "value")
        for name, gradient in zip(names, gradients, strict=True):
            sizes = exact.magnitudes[name]
            compare(gradient, exact.gradients[name], sizes, f"gradient in {name}", native(operands[name]))
        if second:
            compare(loss.hess(**arguments), exact.hessian, exact.magnitudes["hessian"], "hess", stored)
            with np.errstate(all="ignore"):
                want, size = exact.product(vector), exact.product_magnitude(vector)
            compare(loss.hvp(**arguments, vector=vector), want, size, "hvp", stored)


def whole_lists(rng, rows, classes, most):
    """Lists of up to so many classes, without what may stand behind their ends."""
    lists = rng.integers(0, classes, (rows, classes))
    lists[np.arange(classes) >= rng.integers(0, most + 1, (rows, 1))] = -1
    return lists
