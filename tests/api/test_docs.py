"""The documentation is held to the code: every example runs, every link leads somewhere, every table is complete."""

import ast
import doctest
import importlib.util
import inspect
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import cases
import fastloss as fl
import references.draws
import references.regression
from fastloss import _docs
from fastloss._declare import declare

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = list(fl.losses())


def page_id(path):
    return str(path.relative_to(ROOT))


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def run_doctest(text, name):
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    failures = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=failures.append)
    assert not failures, "".join(failures)
    return len(test.examples)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_examples_of_the_pages(page):
    run_doctest("\n".join(blocks(page, "pycon")), page.name)
    # The worked example of CONTRIBUTING is of a loss that this build does not have; tests of its own are below.
    for block in blocks(page, "python") if page.name != "CONTRIBUTING.md" else []:
        exec(compile(block, page.name, "exec"), {})


def test_readme_has_an_example_of_every_method():
    text = "\n".join(blocks(ROOT / "README.md", "pycon"))
    for use in (".grad(", ".value_and_grad(", ".grad_and_hess(", "sample_weight=", "where=", "wrt=", ".partial("):
        assert use in text


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_the_losses(name):
    loss = getattr(fl, name)
    assert run_doctest(inspect.getdoc(loss), name) >= 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["grad", "value_and_grad", "hess", "grad_and_hess", "hvp", "statistics"])
def test_examples_of_the_methods(name, method):
    loss = getattr(fl, name)
    curved = {"hvp": loss.info.rowwise}.get(method, loss.info.elementwise or loss.info.rowwise)
    if method in ("hess", "grad_and_hess", "hvp") and not curved:
        assert not hasattr(loss, method)
        return
    text = inspect.getdoc(getattr(loss, method))
    assert "Parameters" in text
    run_doctest(text, f"{name}.{method}")


@pytest.mark.parametrize("name", sorted(n for n in fl.__all__ if n not in NAMES and callable(getattr(fl, n))))
def test_examples_of_the_rest(name):
    text = inspect.getdoc(getattr(fl, name))
    assert text
    run_doctest(text, name)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "bench" / "README.md"], ids=page_id)
def test_relative_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), flags=re.M)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{page.name} links to {target}"


def first_cells(text):
    """The names in the first column of all tables, in order."""
    return re.findall(r"^\| `(\w+)` \|", text, flags=re.M)


