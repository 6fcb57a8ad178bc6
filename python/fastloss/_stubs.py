"""Writes the type stubs of the package: ``python _stubs.py OUTPUT_DIRECTORY REGISTRY``.

Run by the build as a plain script, before the package can be imported, so it reads the declarations as text. What only
the core knows, the engine of each loss and the parts of its calls, is in the file REGISTRY: a line for each loss. For
every loss it writes a class with the exact parameters of the loss and its methods; type checkers and editors then know
them.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parent
if __name__ == "__main__":  # the package as a folder of modules, without the compiled core that its own code imports
    sys.modules["fastloss"] = ModuleType("fastloss")
    sys.modules["fastloss"].__path__ = [str(PACKAGE)]

from fastloss import _docs, _engines  # noqa: E402

HEADER = """from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss._annotations import BoxFormat, Distance, FromLogits
from fastloss._core import Loss, LossMethod

"""

FUNCTION_HEADER = """from typing import Any, overload

from numpy.typing import ArrayLike, NDArray

from fastloss._annotations import BoxFormat
from fastloss._function import Function
from fastloss._row_function import RowFunction

"""

# The keyword parameters that calls share. Reduced values are NumPy scalars; "none" gives an array.
COMMON = (
    "sample_weight: ArrayLike | None = None, where: ArrayLike | None = None, "
    "normalizer: float | Literal['count', 'weight'] | None = None"
)
REDUCED = "reduction: Literal['mean', 'sum', 'batchmean'] = 'mean'"
UNREDUCED = "reduction: Literal['none']"
ANY_REDUCTION = "reduction: Literal['mean', 'none', 'sum', 'batchmean'] = 'mean'"
GRADIENT = "grad_output: ArrayLike | None = None"
ACCUMULATE = "accumulate: bool = False"
ONE = "wrt: str | int | None = None, out: NDArray[Any] | None = None"
NAMED = "wrt: str | int, out: NDArray[Any] | None = None"
# Not Sequence: a str is one too.
SEVERAL_OUT = "out: tuple[NDArray[Any] | None, ...] | list[NDArray[Any] | None] | list[NDArray[Any]] | None = None"
SEVERAL = f"wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int], {SEVERAL_OUT}"
ALL = f"wrt: tuple[str | int, ...] | list[str] | list[int] | list[str | int] | None = None, {SEVERAL_OUT}"
UNNAMED = "wrt: None = None, out: Any = None"
# The keywords that not all losses have.
AXIS = "axis: int | None = None"
IGNORE_INDEX = "ignore_index: int = -100"
NO_RETURN = "return_: None = None"
EXTRA = "Literal['lse', 'probabilities', 'log_probabilities', 'prediction', 'correct']"
RETURN = f"return_: {EXTRA} | Sequence[{EXTRA}] | dict[{EXTRA}, NDArray[Any] | None]"
EXTRAS = "dict[str, NDArray[Any]]"
VECTOR = "vector: ArrayLike"
SCALAR, ARRAY, ARRAYS = "np.floating[Any]", "NDArray[Any]", "tuple[NDArray[Any], ...]"


# From the name of a loss to its engine, the operands of its gradients and the parts of its calls.
Registry = dict[str, list[str]]


@dataclass
class Parameter:
    name: str
    annotation: str
    default: str | None

    def text(self) -> str:
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")


@dataclass
class Declared:
    """A declaration as text."""

    name: str
    operands: list[Parameter]
    options: list[Parameter]
    documentation: str
    also_named: list[str]
    engine: str
    wrt: list[int]  # operands that it is differentiated in unless a call says otherwise
    parts: list[str]

    def signature(self, *keywords: str) -> str:
        return self._signature([operand.text() for operand in self.operands], keywords)

    def signature_with_vector(self, *keywords: str) -> str:
        """The vector follows the operands that must be given."""
        required = [operand.text() for operand in self.operands if operand.default is None]
        left = [operand.text() for operand in self.operands if operand.default is not None]
        return self._signature([*required, VECTOR, *left], keywords)

    def _signature(self, operands: list[str], keywords: tuple[str, ...]) -> str:
        options = [option.text() for option in self.options]
        options += [AXIS] if "axis" in self.parts else []
        options += [IGNORE_INDEX] if "ignore_index" in self.parts else []
        return ", ".join(["self", *operands, "*", *options, *keywords])

    @property
    def _parsed(self) -> _docs.Documentation:
        parameters = [parameter.name for parameter in (*self.operands, *self.options)]
        return _docs.parse(self.name, self.documentation, parameters)

    def gradient_cases(self) -> list[tuple[str, str]]:
        """What a call may say of its gradients, and what these are then: one array or several."""
        required = sum(self.operands[i].default is None for i in self.wrt)
        if required > 1:
            return [(NAMED, ARRAY), (ALL, ARRAYS)]
        if len(self.wrt) == 1:
            return [(ONE, ARRAY), (SEVERAL, ARRAYS)]
        return [(NAMED, ARRAY), (SEVERAL, ARRAYS), (UNNAMED, f"{ARRAY} | {ARRAYS}")]  # by which operands are given

    def document(self) -> str:
        """What `help` shows of the loss."""
        required = sum(operand.default is None for operand in self.operands)
        return self._parsed.compose(self.name, "__call__", self.engine, self.parts, required, "")

    @property
    def class_name(self) -> str:
        return "_" + "".join(part.capitalize() for part in self.name.split("_"))


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    annotation = "Any" if argument.annotation is None else ast.unparse(argument.annotation)
    return Parameter(argument.arg, annotation, None if default is None else ast.unparse(default))


def _declared(function: ast.FunctionDef, decorator: ast.Call, registry: Registry) -> Declared:
    arguments = function.args
    missing: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
    operands = [_parameter(*pair) for pair in zip(arguments.args, [*missing, *arguments.defaults], strict=True)]
    options = [_parameter(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    documentation = ast.get_docstring(function) or ""
    words = {word.arg: word.value for word in decorator.keywords}

    also_named = list(ast.literal_eval(words["also_named"])) if "also_named" in words else []
    engine, positions, *parts = registry[function.name]
    wrt = [int(position) for position in positions.split(",")]
    return Declared(function.name, operands, options, documentation, also_named, engine, wrt, parts)


def _decorator(node: ast.stmt) -> ast.Call | None:
    for call in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "declare":
            return call
    return None


def read_declarations(path: Path, registry: Registry) -> list[Declared]:
    """The declarations of one module of losses."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    found = [(node, _decorator(node)) for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [_declared(node, decorator, registry) for node, decorator in found if decorator is not None]


