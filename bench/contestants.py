"""fastloss and its peers behind one interface: each turns a case into calls that return the same value and gradients.

Every contestant gets the operands as its own arrays before the clock starts, and allocates its results as it does by
itself; where it can write into a given array, that is timed as well. The modules are imported on construction, so a
missing one shows up as an `ImportError` of that peer alone.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Arrays, Problem, single
from bench.mode import Mode

Call = Callable[[], Any]


class Contestant(Protocol):
    """What the benchmark asks of fastloss and of each peer.

    One may also have `forget()`, called before each case, and `let_go()`, called before memory is measured.
    """

    name: str
    version: str

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        """The call to time, writing the gradients to `out` if given; None where the contestant has no such call."""

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        """The value and the gradient, or a tuple of several, in what a call returned, as NumPy has them."""


def pair(mode: Mode, raw: Any) -> tuple[Any, Any]:
    """(value, gradient) from a result that is one of the two, or both in this order."""
    if mode.value and mode.gradient:
        return raw
    return (raw, None) if mode.value else (None, raw)


def gradients_first(mode: Mode, raw: Any) -> tuple[Any, Any]:
    """The same from a result that has the value last."""
    return pair(mode, raw[::-1] if mode.value and mode.gradient else raw)


def differentiated(grad: Callable[..., Any], formula: Callable[..., Any], mode: Mode, problem: Problem) -> Call:
    """The function that gives what `mode` asks for, of the arguments that the problem has in that mode.

    `grad` is the function of that name in JAX or `torch.func`. Both compile, so what is not returned is not computed.
    The gradients come first: with the value first, torch does not make one loop of both.
    """
    if not mode.gradient:
        return formula
    reduced = problem.flow is None  # torch would watch the problem itself for changes

    def total_and_value(*arguments: Any) -> tuple[Any, Any]:
        if reduced:
            value = formula(*arguments)
            return value, value
        *operands, flow = arguments
        value = formula(*operands)
        return (value * flow).sum(), value

    both = grad(total_and_value, problem.places, has_aux=True)
    return both if mode.value else (lambda *arguments: both(*arguments)[0])


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

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        function = getattr(self._module, timed_of(name))
        arrays = tuple(problem.operands.values())
        # By name, as operands that are left out may lie between; positional where nothing does, as users write it.
        first, *others = arrays
        named = dict(zip(list(problem.operands)[1:], others, strict=True)) if case.operands else {}
        named |= case.fixed
        positional = (first,) if case.operands else arrays
        if not mode.gradient:
            return None if out is not None else (lambda: function(*positional, **named))
        method = function.value_and_grad if mode.value else function.grad
        if problem.places != (0,):
            named["wrt"] = single(tuple(problem.gradients))
        if problem.flow is not None:
            named["grad_output"] = problem.flow
        if len(positional) == 2 and not named:
            x, t = positional
            return (lambda: method(x, t)) if out is None else (lambda: method(x, t, out=out))
        if out is not None:
            named["out"] = out
        return lambda: method(*positional, **named)

    def let_go(self) -> None:
        """Give memory that is kept for further results back."""
        self._module.empty_cache()

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        return pair(mode, raw)


class Apart(Fastloss):
    """The library under test, by a call for each of the losses that another is the sum of."""

    name = "fastloss.apart"

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        apart, module = case.apart, self._module
        if apart is None or (out is not None and not mode.gradient):
            return None
        given = problem.given
        return lambda: apart(module, mode, out, *given)

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        return raw


class NumPy:
    """Formulas in plain NumPy."""

    name = "numpy"

    def __init__(self, threads: int) -> None:
        self.version = np.__version__

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        if out is not None and not mode.gradient:
            return None
        given = problem.given
        return lambda: case.numpy(mode, out, *given)

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        return raw


class Torch:
    """PyTorch as it runs without compilation."""

    name = "torch"

    def __init__(self, threads: int) -> None:
        self._torch = importlib.import_module("torch")
        self.version = self._torch.__version__
        self._torch.set_num_threads(threads)

    def _formula(self, name: str, case: Case) -> Callable[..., Any]:
        if case.torch is None:
            return getattr(self._torch.nn.functional, name)
        return lambda *operands: case.torch(self._torch, *operands)

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        if out is not None:
            return None
        function = self._formula(name, case)
        tensors = {each: self._torch.tensor(array) for each, array in problem.operands.items()}
        operands = tuple(tensors.values())
        if not mode.gradient:
            return lambda: function(*operands)
        inputs = [tensors[each].requires_grad_() for each in problem.gradients]
        flow = None if problem.flow is None else self._torch.tensor(problem.flow)
        grad = self._torch.autograd.grad

        def call() -> Any:
            value = function(*operands)
            return value, grad(value, inputs, flow)

        return call

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        value, gradients = raw if mode.gradient else (raw, ())
        return value.detach().numpy(), tuple(gradient.numpy() for gradient in gradients)


class TorchChunked(Torch):
    """PyTorch's own functions that never hold all class scores at once."""

    name = "torch.chunked"

    def _formula(self, name: str, case: Case) -> Callable[..., Any]:
        return lambda *operands: case.torch_chunked(self._torch, *operands)

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        return None if case.torch_chunked is None else super().prepare(name, case, mode, problem, out)


