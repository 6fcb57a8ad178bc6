"""The benchmark runs, judges before it times, covers the registry, and says what is wrong with a command line."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import contestants, floor, sampling  # noqa: E402
from bench.case import MODES, loss_of  # noqa: E402
from bench.cases import CASES  # noqa: E402
from bench.cli import main  # noqa: E402
from bench.judge import Disagreement, Problem, is_rowwise  # noqa: E402
from bench.measure import WrongResult, measure  # noqa: E402
from bench.plan import Plan  # noqa: E402

# torch.compile takes a C++ compiler and seconds for each function: its formulas are tested without it below.
PEERS = ("numpy", "torch", "jax", "sklearn")
# Those that `pip install '.[test]'` does not install.
OPTIONAL = ("torch", "jax")
SIZES = (64, 65536)
SHAPES = ("16x4", "300x500", "2x3x5")
# One pointwise loss of each family.
TIMED = tuple({info.family: name for name, info in fl.losses().items() if not (info.rowwise or info.linear)}.values())
OUTPUTS = [("value", "fresh"), ("grad", "fresh"), ("grad", "out"), ("both", "fresh"), ("both", "out")]
PLAN = Plan(
    losses=("huber_loss",),
    sizes=(100,),
    shapes=((6, 3),),
    modes=("value", "grad", "both"),
    peers=(),
    threads=1,
    dtype="float32",
    rounds=2,
    duration=1e-5,
)


def size_of(loss):
    """A small size of the kind that the loss has."""
    return (25, 20) if is_rowwise(loss) else 500


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(OPTIONAL, id="without the optional peers"),
        pytest.param((), id="with every peer", marks=pytest.mark.needs(*OPTIONAL)),
    ],
)
def run(request, tmp_path_factory):
    """A quick run of the command by a user who lacks some peers: what it prints, its result, and the other peers."""
    directory = tmp_path_factory.mktemp("bench")
    for peer in request.param:
        (directory / f"{peer}.py").write_text(f"raise ImportError('there is no {peer} here')\n")
    command = [sys.executable, "-m", "bench", "--quick", "--sizes", "64,65536", "--threads", "1"]
    command += ["--shapes", ",".join(SHAPES)]
    command += ["--losses", ",".join((*TIMED, "cross_entropy")), "--peers", ",".join(PEERS)]
    command += ["--json", str(directory / "result.json")]
    path = os.pathsep.join([str(directory), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    result = json.loads((directory / "result.json").read_text())
    return process.stdout, result, [peer for peer in PEERS if peer not in request.param]


def test_every_loss_of_the_registry_has_a_case():
    # Losses of linear scores are timed by a script of their own.
    assert {loss_of(name) for name in CASES} == {name for name, info in fl.losses().items() if not info.linear}, (
        "bench/cases/ has an entry for each registered loss"
    )


def test_the_result_has_every_size_and_mode(run):
    _, result, _ = run
    found = [(row["loss"], row["size"], row["mode"], row["output"]) for row in result["rows"]]
    expected = [(loss, size, *output) for loss in TIMED for size in SIZES for output in OUTPUTS]
    expected += [("cross_entropy", shape, *output) for shape in SHAPES for output in OUTPUTS]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_every_installed_peer_takes_part(run):
    stdout, result, peers = run
    assert result["unfit"] == []
    assert set(result["missing_peers"]) == set(PEERS) - set(peers)
    assert all(f"left out: {peer} (" in stdout for peer in result["missing_peers"])
    for row in result["rows"]:
        has_sklearn = CASES[row["loss"]].sklearn is not None and str(row["size"]).count("x") < 2
        expected = set(peers) - (set() if has_sklearn else {"sklearn"})
        assert set(row["peers"]) == expected, row["loss"]
        assert row["fastest_peer"] in expected


def test_the_figures_are_consistent(run):
    _, result, _ = run
    for row in result["rows"]:
        own = row["fastloss"]
        size = row["size"] if isinstance(row["size"], int) else tuple(map(int, row["size"].split("x")))
        first, *others = Problem.draw(row["loss"], CASES[row["loss"]], size, "float32").operands.values()
        if isinstance(size, int):
            assert size - CASES[row["loss"]].columns < first.size <= size
        else:
            assert first.shape == size
        assert row["bytes_read"] == sum(x.nbytes for x in (first, *others))
        assert row["bytes_written"] == (0 if row["mode"] == "value" else first.nbytes)
        moved = row["bytes_read"] + row["bytes_written"]
        assert own["gigabytes_per_second"] == pytest.approx(moved / own["minimum"] / 1e9)
        assert (row["floor"] is None) == (first.nbytes < 100_000)
        floors = [] if row["floor"] is None else [row["floor"]]
        for figures in (own, *floors, *row["peers"].values()):
            assert 0 < figures["minimum"] <= figures["median"] < 10
            assert figures["rounds"] == 3
            assert figures["loops"] >= 1
        for peer in row["peers"].values():
            assert peer["ratio_of_minima"] == pytest.approx(peer["minimum"] / own["minimum"])
            assert peer["ratio"] > 0
        for figures in floors:
            assert figures["minimum"] == min(figures["ways"].values())
            assert figures["ratio_of_minima"] == pytest.approx(own["minimum"] / figures["minimum"])
        assert row["peers"]["numpy"]["output"] == row["output"]
        if "torch" in row["peers"]:
            assert row["peers"]["torch"]["output"] == "fresh"


def test_the_result_says_where_it_comes_from(run):
    _, result, _ = run
    assert result["versions"]["fastloss"] == fl.__version__
    assert result["versions"]["numpy"] == result["machine"]["numpy"] == np.__version__
    assert result["machine"]["cpus"] >= 1
    assert {row["isa"] for row in result["rows"]} <= set(fl._core.available_isas())
    assert result["plans"][0]["sizes"] == list(SIZES)


def test_the_table_is_printed(run):
    stdout, _, _ = run
    assert all(loss in stdout for loss in TIMED)
    assert "64 elements, float32, 1 thread" in stdout


@pytest.mark.needs("matplotlib")
def test_the_picture_is_drawn(tmp_path):
    picture = tmp_path / "ratios.png"
    command = [sys.executable, "-m", "bench", "--quick", "--losses", "mse_loss", "--peers", "numpy", "--plot", picture]
    subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


@functools.cache
def contestant(peer):
    return contestants.PEERS[peer](threads=1)


@pytest.mark.parametrize(
    "peer", [pytest.param(peer, marks=pytest.mark.needs(peer)) if peer in OPTIONAL else peer for peer in PEERS]
)
@pytest.mark.parametrize("loss", CASES)
def test_every_peer_agrees_with_the_reference(loss, peer):
    case, problem = CASES[loss], Problem.draw(loss, CASES[loss], size_of(loss), "float32")
    call = contestant(peer).prepare(loss, case, MODES["both"], problem.operands, None)
    assert (call is None) == (peer == "sklearn" and case.sklearn is None)
    if call is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what its own mean of kl_div is
            raw = call()
        problem.judge(MODES["both"], *contestant(peer).result(MODES["both"], raw))


@pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.name)
@pytest.mark.parametrize("loss", CASES)
def test_every_numpy_formula_is_right_in_every_mode(loss, mode):
    case, problem = CASES[loss], Problem.draw(loss, CASES[loss], size_of(loss), "float32")
    value, gradient = case.numpy(mode, None, *problem.operands.values())
    problem.judge(mode, value, gradient)
    out = np.full(problem.gradient.shape, np.nan, problem.operands_dtype)
    value, _ = case.numpy(mode, out if mode.gradient else None, *problem.operands.values())
    problem.judge(mode, value, out)


@pytest.mark.parametrize("loss", CASES)
def test_formulas_for_other_array_modules_are_right(loss):
    case, problem = CASES[loss], Problem.draw(loss, CASES[loss], size_of(loss), "float64")
    for formula in filter(None, (case.jax, case.torch_compiled)):
        problem.judge(MODES["value"], formula(np, *problem.operands.values()), None)


class Spoilt(contestants.NumPy):
    """NumPy with an error put into its results."""

    name = "spoilt"

    def __init__(self, spoil):
        super().__init__(1)
        self.spoil = spoil

    def result(self, mode, raw):
        return self.spoil(*raw)


def on_value(change):
    return lambda value, gradient: (None if value is None else change(value), gradient)


def on_gradient(change):
    return lambda value, gradient: (value, None if gradient is None else change(gradient))


def with_element(index, addend):
    return lambda gradient: gradient + np.eye(1, gradient.size, index, gradient.dtype)[0] * gradient.dtype.type(addend)


def fail(value, gradient):
    raise RuntimeError("no such kernel\nand a long trace")


SPOILT = {
    "value": (on_value(lambda v: v * 1.001), {"value", "both"}, "value "),
    "nan value": (on_value(lambda v: np.nan), {"value", "both"}, "value nan"),
    "sum": (on_gradient(lambda g: g * g.size), {"grad", "both"}, "gradient["),
    "one element": (on_gradient(with_element(7, 1e-4)), {"grad", "both"}, "gradient[7]"),
    "nan gradient": (on_gradient(with_element(0, np.nan)), {"grad", "both"}, "gradient[0] nan"),
    "dtype": (on_gradient(lambda g: g.astype(np.float64)), {"grad", "both"}, "gradient float64(100,)"),
    "shape": (on_gradient(lambda g: g[:-1]), {"grad", "both"}, "gradient float32(99,)"),
    "exception": (fail, {"value", "grad", "both"}, "RuntimeError: no such kernel"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_wrong_peer_is_reported_and_not_timed(kind):
    spoil, modes, message = SPOILT[kind]
    peers = [contestants.NumPy(1), Spoilt(spoil)]
    result = measure(PLAN, "huber_loss", CASES["huber_loss"], 100, contestants.Fastloss(1), peers)
    assert {entry["mode"] for entry in result["unfit"]} == modes
    assert all(entry["reason"].startswith(message) and "\n" not in entry["reason"] for entry in result["unfit"])
    for row in result["rows"]:
        assert set(row["peers"]) == ({"numpy"} if row["mode"] in modes else {"numpy", "spoilt"})


def test_a_wrong_library_stops_the_benchmark():
    with pytest.raises(WrongResult, match=r"spoilt huber_loss \(value, 100 elements\): value nan"):
        measure(PLAN, "huber_loss", CASES["huber_loss"], 100, Spoilt(SPOILT["nan value"][0]), [])


def test_an_out_that_stays_unwritten_is_wrong():
    class Deaf(contestants.NumPy):
        def prepare(self, loss, case, mode, operands, out):
            return super().prepare(loss, case, mode, operands, None)

    result = measure(PLAN, "mse_loss", CASES["mse_loss"], 100, contestants.Fastloss(1), [Deaf(1)])
    assert {entry["mode"] for entry in result["unfit"]} == {"grad", "both"}


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    loaded, missing = contestants.load_peers(("numpy", "torch", "torch.compile"), 1)
    assert [peer.name for peer in loaded] == ["numpy"]
    assert set(missing) == {"torch", "torch.compile"}
    assert all("torch" in reason for reason in missing.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", CASES)
def test_the_problem_is_the_mean_that_the_library_computes(loss, dtype):
    problem = Problem.draw(loss, CASES[loss], size_of(loss), dtype)
    value, gradient = getattr(fl, loss_of(loss)).value_and_grad(**problem.operands, **CASES[loss].fixed)
    problem.judge(MODES["both"], value, gradient)
    with pytest.raises(Disagreement, match="value"):
        problem.judge(MODES["value"], value + 0.01 * abs(value), None)


def test_rounds_interleave_and_change_order():
    seen = []
    calls = {name: lambda name=name: seen.append(name) for name in "abc"}
    samples = sampling.interleave(calls, rounds=3, duration=1e-7, pause=0.0)
    assert all(len(s.rounds) == 3 and 0 < s.minimum <= s.median for s in samples.values())
    changes = [name for i, name in enumerate(seen) if i == 0 or seen[i - 1] != name]
    assert "".join(changes)[-9:].endswith("abcbcacab"), "each round starts one contestant later"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("inputs", [[1 << 22], [1 << 22, 1 << 22], [1 << 22, 1 << 22, 1 << 22], [1 << 22, 64]])
@pytest.mark.parametrize("writes", [False, True])
def test_the_floor_leaves_its_arrays_as_they_are(inputs, writes, threads):
    measured = floor.Floor(inputs, writes, threads)
    try:
        assert measured.traffic == sum(inputs) + (inputs[0] if writes else 0)
        large = measured.traffic >= floor.SMALLEST_TEAM_TRAFFIC
        assert len(measured.ways) >= (threads if large else 1)
        for way in measured.ways.values():
            way()
        assert [set(array.tolist()) for array in measured._inputs] == [{1.0}, *({0.0} for _ in inputs[1:])]
    finally:
        measured.close()


def test_the_fastest_of_several_ways_is_taken_in_each_round():
    first = sampling.Samples(2, [5.0, 5.0], [3.0, 4.0])
    second = sampling.Samples(1, [6.0, 2.0], [6.0, 1.0])
    best = sampling.fastest([first, second])
    assert (best.rounds, best.minimum, best.median) == ([3.0, 1.0], 1.0, 2.0)


def test_a_team_does_every_piece_once():
    team = floor.Team(3)
    try:
        for pieces in (1, 2, 1000):
            done = []
            team.run(done.append, pieces)
            assert sorted(done) == list(range(pieces))
    finally:
        team.close()


BAD = [
    (["--losses", "mse"], f"--losses: 'mse' is not one of {next(iter(CASES))}, "),
    (["--losses", "none"], f"--losses: choose from {next(iter(CASES))}, "),
    (["--losses", ","], "--losses: nothing given"),
    (["--peers", "tensorflow"], "--peers: 'tensorflow' is not one of numpy, torch, "),
    (["--modes", "forward"], "--modes: 'forward' is not one of value, grad, both"),
    (["--sizes", "many"], "--sizes: 'many' is not a positive number"),
    (["--sizes", "-5"], "--sizes: '-5' is not a positive number"),
    (["--sizes", "0k"], "--sizes: '0k' is not a positive number"),
    (["--threads", "0"], "--threads: '0' is not a list of positive numbers"),
    (["--threads", "two"], "--threads: 'two' is not a list of positive numbers"),
    (["--threads", "100000"], "--threads: 100000 threads need as many CPUs"),
    (["--rounds", "0"], "--rounds: at least 1, not 0"),
    (["--duration", "0"], "--duration: a positive number of milliseconds, not 0.0"),
    (["--duration", "nan"], "--duration: a positive number of milliseconds, not nan"),
    (["--json", "/no/such/place/x.json"], "--json: there is no directory /no/such/place"),
    (["--plot", "/no/such/place/x.png"], "--plot: there is no directory /no/such/place"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_a_bad_command_line_is_explained(arguments, message, capsys, monkeypatch):
    # Everything counts as installed, so that the message is about the command line.
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("fastloss", "fastloss is not installed in this environment; `pip install .`"),
        ("rich", "rich missing; `pip install '.[bench]'`"),
        ("matplotlib", "matplotlib missing; `pip install '.[bench]'`"),
    ],
)
def test_what_has_to_be_installed_is_named(module, message, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == module else object())
    assert main(["--quick", "--plot", str(tmp_path / "x.png")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_an_instruction_set_that_does_not_exist_is_refused(capfd):
    assert main(["--quick", "--losses", "mse_loss", "--threads", "1", "--peers", "none", "--isa", "v9"]) == 2
    error = capfd.readouterr().err
    assert "v9" in error
    assert "error: the measurement with 1 threads failed (exit status 1)" in error
