"""Settings of the process and of a context, leaks, and many Python threads at once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import pickle
import sys
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastloss as fl

# Settings


def test_threads_are_local_to_the_context():
    before = fl.get_num_threads()
    with fl.threads(3):
        assert fl.get_num_threads() == 3
        with fl.threads(1):
            assert fl.get_num_threads() == 1
        assert fl.get_num_threads() == 3
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(fl.get_num_threads).result() == before
    assert fl.get_num_threads() == before


def test_settings_in_asyncio_tasks():
    async def task(n, entered, other):
        with fl.threads(n), fl.errstate(empty="zero" if n == 2 else "ignore"):
            entered.set()
            await other.wait()
            return fl.get_num_threads(), fl.geterr()["empty"], float(fl.mse_loss([], []))

    async def both():
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(task(2, one, two), task(5, two, one))

    results = asyncio.run(both())
    assert results[0] == (2, "zero", 0.0)
    assert results[1][:2] == (5, "ignore")
    assert np.isnan(results[1][2])
    assert fl.geterr() == {"nonfinite": "ignore", "domain": "ignore", "empty": "ignore"}


def test_errstate_nests_and_decorates():
    @fl.errstate(nonfinite="raise")
    def strict():
        return fl.geterr()

    with fl.errstate(domain="raise"):
        assert strict() == {"nonfinite": "raise", "domain": "raise", "empty": "ignore"}
        with fl.errstate(domain="ignore", empty="raise"):
            assert fl.geterr() == {"nonfinite": "ignore", "domain": "ignore", "empty": "raise"}
    assert fl.geterr()["domain"] == "ignore"
    with pytest.raises(ValueError, match="nonfinite"), fl.errstate(nonfinite="riase"):
        pass
    with pytest.raises(TypeError), fl.errstate(underflow="raise"):
        pass


def test_one_context_manager_serves_many_threads():
    shared, before = fl.threads(3), fl.get_num_threads()
    barrier = threading.Barrier(4)

    def work():
        seen = []
        for _ in range(50):
            barrier.wait()
            with shared, shared:
                seen.append(fl.get_num_threads())
            seen.append(fl.get_num_threads())
        return set(seen)

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(work) for _ in range(4)]
    assert all(result.result() == {3, before} for result in results)


def test_errstate_reaches_the_core():
    with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match="finite"):
        fl.mse_loss([np.inf], [0.0])
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="target"):
        fl.binary_cross_entropy_with_logits([0.0], [2.0])
    with fl.errstate(empty="raise"), pytest.raises(ValueError, match="nothing"):
        fl.mse_loss([], [])
    assert np.isinf(fl.mse_loss([np.inf], [0.0]))


@pytest.mark.parametrize("choose", [fl.threads, fl.set_num_threads])
@pytest.mark.parametrize(
    ("n", "error"),
    [(0, ValueError), (-1, ValueError), (2**40, ValueError), (1.5, TypeError), ("2", TypeError), (True, TypeError)],
)
def test_bad_thread_counts(choose, n, error):
    with pytest.raises(error, match="number of threads"):
        choose(n)


@pytest.mark.parametrize("choose", [fl.threads, fl.set_num_threads])
@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "got 0, need at least 1"),
        (-(2**31), "got -2147483648, need at least 1"),
        (1025, "got 1025, need at most 1024"),
        (2**31, "got 2147483648, need at most 1024"),
        (np.uint64(2**63), "got 9223372036854775808, need at most 1024"),
        (10**5000, "got an integer of 16610 bits, need at most 1024"),
        (-(10**5000), "got an integer of 16610 bits, need at least 1"),
    ],
    ids=["0", "-2**31", "1025", "2**31", "2**63", "10**5000", "-10**5000"],
)
def test_thread_counts_out_of_range_say_what_is_needed(choose, n, words):
    with pytest.raises(ValueError, match=f"number of threads: {words}"):
        choose(n)


def test_the_core_has_the_same_bound_of_threads():
    with pytest.raises(ValueError, match="number of threads: got 1025, need at most 1024"):
        fl._core.set_num_threads(1025)
    fl.set_num_threads(1024)
    with fl.threads(1024):
        assert fl.get_num_threads() == 1024


def test_show_config(capsys):
    config = fl.show_config(mode="dict")
    assert config["version"] == fl.__version__
    assert config["isa"] in config["available_isas"]
    assert config["cuda"] == "not in this build"
    assert fl.show_config() is None
    printed = capsys.readouterr().out
    for word in (fl.__version__, config["compiler"], "isa", "threads", "cache", "numpy", "cuda"):
        assert str(word) in printed
    with pytest.raises(ValueError, match="mode"):
        fl.show_config("json")


# Memory and threads


def failing(call, *arguments, **keywords):
    with contextlib.suppress(ValueError, TypeError):
        call(*arguments, **keywords)


LOOPS = [
    lambda x, t: fl.huber_loss(x, t, delta=2.0),
    lambda x, t: fl.huber_loss.value_and_grad(x, t, wrt=("input", "target")),
    lambda x, t: fl.huber_loss.grad_and_hess(x, t, reduction="none"),
    lambda x, t: fl.huber_loss.grad([1.0, 2.0], (0.0, 1.0), sample_weight=[1, 2]),
    lambda x, t: fl.huber_loss.partial(delta=2.0).grad(x, t, out=np.empty_like(x)),
    lambda x, t: pickle.loads(pickle.dumps(fl.huber_loss.partial(delta=3.0))),
    lambda x, t: (
        inspect.signature(fl.huber_loss.grad),
        fl.huber_loss.grad.__doc__,
        fl.huber_loss.info,
        repr(fl.huber_loss),
    ),
    lambda x, t: failing(fl.huber_loss, x, t, dleta=1),
    lambda x, t: failing(fl.huber_loss, x, [[1], [1, 2]]),
    lambda x, t: failing(fl.huber_loss, x, np.ma.array(t)),
    lambda x, t: failing(fl.huber_loss.grad, x, t, out=np.empty(5)),
    lambda x, t: failing(fl.huber_loss.grad, x, t, wrt="nothing"),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_leaks(loop):
    x, t = np.ones(3), np.zeros(3)
    shared = (x, t, fl.huber_loss, fl.huber_loss.grad, np.ndarray, None)
    for _ in range(500):
        loop(x, t)
    gc.collect()
    before = [sys.getrefcount(s) for s in shared]
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for _ in range(2000):
        loop(x, t)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    after = [sys.getrefcount(s) for s in shared]
    # Interning and the like keep a few bytes now and then; a reference lost per call keeps far more.
    assert grown < 2000 * 16, f"{grown} bytes more after 2000 calls"
    assert all(b - a < 100 for a, b in zip(before, after, strict=True)), (before, after)


def test_losses_are_collected_and_weakly_referable():
    bound = fl.huber_loss.partial(delta=7.0)
    gone, method_gone = weakref.ref(bound), weakref.ref(bound.grad)
    assert gone() is bound
    method = bound.grad
    del bound
    gc.collect()
    assert method([1.0], [0.0]) == 1.0
    assert gone() is method.__self__
    del method
    gc.collect()
    assert gone() is None
    assert method_gone() is None


def test_a_large_result_outlives_everything():
    x = np.zeros((2 << 20) * 5, np.float32)
    gradient = fl.mse_loss.grad(x, 1.0, reduction="sum")
    assert gradient.flags.c_contiguous
    assert gradient.flags.writeable
    view = gradient[::1000]
    del gradient
    gc.collect()
    again = fl.mse_loss.grad(x, 3.0, reduction="sum")
    np.testing.assert_array_equal(view, -2.0)
    np.testing.assert_array_equal(again[::1000], -6.0)


def ticks_during_a_large_call():
    """How often this thread runs in the middle half of a call of another one."""
    large = np.broadcast_to(0.5, 200_000_000)
    times = []

    def work():
        times.append(time.perf_counter())
        fl.binary_cross_entropy_with_logits(large, 1.0)
        times.append(time.perf_counter())

    worker = threading.Thread(target=work)
    ticks = []
    worker.start()
    while worker.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
    start, end = times
    return sum(start + 0.25 * (end - start) < tick < end - 0.25 * (end - start) for tick in ticks)


def test_other_threads_run_during_a_large_call():
    # Never while the interpreter is held; otherwise sooner or later, on a busy machine too.
    assert any(ticks_during_a_large_call() >= 2 for _ in range(20))


def test_many_python_threads_at_once():
    rng = np.random.default_rng(0)
    data = [(rng.standard_normal(n), rng.standard_normal(n)) for n in (1, 100, 5000, 200_000)]
    expected = [fl.huber_loss.value_and_grad(x, t) for x, t in data]
    failures = []
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(20):
            for (x, t), (value, gradient) in zip(data, expected, strict=True):
                got = fl.huber_loss.value_and_grad(x, t)
                if got[0] != value or not np.array_equal(got[1], gradient):
                    failures.append(len(x))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
