"""Teams of threads where the system has no room for them, and long calls that are interrupted.

Limits hold for a process, so each test has one of its own.
"""

from __future__ import annotations

import os

import pytest

from fresh_python import output

# --- no room for threads

LIMITS = """
import resource, time
from pathlib import Path
x, y = x[::16].copy(), y[::16].copy()
gradient = np.empty_like(x)
def call():  # allocates next to nothing
    return fl.general_robust_loss.grad(x, y, alpha=0.3, out=gradient).sum()
with fl.threads(1):
    expected = call()
def team():
    with fl.threads(4):
        assert call() == expected
        return fl._core.last_team_size()
def mapped():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
"""


def test_without_memory_for_another_stack_the_caller_computes_alone():
    code = """
resource.setrlimit(resource.RLIMIT_AS, (mapped() + (6 << 20), resource.RLIM_INFINITY))
print(team(), team())
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
time.sleep(1.1)  # what was refused is tried again after a second
print(team())
"""
    assert output(LIMITS + code, MALLOC_ARENA_MAX="1") == "1 1\n4"


def test_with_memory_for_some_threads_there_are_as_many():
    code = """
resource.setrlimit(resource.RLIMIT_AS, (mapped() + (20 << 20), resource.RLIM_INFINITY))
print(1 < team() < 4)
"""
    assert output(LIMITS + code, MALLOC_ARENA_MAX="1", OMP_STACKSIZE="8m") == "True"


def test_a_user_without_room_for_another_process_computes_alone():
    code = """
if os.getuid() == 0:  # limits do not bind root
    os.setresuid(65534, 65534, 65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
print(team())
"""
    assert output(LIMITS + code) == "1"


def test_teams_grow_and_shrink_from_many_threads():
    code = """
def repeat():
    for n in (2, 5, 1, 7, 3, 7):
        with fl.threads(n):
            assert call() == expected
            teams.append(fl._core.last_team_size() == n)
teams = []
callers = [threading.Thread(target=repeat) for _ in range(3)]
for c in callers: c.start()
for c in callers: c.join()
print(len(teams), all(teams))
"""
    assert output(LIMITS + code) == "18 True"


def test_in_a_forked_process_without_room_the_caller_computes_alone():
    code = """
pid = os.fork()  # before there are threads: their stacks would be the child's
if pid == 0:
    fl.set_num_threads(4)
    resource.setrlimit(resource.RLIMIT_AS, (mapped() + (2 << 20), resource.RLIM_INFINITY))
    os._exit(0 if call() == expected and fl._core.last_team_size() == 1 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert output(LIMITS + code, MALLOC_ARENA_MAX="1") == "0"


# --- what the environment says


@pytest.mark.parametrize("number", ["2147483648", "4294967295", "99999", "18446744073709551615"])
def test_more_threads_than_there_can_be(number):
    """Clamped: a team of as many is not made for a loop of few blocks."""
    code = """
n = fl.get_num_threads()
assert 1 <= n <= 1024, n
small = np.ones(3 * 8192)
with fl.threads(1):
    expected = fl.lp_loss(small, 0.5 * small, p=2.5)
assert fl.lp_loss(small, 0.5 * small, p=2.5) == expected
print(1 <= fl._core.last_team_size() <= 3)
"""
    assert output(code, OMP_NUM_THREADS=number) == "True"


@pytest.mark.parametrize("stack", ["1", "16k", "17B", "20K", " 64 k ", "1M"])
def test_any_size_of_stack(stack):
    """The threads of a team that has too little of it leave the work to the caller."""
    code = """
big = np.full(1 << 18, 1e30, np.float32)  # squares overflow: every tile is computed again in float64
logits = np.random.default_rng(0).normal(size=(3000, 50)).astype(np.float32)
def all_bits():
    results = [fl.mse_loss.value_and_grad(big, -big), fl.student_t_nll_loss.grad_and_hess(x, y, 3.0, 1.0),
               fl.cross_entropy.value_and_grad(logits, np.arange(3000) % 50),
               fl.cross_entropy.hvp(logits, np.arange(3000) % 50, logits),
               fl.linear_cross_entropy.value_and_grad(logits, logits[:40], np.arange(3000) % 40)]
    return [np.asarray(a).tobytes() for r in results for a in (r if isinstance(r, tuple) else (r,))]
