"""Documentation of losses and their methods: read from the declaration, completed with what all losses share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")
REQUIRED = ("Parameters", "Returns", "References", "Examples")

COMMON_PARAMETERS = {
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the elements become the value: their mean, nothing, their sum, or their sum
    divided by the first extent of the first operand. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of samples, aligned to the *leading* axes of the first operand: shape (N,), (N, 1, ...) or
    the full shape. They multiply the losses in every reduction and count in the denominator of the
    mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the elements that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of elements that count, or by
    the sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the first operand's shape. Default: ones.""",
    "wrt": """wrt : str, int or sequence of them, optional
    The operands to differentiate in, by name or position. One gives an array, a sequence gives a
    tuple. Default: the first operand.""",
    "out": """out : ndarray or tuple of ndarray, optional
    Where the {what} goes: {form}.
    It may be exactly one of the operands, or share no memory with any. It is returned.""",
    "accumulate": """accumulate : bool, default False
    Add to `out` instead of overwriting it.""",
}

# What a declaration's section `Returns` may say as {reductions}: a loss whose mean is over the number of elements.
REDUCTIONS = """scalar or ndarray
    ============  =====================================================
    "none"        l, of input's shape
    "sum"         sum(l)
    "mean"        sum(l) / (number of elements)
    "batchmean"   sum(l) / input.shape[0]
    ============  ====================================================="""

OUT_FORMS = {
    "__call__": (
        "value",
        'an array of the first operand\'s shape with ``reduction="none"``, else one of\n'
        "    shape () of the computation dtype",
    ),
    "grad": ("gradient", "an array of the operand's shape and dtype, or a tuple like `wrt`"),
    "value_and_grad": ("gradient", "an array of the operand's shape and dtype, or a tuple like `wrt`"),
    "hess": ("second derivative", "an array of the first operand's shape and dtype"),
    "grad_and_hess": ("result", "a tuple of two arrays of the first operand's shape and dtype"),
}

COMMON_RAISES = """ValueError
    If shapes do not fit, an option is out of range, `reduction`, `normalizer` or another choice is
    unknown, or an output has the wrong shape or dtype or overlaps an operand. Under
    ``fastloss.errstate`` also for data out of range, results that are not finite, or a mean of nothing.
TypeError
    If an argument has an unsupported dtype (complex, object, string, longdouble), is a masked array,
    or has an unknown name."""

GRADIENT_DTYPE = """
    An array has the shape of its operand, and its dtype (for an integer operand that of the computation:
    float64 or float32)."""

METHODS = {
    "grad": (
        "Gradient of `{loss}` in any of its operands.",
        """Returns
-------
ndarray or tuple of ndarray
    The gradient of the reduced loss in the operands of `wrt`, times `grad_output`."""
        + GRADIENT_DTYPE,
    ),
    "value_and_grad": (
        "Value and gradient of `{loss}`, both in one pass.",
        """Returns
-------
value : scalar or ndarray
    As the loss itself returns it, bit for bit.
gradient : ndarray or tuple of ndarray
    As `grad` returns it."""
        + GRADIENT_DTYPE,
    ),
    "hess": (
        "Diagonal second derivative of `{loss}` in its first operand.",
        """Returns
-------
ndarray
    The second derivative of the reduced loss in each element of the first operand, of its shape and dtype.""",
    ),
    "grad_and_hess": (
        "Gradient and diagonal second derivative of `{loss}`, as boosting needs them.",
        """Returns
-------
gradient, hessian : ndarray
    The first and second derivative of the reduced loss in each element of the first operand, of its
    shape and dtype.""",
    ),
}

CALL_KEYWORDS = {
    "__call__": ("reduction", "sample_weight", "where", "normalizer", "out"),
    "grad": ("reduction", "sample_weight", "where", "normalizer", "grad_output", "wrt", "out", "accumulate"),
    "value_and_grad": ("reduction", "sample_weight", "where", "normalizer", "grad_output", "wrt", "out", "accumulate"),
    "hess": ("reduction", "sample_weight", "where", "normalizer", "out", "accumulate"),
    "grad_and_hess": ("reduction", "sample_weight", "where", "normalizer", "out", "accumulate"),
}


