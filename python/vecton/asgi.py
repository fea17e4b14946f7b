"""The server's HTTP routes as an ASGI application, for uvicorn, FastAPI's mount and Ray Serve.

    app = vecton.asgi.App("sentence-transformers/all-MiniLM-L6-v2")

The routes are those of the native server, which runs beside the application and is reached by a socket in a private folder:
there is one implementation of them, and a crash of either side does not take the other along.
"""
from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PIECE = 1 << 16  # bytes that are passed on at a time
HEAD = 1 << 20  # most of an answer's head
HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer", b"proxy-connection", b"expect"}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """The server, which ends with this process, however it ends. Linux sends the signal when the thread that forked ends, so a thread does
    it that ends after the server."""
    started: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()

    threading.Thread(target=keep, name="vecton-server", daemon=True).start()
    return started.result()


def _stop(process: subprocess.Popen[bytes], folder: str) -> None:
    process.terminate()
    try:
        process.wait(35)  # the server finishes what it has accepted in 30 seconds at most
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


class App:
    """An ASGI application of one model. `options` are those of `vecton serve`, with underscores: served_model_name="x",
    max_model_len=512, enable_prefix_caching=False."""

    def __init__(self, model: str | os.PathLike[str], **options: Any) -> None:
        for name in ("uds", "host", "port"):
            if name in options:
                raise ValueError(f"{name}: the application is reached through the server that it is mounted in")
        self._arguments = ["serve", os.fspath(model), *_flags(options)]
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: subprocess.Popen[bytes] | None = None  # the process that has its model
        self._socket = ""
        self._lock = threading.Lock()
        self._finalizer: Any = None

    def __reduce__(self) -> Any:
        return _restore, (self._arguments,)

    # The server beside the application.

    def start(self) -> None:
        """Starts the server, if it does not run. The first request does so too."""
        from vecton.program import find

        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            folder = tempfile.mkdtemp(prefix="vecton-")
            self._socket = os.path.join(folder, "socket")
            self._process = _start([find(), *self._arguments, "--uds", self._socket])
            self._finalizer = weakref.finalize(self, _stop, self._process, folder)

    def stop(self) -> None:
        """Ends the server after what it has accepted."""
        with self._lock:
            finalizer, self._finalizer, self._process = self._finalizer, None, None
        if finalizer is not None:
            finalizer()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server, which has its model then."""
        self.start()
        process = self._process
        while self._ready is not process:
            if await self._healthy():
                self._ready = process
            elif process is None or process.poll() is not None:
                raise RuntimeError(f"the server could not start: exit status {process and process.returncode}; its log says why")
            else:
                await asyncio.sleep(0.02)
        return await asyncio.open_unix_connection(self._socket, limit=HEAD)

    async def _healthy(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        try:
            writer.write(b"GET /health HTTP/1.1\r\nhost: vecton\r\nconnection: close\r\n\r\n")
            return b" 200 " in await reader.readline()
        except ConnectionError:
            return False
        finally:
            writer.close()

    # A request from Python.

    async def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer of a route: GET, or with a body POST. JSON comes as Python's values, other answers as text."""
        data = b"" if body is None else json.dumps(body).encode()
        scope = {"type": "http", "method": "GET" if body is None else "POST", "path": path, "query_string": b"",
                 "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]}
        waiting, head, parts = [data], {}, []

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            head.update(message if "status" in message else {})
            parts.append(message.get("body", b""))

        await self._http(scope, receive, send)
        text = b"".join(parts).decode()
        kind = dict(head["headers"]).get(b"content-type", b"")
        return head["status"], json.loads(text) if kind.startswith(b"application/json") else text

    # ASGI.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise NotImplementedError(f"there are no routes of {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    _, writer = await self._connect()
                    writer.close()
                except (RuntimeError, OSError) as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.get_running_loop().run_in_executor(None, self.stop)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        reader, writer = await self._connect()
        try:
            left = await self._pass_request(scope, receive, writer)
            if left:
                return
            answer = asyncio.ensure_future(_pass_answer(reader, send, scope["method"]))
            gone = asyncio.ensure_future(_disconnected(receive))
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if not answer.done():  # closing the connection gives the request up
                answer.cancel()
                return
            await answer
        finally:
            writer.close()

    @staticmethod
    async def _pass_request(scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> bool:
        """True where the client has left meanwhile."""
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in HOP_BY_HOP]
        length = any(name.lower() == b"content-length" for name, _ in headers)
        writer.write(b"%s %s HTTP/1.1\r\n" % (scope["method"].encode("ascii"), _target(scope)))
        if not any(name.lower() == b"host" for name, _ in headers):
            headers.append((b"host", b"vecton"))
        more = True
        first = await receive()
        if first["type"] == "http.disconnect":
            return True
        more = first.get("more_body", False)
        if not length and more:
            headers.append((b"transfer-encoding", b"chunked"))
        elif not length and first.get("body"):
            headers.append((b"content-length", b"%d" % len(first["body"])))
        chunked = not length and more
        headers.append((b"connection", b"close"))
        writer.write(b"".join(b"%s: %s\r\n" % pair for pair in headers) + b"\r\n")
        message = first
        while True:
            body = message.get("body", b"")
            if body:
                writer.write(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)
            try:
                await writer.drain()
            except ConnectionError:  # answered before it was read: the answer says why
                return False
            if not message.get("more_body", False):
                break
            message = await receive()
            if message["type"] == "http.disconnect":
                return True
        if chunked:
            writer.write(b"0\r\n\r\n")
        return False


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pass_answer(reader: asyncio.StreamReader, send: Send, method: str) -> None:
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(lines[0].split(b" ", 2)[1])
        if status != 100:
            break
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:] if line)]
    known = dict(headers)
    await send({"type": "http.response.start", "status": status, "headers": [h for h in headers if h[0] not in HOP_BY_HOP]})
    if method != "HEAD" and status not in (204, 304):
        if known.get(b"transfer-encoding", b"").lower() == b"chunked":
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                piece = await reader.readexactly(size)
                await reader.readexactly(2)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        else:
            left = int(known.get(b"content-length", b"0"))
            while left:
                piece = await reader.read(min(left, PIECE))
                if not piece:
                    raise ConnectionError("the server ended in the middle of an answer")
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _target(scope: Scope) -> bytes:
    """The path below the place where the application is mounted, and the query."""
    raw = scope.get("raw_path") or scope["path"].encode("utf-8")
    raw = raw.split(b"?")[0]
    root = scope.get("root_path", "").encode("utf-8")
    if root and (raw == root or raw.startswith(root + b"/")):
        raw = raw[len(root):] or b"/"
    query = scope.get("query_string", b"")
    return raw + (b"?" + query if query else b"")


def _flags(options: dict[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value is False:
            flags.append("--no-" + name.replace("_", "-"))
        elif isinstance(value, (list, tuple)):
            for item in value:
                flags += [flag, str(item)]
        elif value is not None:
            flags += [flag, json.dumps(value) if isinstance(value, dict) else str(value)]
    return flags


_restored: weakref.WeakValueDictionary[tuple[str, ...], App] = weakref.WeakValueDictionary()


def _restore(arguments: list[str]) -> App:
    """The application of a pickle: one per process and arguments, as long as somebody holds it."""
    app = _restored.get(tuple(arguments))
    if app is None:
        app = _restored[tuple(arguments)] = App(arguments[1])
        app._arguments = arguments
    return app
