"""Cases of losses of linear scores: the mean over the samples and its gradients in the samples and the weights."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case
from bench.cases.softmax import jax_cross_entropy
from bench.judge import Problem
from bench.rowwise import blocks
from bench.sizes import Size, Sizes
from references import ROW_REFERENCES
from references.row_reductions import RowLoss

LAYERS = Sizes(
    option="linear-shapes",
    metavar="NxDxV",
    help="samples x features x classes, for losses of a linear layer's scores",
    ranks=range(3, 4),
    meaning="samples x features x classes such as 2048x1024x32000",
    default="1024x512x32000",
    quick="40x16x300",
    unit=" (NxDxV)",
)


@dataclass(frozen=True, kw_only=True)
class Linear(Case):
    """A case of a loss of linear scores.

    Parameters
    ----------
    of_scores
        The row-wise loss of the scores, whose reference judges.
    """

    of_scores: str

    sizes: ClassVar[Sizes] = LAYERS
    measures_memory: ClassVar[bool] = True

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Normal samples, and weights that give scores with a standard deviation of 2."""
        samples, features, classes = size
        rng = np.random.default_rng(size)
        operands = {
            "input": rng.standard_normal((samples, features), dtype),
            "linear_weight": rng.standard_normal((classes, features), dtype) * np.dtype(dtype).type(2 / features**0.5),
            "target": rng.integers(0, classes, samples),
        }
        x, w, t = (a.astype(np.float64) if a.dtype.kind == "f" else a for a in operands.values())
        reference = ROW_REFERENCES[self.of_scores]
        value, in_input, in_weight = 0.0, np.empty(x.shape), np.zeros(w.shape)
        for some in blocks(samples, classes):
            result = RowLoss(reference, {"input": x[some] @ w.T, "target": t[some]}).reduce("sum")
            value += float(result.value)
            slope = result.gradients["input"].astype(np.float64)
            in_input[some] = slope @ w
            in_weight += slope.T @ x[some]
        gradients = {"input": in_input / samples, "linear_weight": in_weight / samples}
        return Problem(operands, np.float64(value / samples), gradients)


def cross_entropy(mode, out, x, w, t):
    """One array for scores and their gradient."""
    rows = np.arange(len(x))
    z = x @ w.T
    z -= z.max(axis=1, keepdims=True)
    picked = z[rows, t]
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    value = np.mean(np.log(total[:, 0]) - picked) if mode.value else None
    if not mode.gradient:
        return value, None
    z *= 1 / (total * len(x))
    z[rows, t] -= 1 / len(x)
    in_input, in_weight = out or (None, None)
    return value, (np.matmul(z, w, out=in_input), np.matmul(z.T, x, out=in_weight))


def torch_cross_entropy(torch, x, w, t):
    """A layer, then a loss."""
    functional = torch.nn.functional
    return functional.cross_entropy(functional.linear(x, w), t)


def torch_chunked(torch, x, w, t):
    """Chunks of the scores, one after the other."""
    return torch.nn.functional.linear_cross_entropy(x, w, t, options=torch.nn.LinearCrossEntropyOptions())


CASES = {
    "linear_cross_entropy": Linear(
        of_scores="cross_entropy",
        numpy=cross_entropy,
        jax=lambda jnp, x, w, t: jax_cross_entropy(jnp, x @ w.T, t),
        torch=torch_cross_entropy,
        torch_chunked=torch_chunked,
    ),
}
