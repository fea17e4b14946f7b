"""vecton.ray with the real Ray on one machine. Skipped without it."""
import os
import signal
import subprocess
import sys
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


def test_a_killed_driver_and_a_second_run(files):
    code = START + "import sys; from vecton.ray import embed_files; embed_files(sys.argv[1], sys.argv[2], sys.argv[3], num_cpus=1)"
    command = [sys.executable, "-c", code, str(files / "in"), str(files / "out"), MODEL]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 90
    while not list((files / "out").glob("*.parquet")) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    ids = [row["id"] for row in rows_of(files / "out")]
    assert len(set(ids)) == len(ids) == 200