class DocumentationError(Exception):
    """A declaration's docstring lacks a part, or documents other parameters than the signature has."""


@dataclass(frozen=True)
class Documentation:
    """A docstring in its parts; each text keeps its relative indentation."""

    summary: str
    formula: str
    head: str
    sections: dict[str, str]

    def compose(self, loss: str, method: str, example: str) -> str:
        """Docstring of the loss ("__call__") or of one of its methods, with an example if the loss shows none."""
        what, form = OUT_FORMS[method]
        common = [COMMON_PARAMETERS[name] for name in CALL_KEYWORDS[method]]
        parameters = "\n".join([self.sections["Parameters"], *common]).replace("{what}", what).replace("{form}", form)
        if method == "__call__":
            head, returns = self.head, _section("Returns", self.sections["Returns"].replace("{reductions}", REDUCTIONS))
        else:
            title, returns = METHODS[method]
            head = title.format(loss=loss) + "\n\n" + self.head
        raises = "\n".join(filter(None, [self.sections.get("Raises", ""), COMMON_RAISES]))
        parts = [head, _section("Parameters", parameters), returns, _section("Raises", raises)]
        closing = [name for name in ("Notes", "References", "Examples") if name in self.sections]
        parts += [_section(name, self.sections[name]) for name in closing]
        if method != "__call__" and f".{loss}.{method}(" not in self.sections["Examples"]:
            parts[-1] += "\n" + example
        return "\n\n".join(parts) + "\n"

    def compose_ufunc(self, loss: str, arguments: str, gradient: bool) -> str:
        """Docstring of one of the two ufuncs."""
        what = "Derivative of {} in its first operand" if gradient else "Unreduced {}"
        return (
            f"{what.format(loss)}, as a NumPy ufunc.\n\n{self.head}\n\n"
            f"Operands and options: {arguments}. Options are trailing operands without defaults; a switch\n"
            "is 0 or 1, a choice is its position. Operands broadcast as NumPy does. The result is NaN where an option\n"
            "is out of range.\n"
            f"\nThe threaded function is ``fastloss.{loss}``.\n"
        )


def _section(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text}"


def parse(loss: str, docstring: str | None, parameters: Sequence[str]) -> Documentation:
    """Take a declaration's docstring apart; raise DocumentationError where it does not fit the signature."""
    if not docstring:
        raise DocumentationError(f"{loss}: the declaration has no docstring")
    pieces = re.split(r"^(\w+)\n-{3,}\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    head, titles, texts = pieces[0].rstrip(), pieces[1::2], [text.rstrip() for text in pieces[2::2]]
    if titles != [title for title in SECTIONS if title in titles]:
        raise DocumentationError(f"{loss}: sections must be among {SECTIONS}, in this order; found {titles}")
    missing = [title for title in REQUIRED if title not in titles]
    if missing:
        raise DocumentationError(f"{loss}: the docstring has no section {', '.join(missing)}")
    sections = dict(zip(titles, texts, strict=True))
    documented = re.findall(r"^(\w+) : ", sections["Parameters"], flags=re.MULTILINE)
    if documented != list(parameters):
        raise DocumentationError(f"{loss}: documents the parameters {documented}, but has {list(parameters)}")
    formula = re.search(r"::\n\n((?:[ ]+.*\n|\n)+?)(?=\S|\Z)", head + "\n")
    if formula is None:
        raise DocumentationError(f"{loss}: the docstring has no formula (an indented block after '::')")
    summary = head.split("\n\n")[0].replace("\n", " ")
    return Documentation(summary, inspect.cleandoc("\n" + formula.group(1)), head, sections)
