"""What type checkers and editors know of the installed package."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastloss as fl

PACKAGE = Path(fl.__file__).parent

GOOD = """
import fastloss as fl
import numpy as np

x = np.zeros(3)
reveal_type(fl.huber_loss(x, x))
reveal_type(fl.huber_loss(x, [1.0, 2.0, 3.0], delta=2.0, reduction="none"))
reveal_type(fl.huber_loss.grad(x, x, wrt="input"))
reveal_type(fl.huber_loss.grad(x, x, wrt=("input", "target")))
reveal_type(fl.mse_loss.value_and_grad(x, x))
reveal_type(fl.mse_loss.value_and_grad(x, x, wrt=[0, 1], reduction="none"))
reveal_type(fl.gaussian_nll_loss.grad_and_hess(x, x, 1.0, full=True))
reveal_type(fl.hinge_loss.partial(labels="01")(x, x))
reveal_type(fl.cross_entropy(np.zeros((3, 2)), [0, 1, 1]))
reveal_type(fl.cross_entropy(x, 1, reduction="none", ignore_index=2, axis=-1, softcap=30.0))
reveal_type(fl.cross_entropy(x, 1, return_="lse"))
reveal_type(fl.cross_entropy.grad(x, 1, return_=["lse", "correct"]))
reveal_type(fl.cross_entropy(x, 1, return_={"probabilities": x, "lse": None}))
reveal_type(fl.cross_entropy.value_and_grad(x, 1))
reveal_type(fl.cross_entropy.value_and_grad(x, x, wrt=("input", "target"), return_=("prediction",)))
reveal_type(fl.cross_entropy.hvp(x, 1, x, [1.0, 2.0, 1.0]))
reveal_type(fl.softmax([[1, 2]], dim=0, out=x))
reveal_type(fl.log_softmax.value_and_grad(x, x))
reveal_type(fl.logsumexp.grad(x, 1.0, axis=0))
reveal_type(fl.box_iou(np.eye(4), [[0, 0, 1, 1]], fmt=("xyxy", "xywh"), out=None))
reveal_type(fl.box_iou.grad(np.eye(4), np.eye(4), wrt="target", grad_output=2.0))
reveal_type(fl.box_iou.value_and_grad(np.eye(4), np.eye(4), wrt=("input", "target")))
reveal_type(fl.box_iou_loss([[2, 2, 2, 2]], [[1, 1, 3, 4]], fmt=("cxcywh", "xyxy")))
reveal_type(fl.box_iou_loss.grad([[2, 2, 2, 2]], [[1, 1, 3, 4]], fmt="xywh"))
reveal_type(fl.triplet_margin_loss.grad(x, x, x))
reveal_type(fl.triplet_margin_loss.value_and_grad(x, x, x, wrt="anchor", out=x, axis=0))
reveal_type(fl.contrastive_loss.value_and_grad(x, x, 1))
reveal_type(fl.negative_cosine_loss.grad(x, x))
reveal_type(fl.pairwise_distance(x, x, p=1, keepdim=True))
reveal_type(fl.pairwise_distance.grad(x, x))
reveal_type(fl.cosine_similarity.value_and_grad(x, x, wrt="x2", axis=0))
reveal_type(fl.signed_distance([[0, 1]], (1.0, 2.0), axes=(0, 1), dtype=np.float32))
reveal_type(fl.huber_loss.info.robust)
reveal_type(fl.huber_loss.ufunc)
reveal_type(fl.losses()["mse_loss"].name)
reveal_type(fl.get_num_threads())
with fl.threads(2), fl.errstate(empty="zero", domain="raise"):
    pass
