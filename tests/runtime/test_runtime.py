"""Threads, forks, instruction sets and the cache of results, as a Python program meets them.

What is read when the package is loaded, and what could hang, runs in a process of its own.
"""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import fastloss as fl
from fresh_python import output, run_python


@pytest.fixture
def large():
    x = np.linspace(-3, 3, 1 << 20)
    return x, np.cos(x)


# --- threads


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_team_has_the_size_asked_for_and_the_bits_stay(large, threads):
    with fl.threads(1):
        expected = fl.huber_loss.value_and_grad(*large)
    with fl.threads(threads):
        value, gradient = fl.huber_loss.value_and_grad(*large)
        assert fl._core.last_team_size() == threads
    assert value.tobytes() == expected[0].tobytes()
    assert gradient.tobytes() == expected[1].tobytes()


def test_set_num_threads_holds_for_every_thread(large):
    fl.set_num_threads(7)
    assert fl.get_num_threads() == 7
    seen = []

    def call():
        fl.huber_loss(*large)
        seen.append((fl.get_num_threads(), fl._core.last_team_size()))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert seen == [(7, 7)]


@pytest.mark.parametrize("bad", [0, -1])
def test_fewer_than_one_thread_is_refused(bad):
    before = fl.get_num_threads()
    with pytest.raises(ValueError, match=f"got {bad}"):
        fl.set_num_threads(bad)
    with pytest.raises(ValueError, match=f"{bad}"), fl.threads(bad):
        pass
    assert fl.get_num_threads() == before


def test_threads_is_local_to_its_context():
    inside = threading.Event()
    looked = threading.Event()

    def hold():
        with fl.threads(3):
            inside.set()
            looked.wait(600)

    before = fl.get_num_threads()
    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(600)
    seen = fl.get_num_threads()
    looked.set()
    thread.join()
    assert seen == before


def test_small_calls_stay_on_the_calling_thread():
    x = np.ones(1000)
    with fl.threads(7):
        fl.mse_loss(x, x)
        assert fl._core.last_team_size() == 1


def test_threadpoolctl_sees_and_limits(large):
    controller = ThreadpoolController()
    assert controller.select(user_api="openmp").info()
    # Another test may have left OpenMP with one thread, as PyTorch's own setting does.
    with controller.limit(limits=os.cpu_count(), user_api="openmp"):
        _check_limits(controller, large)


def _check_limits(controller, large):
    fl.set_num_threads(2)
    with controller.limit(limits=1, user_api="openmp"):
        # The limit is below what OpenMP allows by default only on machines with more than one processor.
        expected = 1 if os.cpu_count() > 1 and os.environ.get("OMP_NUM_THREADS") != "1" else 2
        assert fl.get_num_threads() == expected
        fl.huber_loss(*large)
        assert fl._core.last_team_size() == expected
    assert fl.get_num_threads() == 2


def test_omp_num_threads_is_honoured():
    assert (
        output("print(fl.get_num_threads()); call(); print(fl._core.last_team_size())", OMP_NUM_THREADS="3") == "3\n3"
    )


def test_omp_dynamic_and_thread_limit_change_no_bits():
    digest = "import hashlib; fl.set_num_threads(7); print(hashlib.sha256(call()).hexdigest())"
    expected = output(digest)
    assert output(digest, OMP_DYNAMIC="true") == expected
    assert output(digest, OMP_THREAD_LIMIT="2") == expected


def test_calls_from_many_threads_at_once(large):
    expected = fl.huber_loss.grad(*large).tobytes()
    wrong = []

    def call():
        for _ in range(10):
            if fl.huber_loss.grad(*large).tobytes() != expected:
                wrong.append(threading.current_thread().name)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_teams_that_adapt_change_no_bits(large):
    """More threads than there are processors: teams shrink and grow by what the scheduler does."""
    expected = fl.huber_loss.value_and_grad(*large)
    seen = []

    def call():
        for threads in (2, 3, 4, 7) * 8:
            with fl.threads(threads):
                value, gradient = fl.huber_loss.value_and_grad(*large)
                seen.append(
                    value == expected[0]
                    and gradient.tobytes() == expected[1].tobytes()
                    and 1 <= fl._core.last_team_size() <= threads
                )

    fl._core.set_adaptive_teams(True)
    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(seen) == 96
    assert all(seen)


# --- forks: libgomp hangs in a child of a process that has run a parallel region

