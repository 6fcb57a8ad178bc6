"""fastloss and its peers behind one interface: each turns a case into calls that return the same two numbers.

Every contestant gets the operands as its own arrays before the clock starts, and allocates its results as it does by
itself; where it can write into a given array, that is timed as well. The modules are imported on construction, so a
missing one shows up as an `ImportError` of that peer alone.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from bench.case import Case, Mode, loss_of

Call = Callable[[], Any]
Operands = Mapping[str, np.ndarray]


class Contestant(Protocol):
    """What the benchmark asks of fastloss and of each peer."""

    name: str
    version: str

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        """The call to time, writing the gradient to `out` if given; None where the contestant has no such call."""

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        """The value and the gradient in what a call returned, as NumPy has them."""


def pair(mode: Mode, raw: Any) -> tuple[Any, Any]:
    """(value, gradient) from a result that is one of the two, or both in this order."""
    if mode.value and mode.gradient:
        return raw
    return (raw, None) if mode.value else (None, raw)


class Fastloss:
    """The library under test."""

    name = "fastloss"

    def __init__(self, threads: int) -> None:
        self._module = importlib.import_module("fastloss")
        self.version = self._module.__version__
        self._module.set_num_threads(threads)

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return str(self._module._core.active_isa())

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        function = getattr(self._module, loss_of(loss))
        arrays = tuple(operands.values())
        # By name, as operands that are left out may lie between; positional where nothing does, as users write it.
        first, *others = arrays
        named = dict(zip(list(operands)[1:], others, strict=True)) if case.operands else {}
        named |= case.fixed
        positional = (first,) if case.operands else arrays
        if not mode.gradient:
            return None if out is not None else (lambda: function(*positional, **named))
        method = function.value_and_grad if mode.value else function.grad
        if len(positional) == 2 and not named:
            x, t = positional
            return (lambda: method(x, t)) if out is None else (lambda: method(x, t, out=out))
        if out is not None:
            named["out"] = out
        return lambda: method(*positional, **named)

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        return pair(mode, raw)


class NumPy:
    """Formulas in plain NumPy."""

    name = "numpy"

    def __init__(self, threads: int) -> None:
        self.version = np.__version__

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        arrays = tuple(operands.values())
        if out is not None and not mode.gradient:
            return None
        return lambda: case.numpy(mode, out, *arrays)

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        return raw


class Torch:
    """PyTorch as it runs without compilation."""

    name = "torch"

    def __init__(self, threads: int) -> None:
        self._torch = importlib.import_module("torch")
        self.version = self._torch.__version__
        self._torch.set_num_threads(threads)

    def _formula(self, loss: str, case: Case) -> Callable[..., Any]:
        if case.torch is None:
            return getattr(self._torch.nn.functional, loss)
        return lambda *operands: case.torch(self._torch, *operands)

    def _tensors(self, operands: Operands) -> list[Any]:
        return [self._torch.tensor(array) for array in operands.values()]

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        if out is not None:
            return None
        function = self._formula(loss, case)
        x, *others = self._tensors(operands)
        if not mode.gradient:
            return lambda: function(x, *others)
        x.requires_grad_()
        grad = self._torch.autograd.grad

        def call() -> Any:
            value = function(x, *others)
            (gradient,) = grad(value, x)
            return value, gradient

        return call

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        value, gradient = raw if mode.gradient else (raw, None)
        return value.detach().numpy(), None if gradient is None else gradient.numpy()


class TorchCompile(Torch):
    """PyTorch through `torch.compile`: value and gradient are one compiled function, its fastest form."""

    name = "torch.compile"

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            raise ImportError(f"torch.compile needs the C++ compiler {compiler}")

    def _formula(self, loss: str, case: Case) -> Callable[..., Any]:
        if case.torch_compiled is None:
            return super()._formula(loss, case)
        return lambda *operands: case.torch_compiled(self._torch, *operands)

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        if out is not None:
            return None
        function = self._formula(loss, case)
        transform = self._torch.func
        if mode.value and mode.gradient:
            function = transform.grad_and_value(function)
        elif mode.gradient:
            function = transform.grad(function)
        tensors = self._tensors(operands)
        compiled = self._torch.compile(function, dynamic=False)
        return lambda: compiled(*tensors)

    def forget(self) -> None:
        """Drop what was compiled: beyond a few versions of one function torch falls back to running it uncompiled."""
        self._torch._dynamo.reset()

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        if mode.value and mode.gradient:
            raw = raw[::-1]
        value, gradient = pair(mode, raw)
        return None if value is None else value.numpy(), None if gradient is None else gradient.numpy()


class Jax:
    """JAX, compiled by `jit`. Its threads are those of the CPUs that the process may use."""

    name = "jax"

    def __init__(self, threads: int) -> None:
        self._jax = importlib.import_module("jax")
        self.version = self._jax.__version__
        self._jax.config.update("jax_enable_x64", True)

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        if out is not None:
            return None
        jax = self._jax

        def formula(*arrays: Any) -> Any:
            return case.jax(jax.numpy, *arrays)

        if mode.gradient:
            formula = (jax.value_and_grad if mode.value else jax.grad)(formula)
        function = jax.jit(formula)
        arrays = [jax.numpy.array(array) for array in operands.values()]
        wait = jax.block_until_ready
        return lambda: wait(function(*arrays))

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        value, gradient = pair(mode, raw)
        return value, None if gradient is None else np.asarray(gradient)


class ScikitLearn:
    """The losses of scikit-learn's own estimators, scaled to the mean as those estimators scale them."""

    name = "sklearn"

    def __init__(self, threads: int) -> None:
        self._losses = importlib.import_module("sklearn._loss.loss")
        self.version = importlib.import_module("sklearn").__version__
        self._threads = threads

    def prepare(self, loss: str, case: Case, mode: Mode, operands: Operands, out: np.ndarray | None) -> Call | None:
        spec = case.sklearn
        if spec is None or (out is not None and not mode.gradient):
            return None
        raw, target = operands.values()
        options, samples = dict(spec.options), raw.size
        if spec.name == "HalfMultinomialLoss":
            if raw.ndim != 2 or case.fixed:
                return None
            options["n_classes"], samples = raw.shape[1], raw.shape[0]
            target = target.astype(raw.dtype)
        function = getattr(self._losses, spec.name)(**options)
        losses_out = None if out is None else np.empty(target.shape, raw.dtype)
        factor, threads = spec.factor, self._threads

        def value() -> Any:
            return function.loss(target, raw, n_threads=threads).mean() * factor, None

        def grad() -> Any:
            gradient = function.gradient(target, raw, gradient_out=out, n_threads=threads)
            gradient *= factor / samples
            return None, gradient

        def both() -> Any:
            losses, gradient = function.loss_gradient(
                target, raw, loss_out=losses_out, gradient_out=out, n_threads=threads
            )
            gradient *= factor / samples
            return losses.mean() * factor, gradient

        return {"value": value, "grad": grad, "both": both}[mode.name]

    def result(self, mode: Mode, raw: Any) -> tuple[Any, np.ndarray | None]:
        return raw


PEERS: dict[str, type[Contestant]] = {peer.name: peer for peer in (NumPy, Torch, TorchCompile, Jax, ScikitLearn)}


def load_peers(names: tuple[str, ...], threads: int) -> tuple[list[Contestant], dict[str, str]]:
    """The peers of those names that can be had, and why each of the others cannot."""
    loaded: list[Contestant] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            loaded.append(PEERS[name](threads))
        except ImportError as error:
            missing[name] = str(error)
    return loaded, missing