# A signature, and what the call returns: one thing, or the items of a tuple.
Case = tuple[str, tuple[str, ...]]


def _overloads(name: str, cases: Sequence[Case]) -> list[str]:
    lines = []
    for signature, items in cases:
        result = items[0] if len(items) == 1 else f"tuple[{', '.join(items)}]"
        lines += ["    @overload"] if len(cases) > 1 else []
        lines += [f"    def {name}({signature}) -> {result}: ..."]
    return lines


def _with_extras(loss: Declared, cases: Sequence[Case]) -> Sequence[Case]:
    """The cases without `return_`, and with it: the result then ends with a dict."""
    if "extras" not in loss.parts:
        return cases
    without = [(f"{signature}, {NO_RETURN}", items) for signature, items in cases]
    return [*without, *((f"{signature}, {RETURN}", (*items, EXTRAS)) for signature, items in cases)]


def _docstring(text: str, indent: str = "    ") -> list[str]:
    """A docstring as lines of a class, or of a method."""
    quoted = text.rstrip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.indent(f'"""{quoted}\n"""', indent).split("\n")


def _method_class(loss: Declared, method: str, cases: Sequence[Case]) -> tuple[str, list[str]]:
    name = loss.class_name + "".join(part.capitalize() for part in method.split("_"))
    return name, [f"class {name}(LossMethod):", *_overloads("__call__", cases), ""]


def loss_stub(loss: Declared) -> str:
    """Stub of one loss: classes for its methods and itself, and the object."""
    sign = loss.signature
    value_cases = [
        (sign(UNREDUCED, COMMON, "out: NDArray[Any] | None = None"), (ARRAY,)),
        (sign(REDUCED, COMMON, "out: None = None"), (SCALAR,)),
        (sign(REDUCED, COMMON, "out: NDArray[Any]"), (ARRAY,)),
    ]
    tail = (COMMON, GRADIENT)
    gradient_cases = [
        (sign(ANY_REDUCTION, *tail, wrt, ACCUMULATE), (gradient,)) for wrt, gradient in loss.gradient_cases()
    ]
    both_cases = [
        (sign(reduction, *tail, wrt, ACCUMULATE), (value, gradient))
        for reduction, value in ((UNREDUCED, ARRAY), (REDUCED, SCALAR))
        for wrt, gradient in loss.gradient_cases()
    ]
    hess = (ANY_REDUCTION, COMMON, "out: NDArray[Any] | None = None", ACCUMULATE)
    methods = {"grad": _with_extras(loss, gradient_cases), "value_and_grad": _with_extras(loss, both_cases)}
    methods["hess"] = [(sign(*hess), (ARRAY,))]
    methods["grad_and_hess"] = [(sign(ANY_REDUCTION, COMMON, SEVERAL_OUT, ACCUMULATE), (ARRAY, ARRAY))]
    methods["hvp"] = [(loss.signature_with_vector(*hess), (ARRAY,))]
    methods["statistics"] = [(sign(COMMON), ("float", "float"))]
    methods = {name: methods[name] for name in _engines.methods(loss.parts)}
    lines: list[str] = []
    attributes: list[str] = []
    for method, cases in methods.items():
        name, text = _method_class(loss, method, cases)
        lines += text
        attributes += ["    @property", f"    def {method}(self) -> {name}: ..."]
    if "ufunc" in loss.parts:
        for attribute in ("ufunc", "grad_ufunc"):
            attributes += ["    @property", f"    def {attribute}(self) -> np.ufunc: ..."]
    # partial() binds an operand to a number; those whose default is None have nothing that it could replace.
    bound = [f"{o.name}: float = ..." for o in loss.operands if o.default not in (None, "None")]
    bound += [f"{o.name}: {o.annotation} = ..." for o in loss.options]
    partial = ", ".join(["self", "*"][: 1 + bool(bound)] + bound)
    lines += [
        f"class {loss.class_name}(Loss):",
        *_docstring(loss.document()),
        *_overloads("__call__", _with_extras(loss, value_cases)),
    ]
    lines += attributes
    lines += [
        f"    def partial({partial}) -> {loss.class_name}: ...  # type: ignore[override]",
        "",
        f"{loss.name}: {loss.class_name}",
        "",
    ]
    return "\n".join(lines) + "\n"


