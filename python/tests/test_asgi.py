"""The routes as an ASGI application: answers of the native server, mounts, errors, clients that leave."""
import asyncio
import json
import pickle
import threading
import time

import numpy as np
import pytest

from conftest import PATIENCE, engine, model, run_python
from vecton.asgi import App


@pytest.fixture(scope="module")
def app():
    app = App(model("bert-embed-mean"), served_model_name="fixture", threads=1, disable_log_requests=None)
    yield app
    app.stop()


def ask(app, method, path, body=None, pieces=1, root_path="", leave=False):
    """(status, headers, body) of one request, or None where the client leaves."""
    data = b"" if body is None else json.dumps(body).encode()
    sent = []

    async def main():
        parts = [data[len(data) * i // pieces:len(data) * (i + 1) // pieces] for i in range(pieces)]

        async def receive():
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            if not leave:
                await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = [(b"content-type", b"application/json")] if body is not None else []
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
                 "root_path": root_path}
        await asyncio.wait_for(app(scope, receive, send), 60)

    asyncio.run(main())
    if not sent:
        return None
    assert not sent[-1]["more_body"]
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])


@pytest.mark.parametrize("pieces", [1, 3])
def test_embeddings_are_the_engines(app, pieces):
    status, headers, body = ask(app, "POST", "/v1/embeddings", {"model": "fixture", "input": ["a", "b"]}, pieces)
    rows = np.array([row["embedding"] for row in json.loads(body)["data"]], np.float32)
    assert status == 200 and headers[b"content-type"].startswith(b"application/json")
    assert np.array_equal(rows, engine("bert-embed-mean").embed(["a", "b"]))


def test_a_route_asked_from_python(app):
    async def both():
        return await app.ask("/v1/models"), await app.ask("/v1/embeddings", {"model": "fixture", "input": "a"}), await app.ask("/health")

    (status, models), (_, answer), (well, _) = asyncio.run(both())
    assert (status, well) == (200, 200) and models["data"][0]["id"] == "fixture"
    assert np.array_equal(np.array(answer["data"][0]["embedding"], np.float32), engine("bert-embed-mean").embed("a"))
    assert asyncio.run(app.ask("/v1/embeddings", {"input": 1}))[0] == 400


def test_pickles_of_one_application_are_one(app):
    assert pickle.loads(pickle.dumps(app)) is pickle.loads(pickle.dumps(app))


def test_other_routes_and_errors(app):
    assert json.loads(ask(app, "GET", "/v1/models")[2])["data"][0]["id"] == "fixture"
    assert ask(app, "GET", "/nothing")[0] == 404
    status, _, body = ask(app, "POST", "/v1/embeddings", {"input": "a " * 500})
    assert status == 400 and b"maximum context length" in body
    assert ask(app, "HEAD", "/health")[2] == b""


def test_mounted_below_a_path(app):
    assert ask(app, "GET", "/models/health", root_path="/models")[0] == 200
    assert ask(app, "GET", "/health", root_path="/models")[0] == 200


def test_a_client_that_leaves(app):
    ask(app, "POST", "/v1/embeddings", {"input": ["a text of words"] * 1000}, leave=True)
    assert ask(app, "GET", "/health")[0] == 200


def test_lifespan():
    app = App(model("bert-embed-mean"), threads=1)
    sent = []

    async def main():
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message["type"])

        await app({"type": "lifespan"}, receive, send)

    asyncio.run(main())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_model_that_is_not_there():
    app = App("/nowhere")
    with pytest.raises(RuntimeError, match="could not start: exit status"):
        ask(app, "GET", "/health")
    app.stop()


def test_the_server_outlives_the_thread_that_started_it():
    app = App(model("bert-embed-mean"), threads=1)
    thread = threading.Thread(target=app.start)
    thread.start()
    thread.join()
    process = app._process
    assert asyncio.run(app.ask("/health"))[0] == 200 and app._process is process and process.poll() is None
    app.stop()
    assert process.poll() == 0


# Its thread is killed with it, and no code of its own runs.
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_the_server_ends_with_the_process(end):
    code = ("import asyncio, os, sys, threading\nfrom vecton.asgi import App\napp = App(sys.argv[1], threads=1)\n"
            "thread = threading.Thread(target=app.start)\nthread.start()\nthread.join()\n"
            f"assert asyncio.run(app.ask('/health'))[0] == 200\nprint(app._process.pid, flush=True)\n{end}")
    server = int(run_python(code, model("bert-embed-mean"), status=-9 if "kill" in end else 0))
    until = time.monotonic() + PATIENCE
    while _runs(server):
        assert time.monotonic() < until, "the server is still there"
        time.sleep(0.02)


def _runs(process):
    """Whether it computes yet: one that nobody waits for is a zombie."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_is_pickled_by_its_options(app):
    again = pickle.loads(pickle.dumps(app))
    assert again._arguments == app._arguments and again._process is None
    with pytest.raises(ValueError, match="port"):
        App("x", port=3)


def test_mounted_in_starlette(app):
    starlette = pytest.importorskip("starlette.applications")
    client = pytest.importorskip("starlette.testclient")
    from starlette.routing import Mount

    with client.TestClient(starlette.Starlette(routes=[Mount("/models", app)])) as inside:
        answer = inside.post("/models/v1/embeddings", json={"input": "a"})
    assert answer.status_code == 200
    assert np.array_equal(np.array(answer.json()["data"][0]["embedding"], np.float32), engine("bert-embed-mean").embed("a"))
