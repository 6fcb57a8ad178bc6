"""Digests of the results of a fixed set of calls: every loss, dtypes, layouts, weights, masks, options, threads.

    python .ci/digests.py record FILE      writes a digest of every result
    python .ci/digests.py compare FILE     fails where a result has other bits than that file says

For changes that must not change a bit: record before, compare after. The results are those of this machine's
instruction set, or of the one that FASTLOSS_ISA names. What a call is made of comes from `fastloss.losses()`, so that a
new loss is in the set at once; nothing but what operands and options are is read there.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import fastloss as fl

Arrays = dict[str, Any]
DTYPES = ("float32", "float64", "float16")
REDUCTIONS = ("mean", "none", "sum", "batchmean")
EXTRAS = ("lse", "probabilities", "log_probabilities", "prediction", "correct")
# Of elements: a small call, one with a tile that is not full, many blocks. Of rows: few classes, many, and planes.
SHAPES = ((7,), (3, 401), (9, 9001))
ROW_SHAPES = ((11, 5), (70, 130), (3, 6, 9, 70), (1201, 40))
LINEAR_SHAPES = ((9, 5, 4), (70, 33, 130))  # samples, features, classes

Layout = Callable[[np.ndarray], np.ndarray]


def spread(a: np.ndarray) -> np.ndarray:
    """Every second element of a larger array, the last axis backwards."""
    if a.ndim == 0:
        return a
    twice = np.empty((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    twice[..., ::2] = a[..., ::-1]
    return twice[..., ::2][..., ::-1]


def misaligned(a: np.ndarray) -> np.ndarray:
    """One byte behind an aligned address."""
    raw = np.empty(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


LAYOUTS: dict[str, Layout] = {
    "F order": np.asfortranarray,
    "spread": spread,
    "misaligned": misaligned,
    "byteswapped": lambda a: a.astype(a.dtype.newbyteorder()),
}


def inside(domain: str, x: np.ndarray) -> np.ndarray:
    """Standard normal numbers moved into a domain such as "[0, 1]", "(0, inf]" or "{-1, 1}"."""
    if not domain:
        return x
    lower, upper = (float(end) for end in re.findall(r"-?(?:inf|[\d.e-]+)", domain)[:2])
    if domain.startswith("{"):
        return np.where(x < 0, lower, upper)
    if np.isfinite(lower) and np.isfinite(upper):
        return lower + (upper - lower) * (np.clip(np.round(x * 16), -63, 63) / 128 + 0.5)
    if np.isfinite(lower):
        return lower + abs(x) + 0.0625
    return upper - abs(x) - 0.0625


def has(operand: Any, role: str) -> bool:
    return role in operand.roles


class Drawer:
    """Draws the operands of a loss. The numbers depend on the loss's and operand's names and on the shape alone."""

    def __init__(self, name: str, info: Any) -> None:
        self.name = name
        self.info = info
        names = [operand.name for operand in info.operands]
        self.linear = "linear_weight" in names
        self.rows = hasattr(getattr(fl, name), "hvp")
        self.shapes = LINEAR_SHAPES if self.linear else ROW_SHAPES if self.rows else SHAPES

    def units(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the unreduced value."""
        if self.linear:
            return shape[:1]
        return (shape[0], *shape[2:]) if self.rows else shape

    def draw(self, shape: tuple[int, ...], dtype: str, *, everything: bool) -> Arrays:
        """The operands that must be given, or all of them."""
        given = {}
        for k, operand in enumerate(self.info.operands):
            if not operand.optional or everything:
                given[operand.name] = self._draw_one(k, operand, shape, dtype)
        return given

    def _draw_one(self, k: int, operand: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        rng = np.random.default_rng([zlib.crc32(f"{self.name} {operand.name}".encode()), *shape])
        if self.linear or self.rows:
            return self._draw_of_rows(rng, k, operand, shape, dtype)
        if operand.integer:
            return rng.integers(0, 4, shape).astype("int32" if dtype != "float64" else "int64")
        return inside(operand.domain, 2 * rng.standard_normal(shape)).astype(dtype)

    def _draw_of_rows(
        self, rng: np.random.Generator, k: int, operand: Any, shape: tuple[int, ...], dtype: str
    ) -> np.ndarray:
        classes = shape[2] if self.linear else shape[1]
        if has(operand, "class_index"):
            return rng.integers(0, classes, self.units(shape))
        if has(operand, "class_list"):
            table = np.moveaxis(
                rng.permuted(np.broadcast_to(np.arange(classes), (*self.units(shape), classes)), axis=-1), -1, 1
            )
            return np.where(np.expand_dims(rng.integers(0, 4, self.units(shape)), 1) > _index(shape), table, -1)
        if has(operand, "per_class") or operand.name == "linear_bias":
            return (abs(rng.standard_normal(classes)) + 0.25).astype(dtype)
        if operand.name == "linear_weight":
            return rng.standard_normal((classes, shape[1])).astype(dtype)
        numbers = 2 * rng.standard_normal(shape[:2] if self.linear else shape)
        if has(operand, "distribution") and not has(operand, "as_logits"):
            shares = abs(numbers) + 0.125
            return (shares / shares.sum(axis=1, keepdims=True)).astype(dtype)
        return inside(operand.domain, numbers).astype(dtype)

    def distributions(self, given: Arrays, shape: tuple[int, ...], dtype: str) -> Arrays | None:
        """The same with probabilities in place of class indices, where the loss takes either."""
        either = [
            o.name for o in self.info.operands if has(o, "class_index") and has(o, "distribution") and o.name in given
        ]
        if not either:
            return None
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), *shape])
        axes = (shape[0], shape[2]) if self.linear else shape
        shares = abs(rng.standard_normal(axes)) + 0.125
        return {**given, either[0]: (shares / shares.sum(axis=1, keepdims=True)).astype(dtype)}