def read_functions(path: Path) -> list[ast.ClassDef]:
    """The classes of functions in a module of the package: those that say what their function is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [node for node in classes if any(word.arg == "function" for word in node.keywords)]


def function_stub(function: ast.ClassDef) -> str:
    """Stub of one function: its class with the documentation that `help` shows, and the object."""
    words: dict[str, str] = {word.arg: ast.literal_eval(word.value) for word in function.keywords if word.arg}
    bases = ", ".join([*map(ast.unparse, function.bases), *(f"{name}={word!r}" for name, word in words.items())])
    lines = [f"class {function.name}({bases}):"]
    lines += _docstring(_docs.document_function(docstring=ast.get_docstring(function) or "", **words))
    methods = [node for node in function.body if isinstance(node, ast.FunctionDef)]
    for name in ("__call__", "grad", "value_and_grad"):
        # What runs comes last, behind the overloads if there are any.
        *overloads, method = [node for node in methods if node.name == name]
        documentation = ast.get_docstring(method)
        for shown in overloads or [method]:
            returns = "" if shown.returns is None else ast.unparse(shown.returns)
            lines += [f"    @{ast.unparse(decorator)}" for decorator in shown.decorator_list]
            header = f"    def {name}({ast.unparse(shown.args)}) -> {returns}:"
            if documentation is None:
                lines += [f"{header} ..."]
            else:
                lines += [header, *_docstring(_docs.document_function(docstring=documentation, **words), " " * 8)]
    return "\n".join([*lines, "", f"{words['function']}: {function.name}", ""])


def package_stub(families: dict[str, list[Declared]]) -> str:
    """Stub of the package itself: what its source imports, and the losses by name."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    lines = ["from collections.abc import Mapping", ""]
    for node in tree.body:
        if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastloss._")):
            continue
        names = ", ".join(f"{a.name} as {a.name}" for a in node.names if not (a.asname or "").startswith("_"))
        lines += [f"from {node.module} import {names}"] if names else []
    lines += ["from fastloss import ufuncs as ufuncs"]
    for family, declared in families.items():
        for loss in declared:
            source = f"from fastloss.losses.{family} import {loss.name} as"
            lines += [f"{source} {name}" for name in (loss.name, *loss.also_named)]
    return "\n".join([*lines, "", "def losses() -> Mapping[str, LossInfo]: ...", ""])


def ufuncs_stub(families: dict[str, list[Declared]]) -> str:
    """Stub of fastloss.ufuncs."""
    names = [loss.name for declared in families.values() for loss in declared if "ufunc" in loss.parts]
    lines = [f"{name}{end}: np.ufunc" for name in names for end in ("", "_grad")]
    return "\n".join(["import numpy as np", "", *lines, ""])


def main(directory: str, registry_file: str) -> None:
    """Write all stubs below a directory, laid out as the package is."""
    target = Path(directory)
    lines = Path(registry_file).read_text(encoding="utf-8").splitlines()
    registry = {name: words for name, *words in (line.split() for line in lines)}
    (target / "losses").mkdir(parents=True, exist_ok=True)
    modules = sorted(path for path in (PACKAGE / "losses").glob("*.py") if path.stem != "__init__")
    families = {path.stem: read_declarations(path, registry) for path in modules}
    for family, declared in families.items():
        text = HEADER + "\n".join(loss_stub(loss) for loss in declared)
        (target / "losses" / f"{family}.pyi").write_text(text, encoding="utf-8")
    for path in sorted(PACKAGE.glob("*.py")):
        if functions := read_functions(path):
            text = FUNCTION_HEADER + "\n".join(map(function_stub, functions))
            (target / f"{path.stem}.pyi").write_text(text, encoding="utf-8")
    (target / "__init__.pyi").write_text(package_stub(families), encoding="utf-8")
    (target / "ufuncs.pyi").write_text(ufuncs_stub(families), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