with fl.threads(1):
    expected = all_bits()
with fl.threads(3):
    print(all_bits() == expected, fl._core.last_team_size())
"""
    assert output(code, OMP_STACKSIZE=stack) == "True 3"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_processors_taken_away_later_are_not_counted():
    code = """
before = fl.get_num_threads()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(fl.get_num_threads())
call()
print(fl._core.last_team_size())
fl.set_num_threads(2)
print(fl.get_num_threads())
"""
    assert output(code) == "1\n1\n2"
    assert output(code, OMP_NUM_THREADS="3") == "3\n3\n2"


# --- interruption

# Far longer than the test may take: nothing is read from memory, and every element costs some 10 ns.
ENDLESS = """
import signal, time
endless = np.broadcast_to(np.float32(0.5), (1 << 37,))
def sent_soon(number):
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
"""
CALLS = {
    "value": "fl.general_robust_loss(endless, np.float32(0), alpha=0.3)",
    "one thread": "with fl.threads(1): fl.general_robust_loss(endless, np.float32(0), alpha=0.3)",
    "rows": "fl.cross_entropy(np.broadcast_to(np.float32(1), (1 << 26, 1000)), np.broadcast_to(0, (1 << 26,)))",
    "linear": "fl.linear_cross_entropy(np.broadcast_to(np.float32(1), (1 << 24, 1000)), np.ones((1000, 1000), 'f4'),"
    " np.broadcast_to(0, (1 << 24,)))",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_ends_a_long_call(call):
    code = f"""
signal.signal(signal.SIGINT, signal.default_int_handler)
sent_soon(signal.SIGINT)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
print(call() == call())
"""
    assert output(ENDLESS + code) == "interrupted\nTrue"


def test_a_handler_s_own_exception_comes_through():
    code = """
class Enough(Exception): pass
def handler(number, frame): raise Enough("enough")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    fl.general_robust_loss(endless, np.float32(0), alpha=0.3)
except Enough as e:
    print(e)
"""
    assert output(ENDLESS + code) == "enough"


@pytest.mark.parametrize("threads", [1, 3])
def test_a_handler_that_computes_and_returns_changes_nothing(threads):
    code = f"""
rng = np.random.default_rng(1)
wide = rng.normal(size=(4, 1 << 22)).astype(np.float32)
labels = np.array([5, 0, 70000, 3])
def all_bits():
    results = fl.cross_entropy.value_and_grad(wide, labels), fl.mse_loss.value_and_grad(x, y)
    return [np.asarray(a).tobytes() for r in results for a in r]
expected, small = all_bits(), fl.cross_entropy.grad(wide[:, :70000], [1, 2, 3, 4]).tobytes()
seen = []
def handler(number, frame):
    seen.append(fl.cross_entropy.grad(wide[:, :70000], [1, 2, 3, 4]).tobytes() == small)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
with fl.threads({threads}):
    same = [all_bits() == expected for _ in range(20)]
    long = fl.general_robust_loss(endless[: 1 << 26], np.float32(0), alpha=0.3)
signal.setitimer(signal.ITIMER_REAL, 0)
print(all(same), all(seen), len(seen) > 1)
"""
    assert output(ENDLESS + code) == "True True True"


def test_other_threads_are_not_interrupted():
    code = """
results = []
def compute():
    results.append(fl.general_robust_loss(endless[: 1 << 25], np.float32(0), alpha=0.3))
signal.signal(signal.SIGINT, signal.default_int_handler)
t = threading.Thread(target=compute)
t.start()
sent_soon(signal.SIGINT)
try:
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted")
while t.is_alive():
    time.sleep(0.01)
print(len(results))
"""
    assert output(ENDLESS + code) == "interrupted\n1"
