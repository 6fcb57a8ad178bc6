"""The benchmark runs, judges before it times, covers the registry, and says what is wrong with a command line."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import fastloss as fl

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench import cli, contestants, floor, memory, sampling, worker  # noqa: E402
from bench.case import Case, timed_of  # noqa: E402
from bench.cases import CASES  # noqa: E402
from bench.judge import Disagreement, Problem  # noqa: E402
from bench.measure import WrongResult, measure  # noqa: E402
from bench.mode import MODES  # noqa: E402
from bench.plan import Plan  # noqa: E402
from bench.sizes import Sizes  # noqa: E402

from references import BOX_REFERENCES, box_draws  # noqa: E402

# torch.compile takes a C++ compiler and seconds for each function: its formulas are tested without it below.
PEERS = ("fastloss.apart", "numpy", "torch", "torch.chunked", "jax", "scipy", "sklearn")
# Of those that `pip install '.[test]'` does not install, the package.
OPTIONAL = {"torch": "torch", "torch.chunked": "torch", "jax": "jax"}
# One pointwise loss of each family, and of each other kind of problem a case, with the sizes that they are asked for.
ELEMENTWISE = tuple({info.family: name for name, info in fl.losses().items() if info.engine == "pointwise"}.values())
TIMED = {
    "sizes": (ELEMENTWISE, ("64", "65536")),
    "shapes": (("cross_entropy", "softmax", "logsumexp"), ("16x4", "300x500", "2x3x5")),
    "linear-shapes": (("linear_cross_entropy",), ("6x5x7", "300x200x100")),
    "boxes": (("generalized_box_iou_loss", "probiou_loss"), ("64", "3000")),
    "box-sets": (("box_iou",), ("6x5", "300x200")),
    "keypoints": (("oks_loss",), ("8x17", "300x5")),
    "embeddings": (("triplet_margin_loss", "negative_cosine_loss", "pairwise_distance"), ("8x5", "3000x16")),
    "regions": (("dice_loss", "boundary_loss", "generalized_dice_loss", "mcc_loss"), ("2x1x8x8", "3x2x50x60")),
    "distance-regions": (("hausdorff_dt_loss",), ("2x1x8x8", "3x2x20x30")),
    "masks": (("lovasz_hinge_loss",), ("2x8x8", "3x50x60")),
    "class-images": (("lovasz_softmax_loss",), ("2x3x8x8", "3x5x20x30")),
    "batches": (("nt_xent_loss", "supcon_loss"), ("8x5", "70x16")),
    "class-regions": (("dice_loss+softmax", "dice_ce_loss", "dice_focal_loss"), ("2x3x8x8", "3x5x20x30")),
}
LOSSES = tuple(name for names, _ in TIMED.values() for name in names)
OUTPUTS = [("value", "fresh"), ("grad", "fresh"), ("grad", "out"), ("both", "fresh"), ("both", "out")]
PLAN = Plan(
    losses=("huber_loss",),
    sizes={"sizes": ((100,),)},
    modes=("value", "grad", "both"),
    peers=(),
    threads=1,
    dtype="float32",
    rounds=2,
    duration=1e-5,
    pause=0.0,
)


def small(name):
    """The first size of a quick run."""
    sizes = CASES[name].sizes
    return sizes.parse(sizes.quick.split(",")[0])


@functools.cache
def problem_of(name, dtype="float32", size=None):
    """A problem of a case, small if nothing else is said, which nobody may change."""
    problem = CASES[name].draw(name, size or small(name), dtype)
    for array in problem.given:
        array.flags.writeable = False
    return problem


def takes_part(peer, case, mode="both", size=(1,)):
    """Whether a peer computes a case."""
    return {
        "fastloss.apart": case.apart is not None,
        "torch.chunked": case.torch_chunked is not None,
        "scipy": case.scipy is not None and mode == "value",
        "sklearn": case.sklearn is not None and len(size) < 3,
    }.get(peer, True)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("torch", "jax"), id="without the optional peers"),
        pytest.param((), id="with every peer", marks=pytest.mark.needs("torch", "jax")),
    ],
)
def run(request, tmp_path_factory):
    """A quick run of the command by a user who lacks some peers: what it prints, its result, and the other peers."""
    directory = tmp_path_factory.mktemp("bench")
    for peer in request.param:
        (directory / f"{peer}.py").write_text(f"raise ImportError('there is no {peer} here')\n")
    command = [sys.executable, "-m", "bench", "--quick", "--threads", "1", "--json", str(directory / "result.json")]
    command += ["--losses", ",".join(LOSSES), "--peers", ",".join(PEERS)]
    command += [text for option, (_, sizes) in TIMED.items() for text in (f"--{option}", ",".join(sizes))]
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
    return process.stdout, result, [peer for peer in PEERS if OPTIONAL.get(peer) not in request.param]


def test_every_case_is_of_something_that_exists():
    assert all(callable(getattr(fl, timed_of(name)).value_and_grad) for name in CASES)


def test_no_kind_of_problem_serves_two_engines():
    kinds = {(type(CASES[name]), info.engine) for name, info in fl.losses().items()}
    assert len({kind for kind, _ in kinds}) == len(kinds)


def test_the_result_has_every_size_and_mode(run):
    _, result, _ = run
    found = [(row["loss"], "x".join(map(str, row["size"])), row["mode"], row["output"]) for row in result["rows"]]
    expected = [
        (name, size, *output)
        for names, sizes in TIMED.values()
        for name in names
        for size in sizes
        for output in OUTPUTS
    ]
    assert sorted(found) == sorted(expected)


def test_every_installed_peer_takes_part(run):
    stdout, result, peers = run
    assert result["unfit"] == []
    assert set(result["missing_peers"]) == set(PEERS) - set(peers)
    assert all(f"left out: {peer} (" in stdout for peer in result["missing_peers"])
    for row in result["rows"]:
        case = CASES[row["loss"]]
        expected = {peer for peer in peers if takes_part(peer, case, row["mode"], row["size"])}
        assert set(row["peers"]) == expected, row["loss"]
        assert row["fastest_peer"] in expected


def test_the_figures_are_consistent(run):
    _, result, _ = run
    for row in result["rows"]:
        own, case, size = row["fastloss"], CASES[row["loss"]], tuple(row["size"])
        problem = problem_of(row["loss"], size=size)
        if case.sizes.option == "sizes":
            assert size[0] - case.columns < problem.operands["input"].size <= size[0]
        elif case.sizes.option == "shapes":
            assert problem.operands["input"].shape == size
        elif case.sizes.option == "boxes":
            assert problem.operands["input"].shape == (*size, BOX_REFERENCES[row["loss"]].boxes.numbers)
        read = [*problem.operands.values()]
        written = [] if row["mode"] == "grad" or problem.flow is None else [problem.value.astype(np.float32)]
        if row["mode"] != "value":
            read += [] if problem.flow is None else [problem.flow]
            written += [problem.operands[name] for name in problem.gradients]
        assert row["bytes_read"] == sum(x.nbytes for x in read)
        assert row["bytes_written"] == sum(x.nbytes for x in written)
        moved = row["bytes_read"] + row["bytes_written"]
        assert own["gigabytes_per_second"] == pytest.approx(moved / own["minimum"] / 1e9)
        assert (row["floor"] is None) == (moved < floor.SMALLEST_TRAFFIC)
        floors = [] if row["floor"] is None else [row["floor"]]
        for figures in (own, *floors, *row["peers"].values()):
            assert 0 < figures["minimum"] <= figures["median"] < 10
            assert figures["rounds"] == 3
            assert figures["loops"] >= 1
        for figures in (own, *row["peers"].values()):
            assert ("extra_memory" in figures) == CASES[row["loss"]].measures_memory
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
    assert result["plans"][0]["sizes"]["linear-shapes"] == [[6, 5, 7], [300, 200, 100]]


def test_the_table_is_printed(run):
    stdout, _, _ = run
    assert all(loss in stdout for loss in LOSSES)
    for size in ("64 elements", "2x3x5", "6x5x7 (NxDxV)", "64 pairs of boxes"):
        assert f"{size}, float32, 1 thread" in stdout
    assert "MB beside operands and results" in stdout


@pytest.mark.needs("matplotlib")
def test_the_picture_is_drawn(tmp_path):
    picture = tmp_path / "ratios.png"
    command = [sys.executable, "-m", "bench", "--quick", "--losses", "mse_loss,softmax", "--peers", "numpy"]
    subprocess.run([*command, "--plot", picture], cwd=ROOT, check=True, timeout=600)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


@functools.cache
def contestant(peer):
    return contestants.PEERS[peer](threads=1)


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        pytest.param(name, peer, marks=pytest.mark.needs(OPTIONAL[peer]) if peer in OPTIONAL else ())
        for name, case in CASES.items()
        for peer in PEERS
        if takes_part(peer, case) or takes_part(peer, case, "value")
    ],
)
def test_every_peer_agrees_with_the_reference(name, peer):
    case, problem = CASES[name], problem_of(name)
    mode = MODES["both" if takes_part(peer, case) else "value"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of what its own mean of kl_div is
        raw = contestant(peer).prepare(name, case, mode, problem, None)()
    problem.judge(mode, *contestant(peer).result(mode, raw))


@pytest.mark.parametrize("peer", ["scipy", "sklearn"])
def test_a_peer_without_the_function_takes_no_part(peer):
    for mode in MODES:
        others = [name for name, case in CASES.items() if not takes_part(peer, case, mode)]
        assert others
        assert not any(contestant(peer).prepare(n, CASES[n], MODES[mode], problem_of(n), None) for n in others)


@pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.name)
@pytest.mark.parametrize("name", CASES)
def test_every_numpy_formula_is_right_in_every_mode(name, mode):
    case, problem = CASES[name], problem_of(name)
    value, gradient = case.numpy(mode, None, *problem.given)
    problem.judge(mode, value, gradient)
    out = problem.outputs()
    value, _ = case.numpy(mode, out if mode.gradient else None, *problem.given)
    problem.judge(mode, value, out)


@pytest.mark.parametrize("name", CASES)
def test_formulas_for_other_array_modules_are_right(name):
    case, problem = CASES[name], problem_of(name, "float64")
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


def in_weight(change):
    """A change of the second of two gradients."""
    return on_gradient(lambda gradients: (gradients[0], change(gradients[1])))


# What is wrong, with what: the change, the modes that show it, and how the report begins.
SPOILT = {
    ("huber_loss", "value"): (on_value(lambda v: v * 1.001), {"value", "both"}, "value "),
    ("huber_loss", "nan value"): (on_value(lambda v: np.nan), {"value", "both"}, "value nan"),
    ("huber_loss", "sum"): (on_gradient(lambda g: g * g.size), {"grad", "both"}, "gradient in input["),
    ("huber_loss", "element"): (on_gradient(with_element(7, 1e-4)), {"grad", "both"}, "gradient in input[7]"),
    ("huber_loss", "nan gradient"): (
        on_gradient(with_element(0, np.nan)),
        {"grad", "both"},
        "gradient in input[0] nan",
    ),
    ("huber_loss", "dtype"): (on_gradient(np.float64), {"grad", "both"}, "gradient in input float64(1000,)"),
    ("huber_loss", "shape"): (on_gradient(lambda g: g[:-1]), {"grad", "both"}, "gradient in input float32(999,)"),
    ("huber_loss", "exception"): (fail, {"value", "grad", "both"}, "RuntimeError: no such kernel"),
    ("linear_cross_entropy", "value"): (on_value(lambda v: v * 1.001), {"value", "both"}, "value "),
    ("linear_cross_entropy", "sum"): (in_weight(lambda g: g * 40), {"grad", "both"}, "gradient in linear_weight["),
    ("linear_cross_entropy", "shape"): (
        in_weight(lambda g: g.T),
        {"grad", "both"},
        "gradient in linear_weight float32(16, 300) where float32(300, 16) is due",
    ),
    ("linear_cross_entropy", "one gradient"): (
        on_gradient(lambda g: g[0]),
        {"grad", "both"},
        "1 gradients where 2 are due",
    ),
    ("box_iou_loss", "half"): (on_gradient(lambda g: g / 2), {"grad", "both"}, "gradient in input["),
    ("probiou_loss", "half"): (on_gradient(lambda g: g / 2), {"grad", "both"}, "gradient in input["),
    ("softmax", "value"): (on_value(lambda p: p * np.float32(1.001)), {"value", "both"}, "value["),
    ("softmax", "nan value"): (on_value(lambda p: p * np.nan), {"value", "both"}, "value[0, 0] nan"),
    ("softmax", "reduced value"): (on_value(np.mean), {"value", "both"}, "value np.float32("),
    ("softmax", "gradient"): (on_gradient(np.negative), {"grad", "both"}, "gradient in input["),
    ("logsumexp", "shape"): (on_value(lambda v: v[:, None]), {"value", "both"}, "value float32(40, 1) where"),
}


@pytest.mark.parametrize(("name", "kind"), SPOILT)
def test_a_wrong_peer_is_reported_and_not_timed(name, kind):
    spoil, modes, message = SPOILT[name, kind]
    peers = [contestants.NumPy(1), Spoilt(spoil)]
    result = measure(PLAN, name, CASES[name], small(name), contestants.Fastloss(1), peers)
    assert {entry["mode"] for entry in result["unfit"]} == modes
    assert all(entry["reason"].startswith(message) and "\n" not in entry["reason"] for entry in result["unfit"])
    for row in result["rows"]:
        assert set(row["peers"]) == ({"numpy"} if row["mode"] in modes else {"numpy", "spoilt"})


def test_only_where_edges_of_boxes_meet_may_a_peer_have_a_gradient_of_its_own(monkeypatch):
    """As torch has, which halves it between them; elsewhere half a gradient is wrong."""

    def meeting(loss, rng, shape, dtype):
        boxes = ordinary_of(loss, rng, shape, dtype)
        boxes["input"][3, 0] = boxes["target"][3, 0]
        boxes["input"][5, 1] = boxes["target"][5, 3]
        boxes["target"][7, [0, 2]] = boxes["input"][7, [0, 2]] + np.array([1, -1], dtype)
        return boxes

    ordinary_of = box_draws.ordinary_of
    monkeypatch.setattr(box_draws, "ordinary_of", meeting)
    case = CASES["siou_loss"]
    for dtype in ("float32", "float64"):
        problem = case.draw("siou_loss", (1000,), dtype)
        assert np.argwhere(problem.at_kink["input"]).tolist() == [[3, 0], [5, 1], [7, 0], [7, 2]]
        _, gradient = contestants.Fastloss(1).prepare("siou_loss", case, MODES["both"], problem, None)()
        problem.judge(MODES["grad"], None, np.where(problem.at_kink["input"], gradient / 2, gradient))
        for k in (0, 1, 2, 3):
            half = gradient.copy()
            half[9, k] /= 2
            with pytest.raises(Disagreement, match=rf"gradient in input\[9, {k}\]"):
                problem.judge(MODES["grad"], None, half)


@pytest.mark.parametrize(("name", "extent"), [("huber_loss", "1000 elements"), ("softmax", "40x50")])
def test_a_wrong_library_stops_the_benchmark(name, extent):
    spoilt = Spoilt(on_value(lambda v: v * np.float32(np.nan)))
    with pytest.raises(WrongResult, match=rf"spoilt {name} \(value, {extent}\): value.* nan"):
        measure(PLAN, name, CASES[name], small(name), spoilt, [])


@pytest.mark.parametrize("name", ["mse_loss", "linear_cross_entropy", "logsumexp"])
def test_an_out_that_stays_unwritten_is_wrong(name):
    class Deaf(contestants.NumPy):
        def prepare(self, name, case, mode, problem, out):
            return super().prepare(name, case, mode, problem, None)

    result = measure(PLAN, name, CASES[name], small(name), contestants.Fastloss(1), [Deaf(1)])
    assert {entry["mode"] for entry in result["unfit"]} == {"grad", "both"}


@dataclass(frozen=True, kw_only=True)
class Pairs(Case):
    """A kind of problem that no case has: two matrices, an array of losses, and gradients in both."""

    sizes: ClassVar[Sizes] = Sizes(
        option="pairs",
        metavar="NxD",
        help="pairs x features",
        ranks=range(2, 3),
        meaning="pairs x features such as 5x3",
        default="9x2",
        quick="5x3",
        unit=" (pairs)",
    )

    def draw(self, name, size, dtype):
        x, t, flow = np.random.default_rng(size).standard_normal((3, *size)).astype(dtype)
        r, g = x - t.astype(np.float64), flow
        return Problem({"input": x, "target": t}, r * r, {"input": 2 * r * g, "target": -2 * r * g}, flow=flow)


def squares(mode, out, x, t, flow):
    r = x - t
    in_input, in_target = out or (None, None)
    slope = 2 * r * flow
    return r * r, (np.multiply(slope, 1, out=in_input), np.negative(slope, out=in_target))


@pytest.mark.parametrize(
    "peers", [("numpy",), pytest.param(("numpy", "torch", "jax"), marks=pytest.mark.needs("torch", "jax"))], ids=len
)
def test_a_case_may_bring_its_own_kind_of_problem(peers, monkeypatch, capsys, tmp_path):
    def formula(xp, x, t):
        return (x - t) ** 2

    case = Pairs(numpy=squares, jax=formula, torch=formula, fixed={"reduction": "none"})
    monkeypatch.setitem(CASES, "mse_loss+of pairs", case)
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr(cli, "run_worker", lambda plan, isa: worker.work(plan))
    command = ["--quick", "--losses", "mse_loss+of pairs", "--peers", ",".join(peers), "--threads", "1"]
    assert cli.main([*command, "--json", str(tmp_path / "x.json")]) == 0
    assert "5x3 (pairs), float32, 1 thread" in capsys.readouterr().out
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["unfit"] == []
    for row in result["rows"]:
        assert set(row["peers"]) == set(peers)
        moved = {"value": (2, 1), "grad": (3, 2), "both": (3, 3)}[row["mode"]]
        assert (row["bytes_read"], row["bytes_written"]) == tuple(n * 5 * 3 * 4 for n in moved)
    assert cli.main([*command, "--pairs", "5"]) == 2
    assert capsys.readouterr().err == "error: --pairs: '5' is not pairs x features such as 5x3\n"


def test_a_quick_run_goes_through_everything_without_waiting_for_compilers():
    (plan,) = cli.plans(cli.parser().parse_args(["--quick", "--threads", "1"]))
    assert plan.losses == tuple(CASES)
    assert {case.sizes.option for case in CASES.values()} == set(plan.sizes)
    assert all(plan.sizes.values())
    assert set(contestants.PEERS) - set(plan.peers) == {"torch.compile", "jax"}


def test_sizes_are_shown_as_they_are_typed():
    shown = {name: CASES[name].sizes for name in ("mse_loss", "cross_entropy", "linear_cross_entropy")}
    for name, text, words in (
        ("mse_loss", "10M", "10M elements"),
        ("mse_loss", "65536", "65536 elements"),
        ("mse_loss", "4k", "4000 elements"),
        ("cross_entropy", "1024x32000", "1024x32k"),
        ("linear_cross_entropy", "2048x1024x32k", "2048x1024x32k (NxDxV)"),
    ):
        assert shown[name].words(shown[name].parse(text)) == words


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    loaded, missing = contestants.load_peers(("numpy", "torch", "torch.compile"), 1)
    assert [peer.name for peer in loaded] == ["numpy"]
    assert set(missing) == {"torch", "torch.compile"}
    assert all("torch" in reason for reason in missing.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_the_problem_is_what_the_library_computes(name, dtype):
    case, problem = CASES[name], problem_of(name, dtype)
    library = contestants.Fastloss(1)
    value, gradients = library.prepare(name, case, MODES["both"], problem, None)()
    problem.judge(MODES["both"], value, gradients)
    with pytest.raises(Disagreement, match="value"):
        problem.judge(MODES["value"], value + np.dtype(dtype).type(0.01) * abs(value), None)


def test_the_memory_of_a_call_is_what_it_has_beside_its_results():
    mega = 1_000_000

    def call():
        beside = np.ones(40 * mega, np.uint8)
        return beside[: 10 * mega] + 1

    np.ones(100 * mega, np.uint8)  # the largest so far is not what a call is measured by
    assert 39 * mega < memory.extra(call, 10 * mega) < 43 * mega
    assert memory.extra(lambda: None, mega) == 0


def test_a_system_that_does_not_tell_has_no_figure_of_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "RESET", tmp_path / "no" / "such" / "file")
    assert memory.extra(lambda: None, 0) is None


def test_rounds_interleave_and_change_order():
    seen = []
    calls = {name: lambda name=name: seen.append(name) for name in "abc"}
    samples = sampling.interleave(calls, rounds=3, duration=1e-7, pause=0.0)
    assert all(len(s.rounds) == 3 and 0 < s.minimum <= s.median for s in samples.values())
    changes = [name for i, name in enumerate(seen) if i == 0 or seen[i - 1] != name]
    assert "".join(changes)[-9:].endswith("abcbcacab"), "each round starts one contestant later"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("inputs", [[1 << 22], [1 << 22, 1 << 22], [1 << 22, 1 << 22, 1 << 22], [1 << 22, 64]])
@pytest.mark.parametrize("outputs", [[], [1 << 22], [1 << 22, 1 << 22], [64]])
def test_the_floor_leaves_its_arrays_as_they_are(inputs, outputs, threads):
    measured = floor.Floor(inputs, outputs, threads)
    try:
        assert measured.traffic == sum(inputs) + sum(outputs)
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
    (["--sizes", "8x9"], "--sizes: '8x9' is not a positive number"),
    (["--shapes", "8x9,12"], "--shapes: '12' is not the shape of rows of scores"),
    (["--shapes", "8x0"], "--shapes: '8x0' is not the shape of rows of scores"),
    (["--linear-shapes", "8x9"], "--linear-shapes: '8x9' is not samples x features x classes"),
    (["--boxes", "8x4"], "--boxes: '8x4' is not a positive number of pairs"),
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
    assert cli.main(arguments) == 2
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
    assert cli.main(["--quick", "--plot", str(tmp_path / "x.png")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_an_instruction_set_that_does_not_exist_is_refused(capfd):
    assert cli.main(["--quick", "--losses", "mse_loss", "--threads", "1", "--peers", "none", "--isa", "v9"]) == 2
    error = capfd.readouterr().err
    assert "v9" in error
    assert "error: the measurement with 1 threads failed (exit status 1)" in error