config = fl.show_config(mode="dict")
reveal_type(config)
"""

REVEALED = [
    r"floating\[Any\]",
    r"ndarray\[.*\]",
    r"ndarray\[.*\]",
    r"tuple\[.*ndarray.*, \.\.\.\]",
    r"tuple\[.*floating\[Any\], .*ndarray.*\]",
    r"tuple\[.*ndarray.*, .*tuple\[.*ndarray.*, \.\.\.\]\]",
    r"tuple\[.*ndarray.*, .*ndarray.*\]",
    r"floating\[Any\]",
    r"floating\[Any\]",
    r"ndarray\[.*\]",
    r"tuple\[.*floating\[Any\], .*dict\[.*str, .*ndarray.*\]\]",
    r"tuple\[.*ndarray.*, .*dict\[.*str, .*ndarray.*\]\]",
    r"tuple\[.*floating\[Any\], .*dict\[.*str, .*ndarray.*\]\]",
    r"tuple\[.*floating\[Any\], .*ndarray.*\]",
    r"tuple\[.*floating\[Any\], .*tuple\[.*ndarray.*, \.\.\.\], .*dict\[.*str, .*ndarray.*\]\]",
    r"ndarray\[.*\]",
    r"ndarray\[.*\]",
    r"tuple\[.*ndarray.*, .*ndarray.*\]",
    r"ndarray\[.*\]",
    r"ndarray\[.*\]",
    r"ndarray\[.*\]",
    r"tuple\[.*ndarray.*, .*tuple\[.*ndarray.*, \.\.\.\]\]",
    r"floating\[Any\]",
    r"ndarray\[.*\]",
    r"tuple\[.*ndarray.*, \.\.\.\]",
    r"tuple\[.*floating\[Any\], .*ndarray.*\]",
    r"tuple\[.*floating\[Any\], .*tuple\[.*ndarray.*, \.\.\.\]\]",
    r"ndarray\[.*\]",
    r"ndarray\[.*\]",
    r"tuple\[.*ndarray.*, \.\.\.\]",
    r"tuple\[.*ndarray.*, .*ndarray.*\]",
    r"ndarray\[.*\]",
    r"bool \| .*str \| None|Union\[.*bool, .*str, None\]",
    r"ufunc",
    r"str",
    r"int",
    r"dict\[.*str, Any\]",
]

BAD = [
    ("fl.huber_loss(x)", "call-overload"),
    ("fl.huber_loss(x, x, dleta=1.0)", "call-overload"),
    ("fl.huber_loss(x, x, delta='big')", "call-overload"),
    ("fl.huber_loss(x, x, reduction='men')", "call-overload"),
    ("fl.huber_loss.grad(x, x, 1.0, 2.0)", "call-overload"),
    ("fl.hinge_loss(x, x, labels='0/1')", "call-overload"),
    ("fl.hinge_loss.partial(delta=1.0)", "call-arg"),
    ("fl.huber_loss(x, x, axis=1)", "call-overload"),
    ("fl.cross_entropy(x, 1, return_='log_sum_exp')", "arg-type"),
    ("fl.cross_entropy.hvp(x, 1)", "call-arg"),
    ("fl.cross_entropy(x, 1, return_={'prediction': 1})", "dict-item"),
    ("fl.box_iou_loss(x, x, fmt='xxyy')", "call-overload"),
    ("fl.box_iou_loss(x, x, fmt=('xyxy', 'xxyy'))", "arg-type"),
    ("fl.box_iou_loss(x, x, fmt=('xyxy', 'xywh', 'xywh'))", "arg-type"),
    ("fl.softmax(x, axis=0)", "call-arg"),
    ("fl.logsumexp.grad(x)", "call-arg"),
    ("fl.box_iou(x, x, reduction='none')", "call-arg"),
    ("fl.box_iou(x, x, fmt='xxyy')", "arg-type"),
    ("fl.mse_loss.hess(x, x, wrt='input')", "call-arg"),
    ("fl.errstate(domain='riase')", "arg-type"),
    ("fl.threads('two')", "arg-type"),
    ("fl.no_such_loss(x, x)", "attr-defined"),
]


def check(tmp_path, source):
    """Output lines of mypy on a snippet, run against the installed package."""
    snippet = tmp_path / "snippet.py"
    snippet.write_text(source)
    return mypy(tmp_path, str(snippet))


def mypy(tmp_path, *targets):
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", *targets]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment())
    return done.stdout.splitlines()


def environment():
    # The package may lie beside site-packages, where mypy looks only when told.
    return {**os.environ, "MYPYPATH": "" if "site-packages" in PACKAGE.parts else str(PACKAGE.parent)}


def test_stubs_are_installed():
    assert (PACKAGE / "py.typed").exists()
    for module in ("__init__.pyi", "ufuncs.pyi", "_core.pyi"):
        assert (PACKAGE / module).exists()
    text = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "losses").glob("*.pyi"))
    for name in fl.losses():
        assert text.count(f"\n{name}: ") == 1


def test_mypy_knows_the_types(tmp_path):
    lines = check(tmp_path, GOOD)
    assert not [line for line in lines if "error" in line]
    revealed = [match.group(1) for line in lines if (match := re.search(r'Revealed type is "(.*)"', line))]
    assert len(revealed) == len(REVEALED)
    for found, expected in zip(revealed, REVEALED, strict=True):
        assert re.search(expected, found.replace("numpy.", "").replace("builtins.", "")), (found, expected)


def test_the_stubs_are_right_in_themselves(tmp_path):
    stubs = ("-p", "fastloss.losses", "-m", "fastloss._softmax", "-m", "fastloss._box_iou")
    assert mypy(tmp_path, *stubs)[-1].startswith("Success")


def test_mypy_finds_mistakes(tmp_path):
    source = "import fastloss as fl\nimport numpy as np\n\nx = np.zeros(3)\n"
    first = source.count("\n") + 1
    lines = check(tmp_path, source + "\n".join(code for code, _ in BAD) + "\n")
    for number, (code, kind) in enumerate(BAD, first):
        assert any(f":{number}: error: " in line and f"[{kind}]" in line for line in lines), (code, lines)


STUBS = sorted(PACKAGE.rglob("*.pyi"))
FUNCTIONS = ("softmax", "log_softmax", "logsumexp", "box_iou")


@functools.cache
def stub_classes():
    """The classes in all stubs."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in STUBS]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def class_of(name):
    return "_" + "".join(part.capitalize() for part in name.split("_"))


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.stem)
def test_no_phrase_is_left_out_of_a_stub(stub):
    text = stub.read_text(encoding="utf-8")
    assert re.findall(r"\{\w+\}", text) == []
    # Editors show the text as it stands, so it is lines and not escapes.
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    for node in (node for node in nodes if ast.get_docstring(node) is not None):
        quoted = ast.get_source_segment(text, node.body[0])
        assert quoted.startswith('"""')
        assert len(quoted.splitlines()) == len(ast.get_docstring(node).splitlines()) + 1, node.name


