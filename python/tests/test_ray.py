"""vecton.ray with the real Ray on one machine. Skipped without it."""
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import pytest

from conftest import PATIENCE, engine, model

# Read when ray is imported; its processes inherit them, so that the node answers these tests alone.
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
pytest.importorskip("ray")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
MODEL = model("bert-embed-mean")


@pytest.fixture(scope="module")
def node():
    """The address of a node of these tests' own, which outlives its drivers. Ray gives the agents that it starts 15 s, in which a busy
    machine may not have read what they import; so it is asked again."""
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # names of sockets are short
    until = time.monotonic() + PATIENCE
    process = None
    with open(os.path.join(folder, "log"), "w+") as log:
        while "Ray runtime started" not in said(log):
            if process is None or process.poll() is not None:
                assert time.monotonic() < until, said(log)
                process = start_node(folder, log)
            time.sleep(0.2)
        yield re.search(r"--address='([^']+)'", said(log))[1]
    process.terminate()  # and with it what it has started
    try:
        process.wait(60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def start_node(folder, log):
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=3", "--include-dashboard=false",
               f"--object-store-memory={200 * 2**20}", "--port=0", f"--temp-dir={folder}"]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def said(log):
    return pathlib.Path(log.name).read_text()


@pytest.fixture(scope="module")
def cluster(node):
    import ray

    ray.init(address=node, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(4):
        rows = {"id": [f"{i}-{j}" for j in range(50)], "text": [f"text {i} {j}" for j in range(50)]}
        parquet.write_table(pyarrow.table(rows), tmp_path / "in" / f"{i}.parquet")
    return tmp_path


def rows_of(folder):
    return [row for file in sorted(folder.glob("*.parquet")) for row in parquet.read_table(file).to_pylist()]


def test_files_are_made_once_and_bits_are_local(cluster, files):
    from vecton.ray import embed_files

    report = embed_files(str(files / "in"), files / "out", MODEL, num_cpus=1, actors=2)
    assert (report.files, report.rows, report.skipped, report.failed) == (4, 200, 0, {})
    rows = rows_of(files / "out")
    assert len({row["id"] for row in rows}) == len(rows) == 200
    found = np.array([row["embedding"] for row in rows], np.float32)
    assert np.array_equal(found, engine("bert-embed-mean").embed([row["text"] for row in rows]))
    (files / "out" / "2.parquet").unlink()
    again = embed_files(str(files / "in"), files / "out", MODEL, num_cpus=1)
    assert (again.files, again.skipped) == (1, 3)


def test_a_file_that_fails_is_listed(cluster, files):
    from vecton.ray import embed_files

    parquet.write_table(pyarrow.table({"text": ["a", None]}), files / "in" / "bad.parquet")
    report = embed_files(str(files / "in"), files / "out", MODEL, num_cpus=1, keep=[])
    assert report.files == 4 and "bad.parquet" in next(iter(report.failed)) and "NoneType" in next(iter(report.failed.values()))


def test_a_dataset_has_local_bits(cluster):
    from vecton.ray import embed_dataset

    texts = [f"text {i}" for i in range(100)]
    dataset = cluster.data.from_items([{"n": i, "text": text} for i, text in enumerate(texts)])
    rows = sorted(embed_dataset(dataset, MODEL, num_cpus=2, actors=1).take_all(), key=lambda row: row["n"])
    assert np.array_equal(np.array([row["embedding"] for row in rows], np.float32), engine("bert-embed-mean").embed(texts))


@pytest.mark.parametrize("cpus, expected", [(2, 2), (0.5, 1)])
def test_engines_have_the_threads_of_their_actors(cluster, cpus, expected):
    @cluster.remote(num_cpus=cpus)
    def threads(name):
        from vecton.ray.embedder import engine_of

        return engine_of(name, {}).info.threads

    assert cluster.get(threads.remote(MODEL)) == expected


def test_a_processor_has_the_names_of_ray_data_llm(cluster):
    from vecton.ray import ProcessorConfig, build_processor

    texts = [f"text {i}" for i in range(20)]
    process = build_processor(ProcessorConfig(MODEL, engine_kwargs={"max_model_len": 32, "gpu_memory_utilization": 0.5}, num_cpus=1, concurrency=1),
                              preprocess=lambda row: {"prompt": row["body"], "n": row["n"]},
                              postprocess=lambda row: {**row, "size": len(row["embeddings"])})
    rows = process(cluster.data.from_items([{"n": i, "body": text} for i, text in enumerate(texts)])).take_all()
    rows.sort(key=lambda row: row["n"])
    assert np.array_equal(np.array([row["embeddings"] for row in rows], np.float32), engine("bert-embed-mean").embed(texts))
    assert {row["size"] for row in rows} == {64}
    assert [row["num_input_tokens"] for row in rows] == [len(row["prompt_token_ids"]) for row in rows]


def test_a_service(cluster):
    import json
    import urllib.request

    from ray import serve

    from vecton.errors import InvalidArgument
    from vecton.ray import deployment

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve.start(http_options={"port": port, "host": "127.0.0.1"})
    try:
        handle = serve.run(deployment(MODEL, served_model_name="fixture", disable_log_requests=None), route_prefix="/")
        answer = handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": ["a", "b"]}).result(timeout_s=PATIENCE)
        expected = engine("bert-embed-mean").embed(["a", "b"])
        assert np.array_equal(np.array([row["embedding"] for row in answer["data"]], np.float32), expected)
        with pytest.raises(InvalidArgument, match="/v1/embeddings"):
            handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": 1}).result(timeout_s=PATIENCE)
        several = [handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": f"text {i}"}) for i in range(50)]
        assert len([one.result(timeout_s=PATIENCE)["data"] for one in several]) == 50
        request = urllib.request.Request(f"http://127.0.0.1:{port}/embed", json.dumps({"inputs": ["a", "b"]}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            assert np.array_equal(np.array(json.load(reply), np.float32), expected)
    finally:
        serve.shutdown()


def drive(node, files):
    """A driver in a process of its own."""
    code = ("import ray, sys; from vecton.ray import embed_files; ray.init(address=sys.argv[1], log_to_driver=False)\n"
            "report = embed_files(*sys.argv[2:], num_cpus=1, batch_size=20)\nassert not report.failed, report\nprint(report.skipped)")
    command = [sys.executable, "-c", code, node, str(files / "in"), str(files / "out"), MODEL]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True)


def ended(driver):
    out, error = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, error
    return int(out)


def once(files, count):
    ids = [row["id"] for row in rows_of(files / "out")]
    assert len(set(ids)) == len(ids) == count


def test_a_killed_driver_and_a_second_run(node, files):
    driver = drive(node, files)
    until = time.monotonic() + PATIENCE
    while not list((files / "out").glob("*.parquet")) and time.monotonic() < until and driver.poll() is None:
        time.sleep(0.01)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    there = {file.name: file.stat().st_ino for file in (files / "out").glob("*.parquet")}
    assert there, "the driver was killed before it had done a file"
    assert ended(drive(node, files)) >= len(there)
    assert there.items() <= {file.name: file.stat().st_ino for file in (files / "out").iterdir()}.items(), "a file was made twice"
    once(files, 200)


def test_two_drivers_at_once(node, files):
    for driver in [drive(node, files), drive(node, files)]:
        ended(driver)
    once(files, 200)
    assert sorted(file.name for file in (files / "out").iterdir()) == ["0.parquet", "1.parquet", "2.parquet", "3.parquet", "_vecton.json"]


def test_a_killed_worker(cluster, files):
    """kill -9 of the process that computes: the file is done again by another, and every row is there once."""
    from vecton.ray import embed_files

    rows = {"id": [str(i) for i in range(40000)], "text": [f"a text of several words {i}" for i in range(40000)]}
    parquet.write_table(pyarrow.table(rows), files / "in" / "0.parquet")
    (files / "out").mkdir()
    killed = []

    def kill():
        until = time.monotonic() + PATIENCE
        while not killed and time.monotonic() < until:
            for part in (files / "out").glob(".0.parquet*.tmp"):
                holders = [pid for pid in os.listdir("/proc") if pid.isdigit() and holds(pid, part.name)]
                for pid in holders:
                    os.kill(int(pid), signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)

    thread = threading.Thread(target=kill)
    thread.start()
    report = embed_files(str(files / "in"), files / "out", MODEL, num_cpus=1, actors=1, batch_size=500)
    thread.join()
    assert killed and not report.failed
    once(files, 40000 + 150)


def holds(pid, name):
    """Whether a process has a file of this name open."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith(name) for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False