FORKED = """
with fl.threads(4):
    expected = call()
    assert fl._core.last_team_size() == 4
def child(work):
    import signal
    pid = os.fork()
    if pid == 0:
        signal.alarm(300)
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
def computes():
    return call() == expected and fl._core.last_team_size() == 1 and call() == expected
"""


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("assert child(computes)", id="child"),
        pytest.param("assert child(lambda: computes() and child(computes))", id="grandchild"),
        pytest.param(
            "assert child(lambda: fl.set_num_threads(2) or (call() == expected and fl._core.last_team_size() == 2))",
            id="threads chosen in the child",
        ),
        pytest.param(
            "ok = []\n"
            "t = threading.Thread(target=lambda: ok.append(child(computes)))\n"
            "t.start(); t.join()\n"
            "assert ok == [True]",
            id="fork from another thread",
        ),
        pytest.param(
            "stop = threading.Event()\n"
            "t = threading.Thread(target=lambda: [call() for _ in iter(stop.is_set, True)])\n"
            "t.start()\nassert all(child(computes) for _ in range(5))\nstop.set(); t.join()",
            id="fork while another thread computes",
        ),
        pytest.param(
            "import multiprocessing\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            "    assert pool.apply_async(call).get(300) == expected",
            id="multiprocessing",
        ),
    ],
)
def test_a_forked_process_computes(work):
    check_parent = "\nwith fl.threads(4): assert call() == expected and fl._core.last_team_size() == 4\nprint('ok')"
    assert output(FORKED + work + check_parent) == "ok"


# --- instruction sets


@pytest.mark.parametrize("isa", fl._core.available_isas())
def test_fastloss_isa_chooses_the_instruction_set(isa):
    assert output("print(fl._core.active_isa())", FASTLOSS_ISA=isa) == isa


def test_the_best_instruction_set_is_the_default():
    assert output("print(fl._core.active_isa())") == fl._core.available_isas()[-1]


def test_use_isa_refuses_what_the_machine_lacks():
    before = fl._core.active_isa()
    with pytest.raises(ValueError, match="avx9"):
        fl._core.use_isa("avx9")
    assert fl._core.active_isa() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FASTLOSS_ISA", "avx9"),
        ("FASTLOSS_CACHE_MB", "many"),
        ("FASTLOSS_CACHE_MB", "-1"),
        ("FASTLOSS_CACHE_MB", "9" * 30),
    ],
)
def test_a_wrong_environment_variable_is_named_at_import(name, value):
    result = run_python("", **{name: value})
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError:")
    assert name in last
    assert value in last


# --- the cache of large results

CACHE = """
x = np.zeros(6 << 20); y = np.ones(6 << 20)
def address():
    return fl.mse_loss.grad(x, y).__array_interface__["data"][0]
"""


def test_large_results_reuse_their_memory():
    code = (
        CACHE
        + """
first = address()
assert first % (2 << 20) == 0
kept = [np.empty(6 << 20) for _ in range(3)]   # what else would take the address
assert address() == first
held = fl.mse_loss.grad(x, y)
other = fl.mse_loss.grad(x, y)
assert held.ctypes.data != other.ctypes.data
assert held[0] == other[-1] == -2 / (6 << 20)
print("ok")
"""
    )
    assert output(code) == "ok"


def test_views_keep_the_memory_of_a_large_result():
    code = (
        CACHE
        + """
view = fl.mse_loss.grad(x, y)[100:200]
for _ in range(4):
    fl.mse_loss.grad(y, 3 * y)
assert (view == -2 / (6 << 20)).all()
print("ok")
"""
    )
    assert output(code) == "ok"


MAPPED = """
def mapped():
    for line in open("/proc/self/maps"):
        (begin, end), access = (int(bound, 16) for bound in line.split()[0].split("-")), line.split()[1]
        if access.startswith("rw") and begin <= where and where + size <= end:
            return True
    return False
result = fl.mse_loss.grad(x, y)
where, size = result.ctypes.data, result.nbytes
seen = [mapped()]
del result
seen.append(mapped())
fl.empty_cache()
seen.append(mapped())
print(*seen)
"""


def test_the_cache_can_be_emptied_bounded_and_turned_off():
    # Looks at the memory of the result alone: threads that start, or allocate for the first time, map more than that.
    assert output(CACHE + MAPPED) == "True True False"
    assert output(CACHE + MAPPED, FASTLOSS_CACHE_MB="0") == "True False False"
    assert output(CACHE + MAPPED, FASTLOSS_CACHE_MB="20") == "True False False"