class TorchCompile(Torch):
    """PyTorch through `torch.compile`: value and gradient are one compiled function, its fastest form."""

    name = "torch.compile"

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            raise ImportError(f"torch.compile needs the C++ compiler {compiler}")

    def _formula(self, name: str, case: Case) -> Callable[..., Any]:
        if case.torch_compiled is None:
            return super()._formula(name, case)
        return lambda *operands: case.torch_compiled(self._torch, *operands)

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        if out is not None:
            return None
        function = differentiated(self._torch.func.grad, self._formula(name, case), mode, problem)
        tensors = [self._torch.tensor(array) for array in problem.arguments(mode)]
        compiled = self._torch.compile(function, dynamic=False)
        return lambda: compiled(*tensors)

    def forget(self) -> None:
        """Drop what was compiled: beyond a few versions of one function torch falls back to running it uncompiled."""
        self._torch._dynamo.reset()

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        value, gradients = gradients_first(mode, raw)
        gradients = None if gradients is None else tuple(gradient.numpy() for gradient in gradients)
        return None if value is None else value.numpy(), gradients


class Jax:
    """JAX, compiled by `jit`. Its threads are those of the CPUs that the process may use."""

    name = "jax"

    def __init__(self, threads: int) -> None:
        self._jax = importlib.import_module("jax")
        self.version = self._jax.__version__
        self._jax.config.update("jax_enable_x64", True)

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        if out is not None:
            return None
        jax = self._jax

        def formula(*operands: Any) -> Any:
            return case.jax(jax.numpy, *operands)

        compiled = jax.jit(differentiated(jax.grad, formula, mode, problem))
        arrays = [jax.numpy.array(array) for array in problem.arguments(mode)]
        wait = jax.block_until_ready
        return lambda: wait(compiled(*arrays))

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        value, gradients = gradients_first(mode, raw)
        gradients = None if gradients is None else tuple(map(np.asarray, gradients))
        return None if value is None else np.asarray(value), gradients


class SciPy:
    """SciPy's functions, which have no gradients."""

    name = "scipy"

    def __init__(self, threads: int) -> None:
        self._special = importlib.import_module("scipy.special")
        self.version = importlib.import_module("scipy").__version__

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        if case.scipy is None or mode.gradient or out is not None:
            return None
        function, special, operands = case.scipy, self._special, tuple(problem.operands.values())
        return lambda: function(special, *operands)

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        return raw, None


class ScikitLearn:
    """The losses of scikit-learn's own estimators, scaled to the mean as those estimators scale them."""

    name = "sklearn"

    def __init__(self, threads: int) -> None:
        self._losses = importlib.import_module("sklearn._loss.loss")
        self.version = importlib.import_module("sklearn").__version__
        self._threads = threads

    def prepare(self, name: str, case: Case, mode: Mode, problem: Problem, out: Arrays | None) -> Call | None:
        spec = case.sklearn
        if spec is None or (out is not None and not mode.gradient):
            return None
        raw, target = problem.operands.values()
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

    def result(self, mode: Mode, raw: Any) -> tuple[Any, Arrays | None]:
        return raw


PEERS: dict[str, type[Contestant]] = {
    peer.name: peer for peer in (NumPy, Torch, TorchChunked, TorchCompile, Jax, SciPy, ScikitLearn, Apart)
}


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
