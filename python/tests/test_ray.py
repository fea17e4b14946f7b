"""vecton.ray with the real Ray on one machine. Skipped without it."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from conftest import engine, model

pytest.importorskip("ray")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
MODEL = model("bert-embed-mean")
START = "import ray; ray.init(num_cpus=3, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)\n"


@pytest.fixture(scope="module")
def cluster():
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
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


def test_a_dataset_has_local_bits_and_the_actors_threads(cluster):
    from vecton.ray import embed_dataset

    texts = [f"text {i}" for i in range(100)]
    dataset = cluster.data.from_items([{"n": i, "text": text} for i, text in enumerate(texts)])
    rows = sorted(embed_dataset(dataset, MODEL, num_cpus=1, actors=1).take_all(), key=lambda row: row["n"])
    assert np.array_equal(np.array([row["embedding"] for row in rows], np.float32), engine("bert-embed-mean").embed(texts))


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
        answer = handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": ["a", "b"]}).result(timeout_s=60)
        expected = engine("bert-embed-mean").embed(["a", "b"])
        assert np.array_equal(np.array([row["embedding"] for row in answer["data"]], np.float32), expected)
        with pytest.raises(InvalidArgument, match="/v1/embeddings"):
            handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": 1}).result(timeout_s=60)
        several = [handle.ask.remote("/v1/embeddings", {"model": "fixture", "input": f"text {i}"}) for i in range(50)]
        assert len([one.result(timeout_s=60)["data"] for one in several]) == 50
        request = urllib.request.Request(f"http://127.0.0.1:{port}/embed", json.dumps({"inputs": ["a", "b"]}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert np.array_equal(np.array(json.load(reply), np.float32), expected)
    finally:
        serve.shutdown()


def drive(files, **how):
    code = START + "import sys; from vecton.ray import embed_files; report = embed_files(sys.argv[1], sys.argv[2], sys.argv[3], num_cpus=1)\n"
    code += "assert not report.failed, report"
    command = [sys.executable, "-c", code, str(files / "in"), str(files / "out"), MODEL]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, text=True, **how)


def test_a_killed_driver_and_a_second_run(files):
    process = drive(files)
    until = time.monotonic() + 90
    while not list((files / "out").glob("*.parquet")) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = drive(files)
    assert again.wait(timeout=120) == 0, again.stderr.read()
    ids = [row["id"] for row in rows_of(files / "out")]
    assert len(set(ids)) == len(ids) == 200


def test_two_drivers_at_once(files):
    drivers = [drive(files), drive(files)]
    for driver in drivers:
        assert driver.wait(timeout=180) == 0, driver.stderr.read()
    ids = [row["id"] for row in rows_of(files / "out")]
    assert len(set(ids)) == len(ids) == 200
    assert sorted(file.name for file in (files / "out").iterdir()) == ["0.parquet", "1.parquet", "2.parquet", "3.parquet", "_vecton.json"]


def test_a_killed_worker(cluster, files):
    """kill -9 of the process that computes: the file is done again by another, and every row is there once."""
    from vecton.ray import embed_files

    rows = {"id": [str(i) for i in range(40000)], "text": [f"a text of several words {i}" for i in range(40000)]}
    parquet.write_table(pyarrow.table(rows), files / "in" / "0.parquet")
    (files / "out").mkdir()
    killed = []

    def kill():
        until = time.monotonic() + 60
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
    ids = [row["id"] for row in rows_of(files / "out")]
    assert len(set(ids)) == len(ids) == 40000 + 150


def holds(pid, name):
    """Whether a process has a file of this name open."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith(name) for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False