@pytest.mark.parametrize("name", fl.losses())
def test_stub_documentation_is_what_help_shows(name):
    assert ast.get_docstring(stub_classes()[class_of(name)]) == inspect.getdoc(getattr(fl, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_stub_documentation_of_functions_is_what_help_shows(name):
    function = getattr(fl, name)
    stub = stub_classes()[type(function).__name__]
    assert ast.get_docstring(stub) == inspect.getdoc(function)
    documented = {node.name: ast.get_docstring(node) for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert documented == {
        "__call__": None,
        "grad": inspect.getdoc(function.grad),
        "value_and_grad": inspect.getdoc(function.value_and_grad),
    }


@pytest.mark.parametrize("name", fl.losses())
def test_stub_parameters_are_the_real_ones(name):
    loss = getattr(fl, name)
    classes = stub_classes()
    stem = class_of(name)
    for method in ("__call__", "grad", "value_and_grad", "hess", "grad_and_hess", "hvp", "statistics"):
        holder = stem if method == "__call__" else stem + "".join(part.capitalize() for part in method.split("_"))
        call = loss if method == "__call__" else getattr(loss, method, None)
        assert (call is None) == (holder not in classes)
        if call is None:
            continue
        real = list(inspect.signature(call).parameters)
        for definition in (
            node for node in classes[holder].body if isinstance(node, ast.FunctionDef) and node.name == "__call__"
        ):
            stated = [argument.arg for argument in (*definition.args.args[1:], *definition.args.kwonlyargs)]
            assert sorted(stated) == sorted(real), (holder, stated, real)
