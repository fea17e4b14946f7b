"""Threads, processes, interrupts and the interpreter's end: each in a process of its own, with a limit of time."""
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import vecton
from conftest import PATIENCE, engine, model, run_python

OPEN = "import sys, vecton; engine = vecton.Engine(sys.argv[1], threads=2); engine.embed('a')\n"
MODEL = model("bert-embed-mean")


def test_threads_share_an_engine(embedder):
    texts = [f"text {i}" for i in range(40)]
    expected = embedder.embed(texts)
    found = {}

    def work(n):
        found[n] = np.stack([embedder.embed(text) for text in texts])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[n], expected) for n in range(8))


def test_other_threads_run_while_the_engine_computes(embedder):
    steps, stop = 0, threading.Event()

    def count():
        nonlocal steps
        while not stop.is_set():
            steps += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    counter.start()
    before = steps
    embedder.embed(["a longer text of some words"] * 1500)
    during = steps - before
    stop.set()
    counter.join()
    assert during > 10


def test_a_forked_process_is_told_to_open_its_own():
    out = run_python(OPEN + """
import os
child = os.fork()
if child == 0:
    try:
        engine.embed("a")
    except vecton.Unsupported as error:
        print(error)
    mine = vecton.Engine(sys.argv[1])
    print(mine.embed("a").shape, engine.closed, flush=True)
    del engine
    sys.exit(7)
_, status = os.waitpid(child, 0)
print("status", os.waitstatus_to_exitcode(status), engine.embed("a").shape)
""", MODEL)
    assert "before fork()" in out and "(64,) True" in out and "status 7 (64,)" in out


def test_pools_of_forked_processes_raise():
    out = run_python(OPEN + """
import multiprocessing
def work(text):
    return engine.embed(text)
with multiprocessing.get_context("fork").Pool(2) as pool:
    try:
        pool.map(work, ["a", "b"])
    except vecton.VectonError as error:
        print("told:", error)
""", MODEL)
    assert "told: this engine was opened before fork()" in out


def test_spawned_processes_reopen_a_pickled_engine(tmp_path):
    script = tmp_path / "pool.py"
    script.write_text("""
import concurrent.futures, multiprocessing, sys, numpy, vecton
def work(engine, text):
    return engine.embed(text)
if __name__ == "__main__":
    engine = vecton.Engine(sys.argv[1], threads=1)
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        rows = list(pool.map(work, [engine] * 4, "abcd"))
    print(numpy.array_equal(numpy.stack(rows), engine.embed(list("abcd"))))
""")
    done = subprocess.run([sys.executable, script, MODEL], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "True\n", done.stderr


def test_pickles_are_small_and_share_one_engine(embedder):
    data = pickle.dumps(embedder)
    assert len(data) < 2000
    one, two = pickle.loads(data), pickle.loads(data)
    assert one is two and one is not embedder
    assert np.array_equal(one.embed("a"), embedder.embed("a"))
    for kind in (vecton.TooLong, vecton.NotFound, vecton.QueueFull):
        error = kind("what")
        error.field = "f"
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and str(again) == "what" and again.field == "f"


def test_exit_with_work_pending():
    run_python(OPEN + """
futures = [engine.submit("embed", ["some text"] * 200) for _ in range(50)]
""", MODEL)


def test_exit_while_daemon_threads_wait():
    run_python(OPEN + """
import threading, time
def work():
    while True:
        try:
            engine.embed(["some text of words"] * 300)
        except vecton.VectonError:
            return
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""", MODEL)


def test_dropping_the_last_reference_with_callbacks_pending():
    run_python(OPEN + """
import gc
for _ in range(5):
    engine = vecton.Engine(sys.argv[1], threads=2)
    futures = [engine.submit("embed", ["some text"] * 100) for _ in range(20)]
    del engine
    gc.collect()
    print(sum(1 for f in futures if isinstance(f.exception(), vecton.Cancelled)))
""", MODEL)


def test_the_last_reference_dropped_by_a_callback():
    run_python(OPEN + """
import time
core = engine._core
done = []
class Last:
    def __init__(self, core): self.core = core
    def __call__(self, results):
        self.core = None
        done.append(len(results))
core.submit(["a"] * 50, vecton._core.Request(task="embed"), Last(core))
del core, engine
while not done: time.sleep(0.01)
time.sleep(0.2)
""", MODEL)


def test_an_interrupt_ends_the_waiting():
    done = subprocess.Popen([sys.executable, "-c", OPEN + """
print("ready", flush=True)
try:
    engine.embed(["a text of some words"] * 200000)
except KeyboardInterrupt:
    print("interrupted", engine.embed("a").shape)
""", MODEL], stdout=subprocess.PIPE, text=True)
    assert done.stdout.readline() == "ready\n"
    time.sleep(1.5)
    done.send_signal(signal.SIGINT)
    out, _ = done.communicate(timeout=PATIENCE)
    assert out == "interrupted (64,)\n" and done.returncode == 0


def test_a_closed_engine_says_so():
    short = vecton.Engine(MODEL)
    short.close()
    short.close()
    with pytest.raises(vecton.Cancelled, match="closed"):
        short.embed("a")
    assert "closed" in repr(short)


def test_closing_while_others_wait():
    short = vecton.Engine(MODEL, threads=1)
    ends = []

    def work():
        try:
            while True:
                short.embed(["some text"] * 200)
        except vecton.Cancelled:
            ends.append(True)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    short.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ends) == 3


