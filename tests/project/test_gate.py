"""The completeness gate: what every registered loss must have, so that a loss is tested the moment it is registered.

What is tested is read from the parametrisation of the test functions themselves, so the gate does not depend on which
tests were selected. Each part of the gate is itself shown to fail when what it guards is missing.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import cases
import fastloss
from engines import ADAPTERS, Adapter, calls
from engines.linear.adapter import REFERENCES as LINEAR_REFERENCES
from references import (
    BOX_REFERENCES,
    COMPOUND_REFERENCES,
    DISTANCE_REFERENCES,
    EMBEDDING_REFERENCES,
    KEYPOINT_REFERENCES,
    LOVASZ_REFERENCES,
    REFERENCES,
    REGION_REFERENCES,
    ROW_REFERENCES,
    SIMILARITY_REFERENCES,
)
from references.schema import Reference

ROOT = Path(__file__).resolve().parents[2]
OF_ENGINE = {
    "pointwise": REFERENCES,
    "rowwise": ROW_REFERENCES,
    "linear": LINEAR_REFERENCES,
    "box": BOX_REFERENCES,
    "keypoint": KEYPOINT_REFERENCES,
    "lovasz": LOVASZ_REFERENCES,
    "distance": EMBEDDING_REFERENCES,
    "similarity": SIMILARITY_REFERENCES,
    "region": {**REGION_REFERENCES, **COMPOUND_REFERENCES, **DISTANCE_REFERENCES},
}
MODULES = ("test_values", "test_gradients", "test_edges", "test_layouts", "test_dtypes")  # of the pointwise engine


def parametrised():
    """Every `Check` that some test function is parameterised with."""
    found = set()
    for module in MODULES:
        for name, function in vars(importlib.import_module(f"engines.pointwise.{module}")).items():
            if name.startswith("test_"):
                for mark in getattr(function, "pytestmark", []):
                    found |= _checks_of(mark) if mark.name == "parametrize" else _refuse(mark, name)
    return found


def _checks_of(mark):
    found = set()
    for parameter in mark.args[1]:
        assert not getattr(parameter, "marks", ()), "a parameter that is skipped or expected to fail"
        values = getattr(parameter, "values", parameter)
        values = values if type(values) is tuple else (parameter,)
        found |= {value for value in values if isinstance(value, cases.Check)}
    return found


def _refuse(mark, name):
    assert mark.name not in {"skip", "skipif", "xfail", "needs"}, f"{name} is marked {mark.name}"
    return set()


def required(info):
    """What must be tested of one loss, from the registry."""
    needed = set(cases.quantities(info.name))
    for operand in info.operands:
        needed.add(f"refused:{operand.name}")
        if not operand.integer:
            needed.add(f"nan:{operand.name}")
        if operand.name != info.operands[0].name:
            needed.add(f"broadcast:{operand.name}")
    if cases.Domain.parse(info.operands[0].domain).contains(np.inf):
        needed.add(f"inf:{info.operands[0].name}")
    needed.update(f"kink:{kink.label}" for kink in REFERENCES[info.name].pointwise.kinks)
    return {cases.Check(info.name, what) for what in needed}


def missing_checks(infos, tested):
    return sorted(set().union(*(required(info) for info in infos)) - tested)


def missing_references(infos, references):
    return sorted({info.name for info in infos} - set(references))


def incomplete_reference(info, reference: Reference):
    """What a reference lacks of the loss that is registered under its name."""
    problems = []
    operands = {o.name: o for o in reference.operands}
    if list(operands) != [o.name for o in info.operands][: len(operands)] or len(operands) != len(info.operands):
        problems.append(f"operands {list(operands)}")
    for operand in info.operands:
        described = operands.get(operand.name)
        if described is None:
            continue
        if described.may_be_left_out != operand.optional:
            problems.append(f"whether {operand.name} may be left out")
        if described.default != operand.default:
            problems.append(f"default of {operand.name}")
        flags = ("multiplies", "differentiable", "integer")
        if any(getattr(described, flag) != getattr(operand, flag) for flag in flags):
            problems.append(f"flags of {operand.name}")
        if described.integer and not np.isfinite(described.specials).all():
            problems.append(f"infinity in {operand.name}")
        if bool(operand.domain) != (operand.name in reference.outside):
            problems.append(f"number outside the domain of {operand.name}")
        elif operand.domain and cases.Domain.parse(operand.domain).contains(reference.outside[operand.name]):
            problems.append(f"outside of {operand.name}, which is inside")
        if operand.differentiable and not operand.multiplies and operand.name not in reference.gradients:
            problems.append(f"gradient in {operand.name}")
    if not reference.golden:
        problems.append("golden numbers")
    if set(reference.defaults) != {o.name for o in info.options}:
        problems.append(f"options {sorted(reference.defaults)}")
    if any(info.defaults[k] != v for k, v in reference.defaults.items()):
        problems.append("defaults")
    for option in info.options:
        tried = set(reference.options.get(option.name, ()))
        if option.kind == "choice" and tried | {option.default} != set(option.choices):
            problems.append(f"choices of {option.name}")
        if not tried - {option.default}:
            problems.append(f"values of {option.name}")
    if info.elementwise != (reference.head is None) or info.elementwise != (reference.hessian is not None):
        problems.append("hessian")
    if not reference.pointwise.kinks or (info.kinks and reference.pointwise.distance_to_kink is None):
        problems.append("kinks")
    if reference.ulps > 4 and (not reference.reason or reference.ulps > 64):
        problems.append("bound without a reason, or above 64 ulp")
    return problems


def idle_options(info, compute=cases.compute):
    """Options that change neither the value nor the gradient, whatever they are set to."""
    reference, idle = REFERENCES[info.name], []
    for option in info.options:
        alternatives = [v for v in reference.options.get(option.name, ()) if v != option.default]
        for value in alternatives:
            differs = any(
                not np.array_equal(
                    compute(info.name, quantity, operands, {**others, option.name: option.default}),
                    compute(info.name, quantity, operands, {**others, option.name: value}),
                    equal_nan=True,
                )
                for others in ({}, *reference.combined_options)
                for operands in _ordinary_and_wide(info.name)
                for quantity in ("value", f"gradient:{reference.first}")
            )
            if not differs:
                idle.append(f"{option.name}={value!r}")
    return idle


def _ordinary_and_wide(name):
    """An option such as the least variance acts on small numbers alone."""
    return [
        cases.sample(REFERENCES[name], cases.seed(name, "options"), 2000, np.float64, mode)
        for mode in ("ordinary", "wide")
    ]


def without_adapter(infos, adapters):
    return sorted({info.engine for info in infos} - set(adapters))


def uncalled(infos, ways):
    """Losses that the tests of every engine do not call."""
    return sorted({info.name for info in infos} - {call.loss for call in ways})


def calls_of(module):
    """The largest set of ways to call losses that some test of the module is parameterised with."""
    found = [set()]
    for name, function in vars(module).items():
        if name.startswith("test_"):
            for mark in getattr(function, "pytestmark", []):
                if mark.name == "parametrize":
                    values = [value if type(value) is tuple else (value,) for value in mark.args[1]]
                    found.append({v for value in values for v in value if isinstance(v, Adapter)})
                else:
                    _refuse(mark, name)
    return max(found, key=len)


def undocumented(infos, folder):
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(folder.glob("losses*.md")))
    return sorted(info.name for info in infos if f"`{info.name}`" not in text)


def without_benchmark(infos, benchmarks):
    return sorted({info.name for info in infos} - set(benchmarks))


def _infos():
    return list(fastloss.losses().values())


def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("bench.cases").CASES


def test_the_registry_is_not_empty():
    assert len(_infos()) >= 7
    assert all(name == info.name for name, info in fastloss.losses().items())


def test_every_loss_has_a_reference():
    assert {info.engine for info in _infos()} == set(OF_ENGINE)
    for engine, references in OF_ENGINE.items():
        infos = [info for info in _infos() if info.engine == engine]
        assert missing_references(infos, references) == []
        assert sorted(set(references) - {i.name for i in infos}) == [], "references of losses that do not exist"


@pytest.mark.parametrize("name", cases.NAMES)
def test_every_reference_is_complete(name):
    assert incomplete_reference(cases.INFO[name], REFERENCES[name]) == []


def test_everything_required_is_tested():
    assert missing_checks([cases.INFO[n] for n in cases.NAMES], parametrised()) == []


def test_infinity_is_tried_wherever_it_is_allowed():
    for name in cases.NAMES:
        for operand, described in zip(cases.INFO[name].operands, REFERENCES[name].operands, strict=True):
            unbounded = operand.domain == "" and not (
                described.may_be_left_out or described.multiplies or described.integer
            )
            assert not unbounded or any(map(np.isinf, described.specials)), f"{name} {operand.name}"


@pytest.mark.parametrize("name", cases.NAMES)
def test_every_option_changes_something(name):
    assert idle_options(cases.INFO[name]) == []


def test_every_engine_has_an_adapter_that_calls_all_its_losses():
    assert without_adapter(_infos(), ADAPTERS) == []
    assert uncalled(_infos(), calls()) == []


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "tests" / "contract").glob("test_*.py")))
def test_every_contract_is_tested_of_every_call(module):
    assert calls_of(importlib.import_module(f"contract.{module}")) == set(calls())


def test_every_loss_is_on_a_docs_page():
    assert undocumented(_infos(), ROOT / "docs") == []


def test_every_loss_has_a_benchmark(monkeypatch):
    assert without_benchmark(_infos(), _benchmarks(monkeypatch)) == []


def clashing_names(infos, others):
    """Names that more than one loss has, or a loss and something else of the package."""
    names = [*others, *(name for info in infos for name in (info.name, *info.also_named))]
    return sorted({name for name in names if names.count(name) > 1})


def test_losses_are_attributes_of_the_package_under_each_of_their_names():
    for name, info in fastloss.losses().items():
        assert getattr(fastloss, name).__name__ == name
        for each in (name, *info.also_named):
            assert getattr(fastloss, each) is getattr(fastloss, name)
            assert each in fastloss.__all__
            assert each in dir(fastloss)
    others = [name for name, what in vars(fastloss).items() if not isinstance(what, fastloss.Loss)]
    assert clashing_names(_infos(), others) == []


@pytest.mark.parametrize("name", fastloss.losses())
def test_defaults_are_documented(name):
    text, info = inspect.getdoc(cases.loss(name)), fastloss.losses()[name]
    for parameter in (*info.operands, *info.options):
        if parameter.default is not None:
            (shown,) = re.findall(rf"^{parameter.name} : .*, default (.+)$", text, flags=re.M)
            assert ast.literal_eval(shown) == parameter.default


# The gate guards only if it can fail.


def test_the_gate_sees_an_engine_without_an_adapter_and_a_loss_that_is_not_called():
    ways = calls()
    for engine in ADAPTERS:
        assert without_adapter(_infos(), set(ADAPTERS) - {engine}) == [engine]
    for name in ("huber_loss", "cross_entropy", "linear_cross_entropy", "eiou_loss"):
        assert uncalled(_infos(), [call for call in ways if call.loss != name]) == [name]


def test_the_gate_misses_nothing():
    tested, info = parametrised(), cases.INFO["huber_loss"]
    for what in (
        "value",
        "gradient:target",
        "gradient:weight",
        "hessian",
        "inf:input",
        "nan:target",
        "refused:target",
        "broadcast:weight",
        "kink:tie",
    ):
        check = cases.Check("huber_loss", what)
        assert check in tested
        assert missing_checks([info], tested - {check}) == [check]
    references = set().union(*OF_ENGINE.values())
    for name in ("l1_loss", "nll_loss", "linear_cross_entropy", "eiou_loss"):
        assert missing_references(_infos(), references - {name}) == [name]
    losses = fastloss.losses()
    for name in {info.engine: name for name, info in losses.items()}.values():
        assert without_benchmark(losses.values(), set(losses) - {name}) == [name]


def test_the_gate_sees_an_incomplete_reference():
    whole = REFERENCES["huber_loss"]
    broken = {
        "gradient in target": {"gradients": {"input": whole.gradients["input"]}},
        "options []": {"defaults": {}},
        "defaults": {"defaults": {"delta": 2.0}},
        "values of delta": {"options": {}},
        "hessian": {"hessian": None},
        "kinks": {"kinks": ()},
        "golden numbers": {"golden": ()},
        "number outside the domain of weight": {"outside": {"weight": -1.0}},
        "whether weight may be left out": {"operands": (*whole.operands[:2], _required(whole.operands[2]))},
        "default of target": {"operands": (whole.operands[0], _with_default(whole.operands[1]), whole.operands[2])},
        "bound without a reason, or above 64 ulp": {"ulps": 8.0},
        "operands ['input', 'target']": {"operands": whole.operands[:2]},
    }
    for problem, change in broken.items():
        assert problem in incomplete_reference(cases.INFO["huber_loss"], dataclasses.replace(whole, **change))


def test_the_gate_sees_a_number_outside_that_is_inside():
    info, whole = cases.INFO["gaussian_nll_loss"], REFERENCES["gaussian_nll_loss"]
    problems = {"number outside the domain of var": {}, "outside of var, which is inside": {"var": 0.5}}
    for problem, outside in problems.items():
        assert incomplete_reference(info, dataclasses.replace(whole, outside=outside)) == [problem]


def _required(operand):
    return dataclasses.replace(operand, optional=False)


def _with_default(operand):
    return dataclasses.replace(operand, default=0.5)


def test_the_gate_sees_a_name_that_is_taken():
    infos = [cases.INFO["huber_loss"], dataclasses.replace(cases.INFO["l1_loss"], also_named=("huber_loss", "threads"))]
    assert clashing_names(infos, ["threads", "losses"]) == ["huber_loss", "threads"]


def with_integer_target(described):
    """A loss's registry entry or reference, with a target that has to be an integer."""
    first, target, *rest = described.operands
    target = dataclasses.replace(target, integer=True, differentiable=False)
    return dataclasses.replace(described, operands=(first, target, *rest))


def test_the_gate_knows_what_an_integer_operand_needs():
    info, reference = cases.INFO["huber_loss"], REFERENCES["huber_loss"]
    counting = with_integer_target(info)
    assert cases.Check("huber_loss", "nan:target") in required(info) - required(counting)
    assert cases.Check("huber_loss", "refused:target") in required(counting)
    assert incomplete_reference(counting, reference) == ["flags of target"]
    assert incomplete_reference(counting, with_integer_target(reference)) == ["infinity in target"]


def test_the_gate_sees_an_idle_option_and_a_missing_page(tmp_path):
    def deaf(name, quantity, operands, options):
        return cases.compute(name, quantity, operands, {})

    assert idle_options(cases.INFO["huber_loss"], deaf) != []
    (tmp_path / "losses.md").write_text("`mse_loss`", encoding="utf-8")
    assert undocumented([cases.INFO["mse_loss"], cases.INFO["l1_loss"]], tmp_path) == ["l1_loss"]