def test_readme_lists_every_loss():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("| family | losses |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(NAMES)


def test_claims_are_those_of_the_tables():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    chart = runpy.run_path(str(ROOT / "docs" / "speed_chart.py"))
    factors = chart["fastest_peers"](page)
    of_elements = [factors[f"`{name}`"][0] for name in first_cells(page) if f"`{name}`" in factors]
    floors = [float(x) for x in re.findall(r"^\| `\w+` \| [\d.]+ \| ([\d.]+) \|", page, flags=re.M)]
    (time,) = re.findall(r"^\| 8192 x 1000 \| ([\d.]+ ms) ", page, flags=re.M)
    peer = factors["8192 x 1000"][0]
    for claim in (
        f"{sum(x > 1 for x in of_elements)} of {len(of_elements)} losses take less time than the fastest",
        f"half of them are at least {np.median(of_elements)} times as fast",
        f"Half of them take at most {np.median(floors)} times as long as moving the same bytes once",
        f"Cross-entropy of 8192 x 1000 scores takes {time}, where the fastest peer takes {peer} times that",
    ):
        assert claim in readme
    (small,) = re.findall(r"Value and gradient of 256 elements take (.*?) us", readme)
    assert f"{small} us for value and gradient, checks included" in readme.split("## How fast")[1]
    assert chart["draw"](page) == (ROOT / "docs" / "speed.svg").read_text(encoding="utf-8")


def test_losses_page_lists_every_loss_with_its_defaults():
    formulas = (ROOT / "docs/losses.md").read_text(encoding="utf-8").split("## Which loss")[0]
    assert sorted(first_cells(formulas)) == sorted(NAMES)
    for info in fl.losses().values():
        (row,) = re.findall(rf"^\| `{info.name}` \|.*$", formulas, flags=re.M)
        for option, default in info.defaults.items():
            shown = re.search(rf"`{option}=([^`]+)`", row)
            assert shown, f"{info.name} lacks {option}"
            assert eval(shown.group(1)) == default


def test_tasks_name_only_losses_that_exist():
    text = (ROOT / "docs/losses.md").read_text(encoding="utf-8")
    table = text.split("## Which loss")[1].split("## Four ways")[0]
    assert set(re.findall(r"`(\w+_loss|binary\w+)`", table)) <= set(NAMES)


def test_set_up_commands():
    (setup, *_) = blocks(ROOT / "README.md", "sh")
    assert setup.splitlines() == ["pip install '.[demo]' && fastloss demo", "pip install '.[test]' && pytest"]
    assert importlib.util.find_spec("fastloss.cli") is not None
    assert (ROOT / "bench" / "__main__.py").is_file()


def test_worked_declaration():
    declaration, _, _ = blocks(ROOT / "CONTRIBUTING.md", "python")
    (function,) = ast.parse(declaration).body
    parameters = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
    documentation = _docs.parse(function.name, ast.get_docstring(function), parameters)
    assert documentation.summary.endswith(".")
    assert {k.arg for k in function.decorator_list[0].keywords} <= set(inspect.signature(declare).parameters)


def test_parameters_of_many_losses_are_named():
    declared = "Sum.\n\n::\n\n    l = x\n\nParameters\n----------\n{logits}\n\nReturns\n-------\n{reductions}\n"
    declared += "\nReferences\n----------\nNone.\n\nExamples\n--------\n>>> 1\n1\n"
    assert (
        "input : array_like\n    Logits, of shape (N, C)"
        in _docs.parse("loss", declared, ["input"]).sections["Parameters"]
    )
    with pytest.raises(_docs.DocumentationError, match=r"loss: no phrase is known as \{logit\}"):
        _docs.parse("loss", declared.replace("{logits}", "{logit}"), ["input"])


def test_a_loss_may_have_its_own_words_for_a_keyword_of_every_call():
    own = "x : array_like\n    Numbers.\ngrad_output : float\n    One number.\n"
    declared = f"Sum.\n\n::\n\n    l = x\n\nParameters\n----------\n{own}\nReturns\n-------\n{{reductions}}\n"
    declared += "\nReferences\n----------\nNone.\n\nExamples\n--------\n>>> 1\n1\n"
    parsed = _docs.parse("loss", declared, ["x"])
    text = parsed.compose("loss", "grad", "pointwise", (), 1, "")
    assert "grad_output : float\n    One number.\nwrt : " in text
    assert text.count("grad_output : ") == 1
    assert "grad_output" not in parsed.compose("loss", "__call__", "pointwise", (), 1, "")
    with pytest.raises(_docs.DocumentationError, match=r"documents the parameters \['x', 'gradient'\]"):
        _docs.parse("loss", declared.replace("grad_output", "gradient"), ["x"])


def test_phrases_of_functions_are_named():
    text = _docs.document_function("f", "Sum.\n\n{given_axis}", axis="dim")
    assert text == "Sum.\n\ndim : int, default -1\n    The axis of a row, as `f` takes it."
    assert _docs.document_function("f", "Sum.\n\n{box_eps}").startswith("Sum.\n\neps : float, default 1e-7\n")
    for axis, unknown in (("dim", "axis"), ("dim", "box_eps"), (None, "given_axis")):
        with pytest.raises(_docs.DocumentationError, match=rf"f: no phrase is known as \{{{unknown}\}}"):
            _docs.document_function("f", f"Sum.\n\n{{{unknown}}}", axis=axis)


def test_worked_reference():
    _, source, _ = blocks(ROOT / "CONTRIBUTING.md", "python")
    namespace = {**vars(references.regression), "label": references.draws.label}
    exec(compile(source, "CONTRIBUTING.md", "exec"), namespace)
    reference = namespace["STOCK"]
    operands = cases.sample(reference, cases.seed("worked reference"), 200, np.float64)
    assert [x.dtype for x in operands.values()] == [np.float64, np.int64, np.float64]
    assert list(reference.gradients) == ["input", "price"]
    exact = cases.Exact(reference, operands, {}, np.float64)
    assert (exact("value") > 0).any()
    for name in reference.gradients:
        step = 1e-6
        moved = [exact.raw("value", **{name: exact.operands[name] + d}) for d in (step, -step)]
        np.testing.assert_allclose(exact(f"gradient:{name}"), (moved[0] - moved[1]) / (2 * step), rtol=1e-6, atol=1e-6)


def test_worked_struct_compiles(tmp_path):
    source = tmp_path / "worked_example.cpp"
    (struct,) = blocks(ROOT / "CONTRIBUTING.md", "cpp")
    source.write_text(
        '#include "fastloss/losses/registry.hpp"\n'
        f"namespace fastloss {{ inline namespace FASTLOSS_ISA {{ namespace example {{\n{struct}\n}} }} }}\n",
        encoding="utf-8",
    )
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))))
    command = [compiler, "-std=c++20", "-march=x86-64-v2", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    result = subprocess.run([*command, f"-I{ROOT / 'cpp/include'}", str(source)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def example(name):
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="example")


def test_every_example_is_tested():
    assert {p.stem for p in (ROOT / "examples").glob("*.py")} == {
        "boosting_objective",
        "digit_embeddings",
        "fitting_boxes",
        "missing_targets",
        "rare_classes",
        "robust_regression",
        "segmentation",
    }


def test_robust_regression_example(capsys):
    module = example("robust_regression")
    lines = module["main"]()
    truth = np.array([module["TRUE_SLOPE"], module["TRUE_INTERCEPT"]])
    assert np.abs(lines["huber_loss, delta=0.5"] - truth).max() < 0.15
    assert np.abs(lines["mse_loss"] - truth).max() > 2
    assert "huber_loss" in capsys.readouterr().out


def test_rare_classes_example(capsys):
    found = example("rare_classes")["main"]()
    assert found["unweighted"][2] < 0.2
    assert found["weighted"][2] > 0.5
    assert min(found["weighted"]) > min(found["unweighted"]) + 0.3
    assert "recognised of each class" in capsys.readouterr().out


def test_fitting_boxes_example(capsys):
    found = example("fitting_boxes")["main"]()
    assert (found["IoU"] == 0).all()
    for name in ("GIoU", "DIoU"):
        assert found[name][0] == 0
        assert found[name][-1] > 0.98
    assert "mean IoU after" in capsys.readouterr().out


@pytest.mark.needs("matplotlib")
def test_fitting_boxes_example_draws(tmp_path):
    example("fitting_boxes")["main"](str(tmp_path / "boxes.svg"))
    assert "mean IoU" in (tmp_path / "boxes.svg").read_text(encoding="utf-8")


def test_digit_embeddings_example(capsys):
    before, after = example("digit_embeddings")["main"]()
    assert before < 0.75
    assert after > 0.94
    assert "right label after training" in capsys.readouterr().out


@pytest.mark.needs("matplotlib")
def test_digit_embeddings_example_draws(tmp_path):
    module = example("digit_embeddings")
    few = tuple(x[:300] for x in module["load"]()[1])
    module["draw"](str(tmp_path / "digits.png"), [module["begin"]()] * 2, few, ("before", "after"))
    assert (tmp_path / "digits.png").stat().st_size > 10_000


@pytest.mark.needs("skimage")
def test_segmentation_example(capsys, tmp_path):
    found = example("segmentation")["main"](str(tmp_path / "segmentation.png"))
    (_, alone), (_, both) = (of_classes[2] for of_classes in found.values())  # the IoU of the nuclei
    assert alone > 0.2
    assert both > alone + 0.04
    for c in (0, 1):
        assert found["dice_ce_loss"][c][1] > found["cross_entropy"][c][1] - 0.01
    assert "Dice score and IoU" in capsys.readouterr().out
    assert (tmp_path / "segmentation.png").stat().st_size > 10_000


def test_boosting_example(capsys):
    loss, accuracy = example("boosting_objective")["main"]()
    assert loss < 0.4
    assert accuracy > 0.85
    assert "log loss" in capsys.readouterr().out


def test_missing_targets_example(capsys):
    first, last, worst = example("missing_targets")["main"]()
    assert last < 0.02 < first
    assert worst < 0.05
    assert "% of the targets known" in capsys.readouterr().out