def test_errors_of_callbacks_end_nothing():
    out = run_python(OPEN + """
import threading
seen = threading.Event()
sys.unraisablehook = lambda what: (print(type(what.exc_value).__name__), seen.set())
engine._core.submit(["a"], vecton._core.Request(task="embed"), lambda results: 1 / 0)
seen.wait(10)
print(engine.embed("a").shape)
""", MODEL)
    assert out == "ZeroDivisionError\n(64,)\n"


def test_memory_stays_flat():
    out = run_python(OPEN + """
import resource
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
texts = ["some text"] * 20
for _ in range(300): engine.embed(texts)
before = peak()
for _ in range(1500): engine.embed(texts)
print(peak() - before)
""", MODEL)
    assert int(out) < 4096  # kilobytes; a copy of the vectors per call would be 7 MB


def test_ten_thousand_calls_leave_nothing():
    """Neither memory nor objects that wait for the collector: of calls that answer, that fail, and of futures."""
    out = run_python(OPEN + """
import gc, resource
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def call(n):
    for i in range(n):
        engine.embed("a text")
        if i % 10 == 0:
            engine.submit("embed", ["a", "b"]).result()
            try:
                engine.embed("a " * 100)
            except vecton.TooLong:
                pass
call(500)
gc.collect(); gc.disable()
before, objects = peak(), len(gc.get_objects())
call(10000)
grown = len(gc.get_objects()) - objects
print(peak() - before, grown, gc.collect())
""", MODEL)
    kilobytes, objects, cycles = map(int, out.split())
    assert kilobytes < 4096 and objects < 100 and cycles < 100, out


def test_engines_end_with_their_last_reference():
    out = run_python("""
import gc, sys, threading, weakref, vecton
gc.disable()
engine = vecton.Engine(sys.argv[1], threads=2)
engine.embed(["a", "b"]); engine.tokenizer.encode("a")
engine.submit("embed", "a").result()
alive = weakref.ref(engine)
del engine
print(alive() is None)
""", MODEL)
    assert out == "True\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="interpreters of their own are tried from 3.12 on")
def test_a_second_interpreter_is_refused():
    out = run_python("""
import vecton
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
second = interpreters.create()
try:
    error = interpreters.run_string(second, "import vecton")
    print("refused:", error)
except Exception as error:
    print("refused:", error)
""")
    assert "refused" in out and "None" not in out


def test_the_queue_says_when_it_is_full():
    small = vecton.Engine(MODEL, max_queue_tokens=50, threads=1)
    with pytest.raises(vecton.QueueFull) as caught:
        futures = [small.submit("embed", ["some text of words"] * 50) for _ in range(200)]
        del futures
    assert isinstance(caught.value, RuntimeError)
    assert small.embed(["a text"] * 100).shape == (100, 64)  # waits for room


def seconds_of_exit(code):
    """From the end of the code to that of the process."""
    out = run_python(OPEN + code + "\nimport time; print(time.monotonic(), flush=True)", MODEL)
    return time.monotonic() - float(out.split()[-1])


def test_exit_with_a_tokenizer_in_use():
    assert seconds_of_exit("""
tokenizer = engine.tokenizer
tokenizer.encode("a")
class Keep: pass
keep = Keep(); keep.me = keep; keep.tokenizer = tokenizer
""") < 9


def test_fork_leaves_no_zombie_of_the_exit_handler():
    assert seconds_of_exit("""
import os
if os.fork() == 0:
    sys.exit(0)
os.wait()
""") < 9
    assert os.getpid() and engine("bert-embed-mean").embed("a").shape == (64,)