def _index(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(shape[1]).reshape(-1, *[1] * (len(shape) - 2))


def alternatives(option: Any) -> list[Any]:
    """Other values of an option than its default."""
    if option.kind == "toggle":
        return [not option.default]
    if option.kind == "choice":
        return [choice for choice in option.choices if choice != option.default]
    numbers = np.array([0.75, -0.5, 1.75]) if option.default is None else option.default + np.array([0.25, -0.5, 2.0])
    return [float(x) for x in inside(option.domain, numbers)]


def variants(drawer: Drawer, shape: tuple[int, ...], dtype: str) -> Iterator[tuple[str, Arrays, dict[str, Any]]]:
    """Label, operands and keywords of the calls of one shape and dtype."""
    least = drawer.draw(shape, dtype, everything=False)
    every = drawer.draw(shape, dtype, everything=True)
    units = drawer.units(shape)
    rng = np.random.default_rng(list(shape))
    weight, mask = rng.integers(0, 5, units[0]) / 4, rng.integers(0, 5, units) > 0
    flow = rng.standard_normal(units).astype(dtype)
    yield "plain", least, {}
    yield "every operand", every, {}
    if shares := drawer.distributions(least, shape, dtype):
        yield "probabilities", shares, {}
        yield "probabilities, every operand", drawer.distributions(every, shape, dtype) or {}, {"sample_weight": weight}
    yield "sample_weight", least, {"sample_weight": weight}
    yield "where", every, {"where": mask}
    yield "where, sample_weight", least, {"where": mask, "sample_weight": weight}
    yield "grad_output", every, {"grad_output": flow, "reduction": "none"}
    for normalizer in ("count", "weight", 2.5):
        yield f"normalizer={normalizer}", every, {"normalizer": normalizer, "where": mask, "sample_weight": weight}
    for layout, change in LAYOUTS.items():
        yield layout, {name: change(a) for name, a in every.items()}, {"sample_weight": change(weight)}
    first = next(iter(least))
    narrow = {name: a[:1] if name != first and a.shape == shape else a for name, a in least.items()}
    if not drawer.rows and not drawer.linear:
        yield "broadcast", narrow, {}
        yield "number", {name: a if name == first else a.reshape(-1)[0] for name, a in least.items()}, {}
    for option in drawer.info.options:
        for value in alternatives(option):
            yield f"{option.name}={value}", every, {option.name: value}
            yield f"{option.name}={value}, least", least, {option.name: value}


def results(
    loss: Any, drawer: Drawer, given: Arrays, keywords: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is computed of one variant."""
    fixed = {} if "reduction" in keywords else {"reduction": "mean"}
    both = {**keywords, **fixed}
    no_flow = {name: value for name, value in both.items() if name != "grad_output"}
    floating = [o.name for o in drawer.info.operands if o.differentiable and o.name in given]
    wrt = tuple(name for name in floating if np.asarray(given[name]).dtype.kind == "f")
    if "normalizer" not in keywords and "grad_output" not in keywords:
        for reduction in REDUCTIONS:
            yield reduction, lambda reduction=reduction: loss(**given, **{**keywords, "reduction": reduction})
    else:
        yield "value", lambda: loss(**given, **no_flow)
    yield "grad", lambda: loss.grad(**given, **both)
    yield "value_and_grad", lambda: loss.value_and_grad(**given, **both, wrt=wrt)
    first = np.asarray(given[drawer.info.operands[0].name])
    yield "accumulate", lambda: loss.grad(**given, **both, out=np.ones_like(first, order="C"), accumulate=True)
    if hasattr(loss, "hess"):
        yield "hess", lambda: loss.hess(**given, **no_flow)
        yield "grad_and_hess", lambda: loss.grad_and_hess(**given, **no_flow)
    if drawer.rows:
        yield "hvp", lambda: loss.hvp(**given, **no_flow, vector=np.ascontiguousarray(first)[::-1])
        for extra in EXTRAS:
            yield extra, lambda extra=extra: loss.value_and_grad(**given, **both, return_=extra)


def feed(digest: Any, result: Any) -> None:
    if isinstance(result, tuple):
        for item in result:
            feed(digest, item)
    elif isinstance(result, dict):
        for name, item in result.items():
            digest.update(name.encode())
            feed(digest, item)
    else:
        array = np.asarray(result)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())


def digest_of(compute: Callable[[], Any]) -> str:
    """Of the bits of a result, or the name of the error."""
    digest = hashlib.sha256()
    try:
        feed(digest, compute())
    except (ValueError, TypeError, IndexError) as error:
        return type(error).__name__
    return digest.hexdigest()[:16]


def functions() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The functions of rows that are no losses."""
    for shape, dtype in itertools.product(ROW_SHAPES, DTYPES):
        z = np.random.default_rng(list(shape)).standard_normal(shape).astype(dtype)
        for name in ("softmax", "log_softmax", "logsumexp"):
            own = getattr(fl, name)
            flow = z if name != "logsumexp" else z[:, 0]
            yield f"{name} {shape} {dtype}", lambda own=own, z=z, flow=flow: (own(z, 1), own.value_and_grad(z, flow, 1))


def all_digests(losses: list[str]) -> dict[str, str]:
    """Of these losses, or of all and of the functions of rows."""
    found = {}
    for name, info in fl.losses().items():
        if losses and name not in losses:
            continue
        drawer = Drawer(name, info)
        for shape, dtype in itertools.product(drawer.shapes, DTYPES):
            small = shape != drawer.shapes[-1]
            for label, given, keywords in variants(drawer, shape, dtype):
                for what, compute in results(getattr(fl, name), drawer, given, keywords):
                    for threads in (1,) if small else (1, 3):
                        with fl.threads(threads):
                            found[f"{name} {shape} {dtype}, {label}: {what}, {threads} threads"] = digest_of(compute)
    if not losses:
        found |= {label: digest_of(compute) for label, compute in functions()}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--losses", nargs="+", default=[], help="only these")
    options = parser.parse_args()
    with np.errstate(all="ignore"):
        found = all_digests(options.losses)
    isa = fl._core.active_isa()
    errors = sum(value.endswith("Error") for value in found.values())
    print(f"{len(found)} results on {isa}, {errors} of them errors")
    if options.task == "record":
        options.file.write_text(json.dumps({"isa": isa, "digests": found}, indent=0) + "\n")
        return 0
    recorded = json.loads(options.file.read_text())
    if recorded["isa"] != isa:
        parser.error(f"{options.file} has the results on {recorded['isa']}")
    names = recorded["digests"].keys() | found.keys()
    if options.losses:
        names = {name for name in names if name.split(" ", 1)[0] in options.losses}
    different = sorted(name for name in names if recorded["digests"].get(name) != found.get(name))
    for name in different[:50]:
        print(f"differs: {name}: {recorded['digests'].get(name)} -> {found.get(name)}", file=sys.stderr)
    print(f"{len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
