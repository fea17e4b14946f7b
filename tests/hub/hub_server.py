#!/usr/bin/env python3
"""A model hub in small: the protocol that the hub client speaks, with made-up models and faults on demand.

Prints one line {"endpoint": ..., "files": {repository: {file: etag}}}, then answers one JSON line on stdout per line on stdin:
  {"do": "log"}   the requests since the last log: [{"method", "path", "host": "hub" | "cdn", "token": bool, "range"}]
  {"do": "set", ...}  faults, merged into those that hold:
      "cut": N          the next body is cut off after N bytes (once)
      "fail": N         the next N requests are answered with 503
      "no_ranges": b    ranges are ignored
      "corrupt": b      large files come with one byte changed
      "main": "second"  the branch main of org/tiny moves to another commit
      "part": N         large objects are taken in parts of N bytes
      "no_etag": b      parts are answered without an ETag
      "deny": "CALL"    "create", "preupload", "batch", "put", "verify" or "commit" is refused with 403
      "lfs_error": b    objects are refused one by one
  {"do": "pushed"}  what was uploaded: {repository: {"summary", "files": {path: {"size", "sha256", "large": b}}}}
It ends when stdin does. Large files are redirected to a second port, which stands for the CDN and must never see a token.
"""
import base64
import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

GOOD_TOKEN = "hf_good"


def made_up(name, size):
    """Bytes that depend on the name alone."""
    out = b""
    while len(out) < size:
        out += hashlib.sha256(f"{name} {len(out)}".encode()).digest()
    return out[:size]


def commit(name):
    return hashlib.sha1(name.encode()).hexdigest()


def modules(*entries):
    return json.dumps([{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                       for i, (path, kind) in enumerate(entries)]).encode()


def weight_map(*shards):
    return json.dumps({"weight_map": {f"tensor{i}": shard for i, shard in enumerate(shards)}}).encode()


BASE = {"config.json": b'{"model_type": "bert"}', "tokenizer.json": b'{"version": "1.0"}'}
TINY = BASE | {
    ".gitattributes": b"*.safetensors filter=lfs\n", "README.md": b"# tiny\n", "vocab.txt": b"[PAD]\n[UNK]\n",
    "modules.json": modules(("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")),
    "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
    "2_Dense/config.json": b'{"in_features": 8}', "2_Dense/model.safetensors": made_up("dense", 5000),
    "2_Dense/pytorch_model.bin": made_up("dense bin", 5000),
    "model.safetensors": made_up("tiny", 300000), "pytorch_model.bin": made_up("tiny bin", 300000),
    "onnx/model.onnx": made_up("onnx", 1000), "onnx/config.json": b"{}", "results.csv": b"1,2\n",
    "a name with spaces & more.json": b"{}",
}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
TORCH_SHARDS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
# repository -> revision -> (commit, files)
MODELS = {
    "org/tiny": {"main": (commit("tiny 1"), TINY), "v1": (commit("tiny 0"), TINY | {"config.json": b'{"model_type": "bert", "v": 1}'}),
                 "refs/pr/1": (commit("tiny pr"), TINY), "second": (commit("tiny 2"), TINY | {"tokenizer.json": b'{"version": "2.0"}'})},
    "org/sharded": {"main": (commit("sharded"), BASE | {
        "model.safetensors.index.json": weight_map(*SHARDS), SHARDS[0]: made_up("one", 1000), SHARDS[1]: made_up("two", 1000),
        "pytorch_model.bin.index.json": weight_map(*TORCH_SHARDS), TORCH_SHARDS[0]: made_up("one bin", 1000),
        TORCH_SHARDS[1]: made_up("two bin", 1000),
        "consolidated.safetensors": made_up("both", 2000), "original/model.safetensors": made_up("original", 1000)})},
    "org/torch": {"main": (commit("torch"), {file: data for file, data in TINY.items() if not file.endswith(".safetensors")})},
    "org/torchsharded": {"main": (commit("torchsharded"), BASE | {
        "pytorch_model.bin.index.json": weight_map(*TORCH_SHARDS), TORCH_SHARDS[0]: made_up("one bin", 1000),
        TORCH_SHARDS[1]: made_up("two bin", 1000), "training_args.bin": made_up("args", 100)})},
    "org/mixed": {"main": (commit("mixed"), {file: data for file, data in TINY.items() if file != "2_Dense/model.safetensors"})},
    "org/adapter": {"main": (commit("adapter"), {
        "adapter_config.json": b"{}", "adapter_model.safetensors": made_up("adapter", 1000), "tokenizer.json": b"{}", "optimizer.pt": made_up("optimizer", 1000)})},
    "org/matryoshka": {"main": (commit("matryoshka"), BASE | {
        "modules.json": modules(("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense_256", "Dense")), "1_Pooling/config.json": b"{}",
        "model.safetensors": made_up("stella", 1000),
        **{f"2_Dense_{size}/{name}": data for size in (256, 1024, 8192)
           for name, data in {"config.json": b"{}", "model.safetensors": made_up(f"dense {size}", 1000)}.items()}})},
    "org/static": {"main": (commit("static"), {
        "modules.json": modules((".", "StaticEmbedding")), "tokenizer.json": b"{}", "model.safetensors": made_up("table", 1000),
        "pytorch_model.bin": made_up("table bin", 1000)})},
    "org/onlyonnx": {"main": (commit("onlyonnx"), BASE | {"onnx/model.onnx": made_up("onnx", 1000), "flax_model.msgpack": b"x"})},
    "org/gguf": {"main": (commit("gguf"), {
        "README.md": b"quantised", "tiny-Q4_K_M.gguf": made_up("q4", 3000), "tiny.Q8_0.gguf": made_up("q8", 4000),
        "more/tiny-F16.gguf": made_up("f16", 5000), "mmproj-tiny-F16.gguf": made_up("pictures", 500)})},
    "org/ggufsplit": {"main": (commit("ggufsplit"), {
        f"big-0000{i}-of-00002.gguf": made_up(f"part {i}", 2000) for i in (1, 2)})},
    "org/ggufcut": {"main": (commit("ggufcut"), {"big-00001-of-00002.gguf": made_up("part 1", 2000)})},
    "org/nothing": {"main": (commit("nothing"), {"README.md": b"empty"})},
    "org/gated": {"main": (commit("gated"), TINY)},
    "org/disabled": {"main": (commit("disabled"), TINY)},
    "org/private": {"main": (commit("private"), TINY)},
    "org/busy": {"main": (commit("busy"), TINY)},
    "org/hostile": {"main": (commit("hostile"), TINY | {"../../evil.json": b"{}"})},
    "new/name": {"main": (commit("renamed"), TINY)},
}
RENAMED = {"old-name": "new/name"}
faults = {"cut": 0, "fail": 0, "no_ranges": False, "corrupt": False, "main": "", "part": 0, "no_etag": False, "deny": "", "lfs_error": False}
log = []
pushed = {"me/there": {"summary": "", "files": {}}}  # repositories that are written to
objects = {}  # of large files, by their checksum
parts = {}  # of an object that is not whole: {number: bytes}
lock = threading.Lock()


def is_large(file):
    return file.endswith((".safetensors", ".bin", ".onnx", ".gguf"))


def etag_of(file, data):
    if is_large(file):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def revision(model, name):
    """(commit, files) or None."""
    if model == "org/tiny" and name == "main" and faults["main"]:
        name = faults["main"]
    revisions = MODELS[model]
    return revisions.get(name) or next((r for r in revisions.values() if r[0] == name), None)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host, cdn = "hub", ""

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with lock:
            cut, faults["cut"] = (faults["cut"], 0) if status in (200, 206) and len(body) > faults["cut"] else (0, faults["cut"])
        self.wfile.write(body[:cut] if cut else body)
        if cut:
            self.close_connection = True

    def refuse(self, status, code, message, headers=None):
        self.answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message} | (headers or {}))

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        token = self.headers.get("Authorization", "")
        with lock:
            log.append({"method": self.command, "path": self.path, "host": self.host, "token": bool(token),
                        "range": self.headers.get("Range", "")})
            failing = faults["fail"] > 0
            faults["fail"] -= failing
        if failing:
            return self.answer(503, b"busy")
        path = unquote(self.path.split("?")[0]).lstrip("/")
        if path.removeprefix("api/models/") in pushed:
            return self.answer(200, b"{}")
        for old, new in RENAMED.items():
            if old in path.split("/"):
                return self.answer(307, b"", {"Location": self.path.replace(old, new)})
        if path.startswith("cdn/"):
            return self.send_file(*self.cdn_file(path[4:]))
        api = path.startswith("api/models/")
        path = path.removeprefix("api/models/")
        model = next((m for m in MODELS if path.startswith(m + "/")), None)
        if not model:
            return self.refuse(404 if token == f"Bearer {GOOD_TOKEN}" else 401, "RepoNotFound", "Repository not found")
        if not self.allowed(model, token):
            return None
        rest = path.removeprefix(model + "/")
        return self.send_listing(model, rest) if api else self.send_resolved(model, rest.removeprefix("resolve/"))

    def do_PUT(self):
        """An object, or a part of one: to the host of large files."""
        data = self.body()
        if self.headers.get("Authorization") or self.host != "cdn" or "application" in self.headers.get("Content-Type", ""):
            return self.answer(400, b"signed without a token and a type")
        oid, _, number = self.path.removeprefix("/lfs/").partition("/")
        if self.denied("put"):
            return None
        if not number:
            objects[oid] = data
            return self.answer(200)
        parts.setdefault(oid, {})[int(number)] = data
        return self.answer(200, b"", {} if faults["no_etag"] else {"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

    def do_POST(self):
        """Making a repository, asking how files are sent, objects, commits. Needs the good token, except where an object is completed."""
        body = self.body()
        call = next((name for name, part in {"create": "/api/repos/create", "preupload": "/preupload/main", "batch": ".git/info/lfs/objects/batch",
                                             "complete": "/lfs-complete/", "verify": "/lfs-verify", "commit": "/commit/main"}.items() if part in self.path), "")
        if body is None or self.denied(call):
            return None
        token = self.headers.get("Authorization", "")
        if token != f"Bearer {GOOD_TOKEN}":
            return self.answer(401, b'{"error": "Invalid username or password."}')
        return getattr(self, f"on_{call}")(body) if call else self.answer(404)

    def body(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with lock:
            log.append({"method": self.command, "path": self.path, "host": self.host, "token": "Authorization" in self.headers, "range": ""})
            failing = faults["fail"] > 0
            faults["fail"] -= failing
        if failing:
            self.answer(503, b"busy")
            return None
        return data

    def denied(self, call):
        if faults["deny"] == call:
            self.answer(403, b'{"error": "you may not"}')
        return faults["deny"] == call

    def on_create(self, body):
        asked = json.loads(body)
        name = asked.get("organization", "me") + "/" + asked["name"]
        if asked["type"] != "model" or name.startswith("others/"):
            return self.answer(403, b'{"error": "You don\'t have the rights to create a model under the namespace others"}')
        if name in pushed:
            return self.answer(409, b'{"error": "You already created this model repo"}')
        pushed[name] = {"summary": "", "files": {}}
        return self.answer(200, json.dumps({"url": f"/{name}", "name": name}).encode())

    def on_preupload(self, body):
        rows = []
        for file in json.loads(body)["files"]:
            sample = base64.b64decode(file["sample"], validate=True)
            large = file["size"] > 10_000_000 or file["path"].endswith(".safetensors") or b"\0" in sample
            rows.append({"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": file["path"].endswith(".log")})
        return self.answer(200, json.dumps({"files": rows}).encode())

    def on_batch(self, body):
        asked = json.loads(body)
        if asked["operation"] != "upload" or asked["hash_algo"] != "sha256" or "lfs" not in self.headers["Content-Type"]:
            return self.answer(422, b'{"error": "not the protocol"}')
        rows = []
        for each in asked["objects"]:
            row = {"oid": each["oid"], "size": each["size"]}
            if faults["lfs_error"]:
                row["error"] = {"code": 413, "message": "You have no room left"}
            elif each["oid"] not in objects:
                count = -(-each["size"] // faults["part"]) if faults["part"] else 0
                header = {"chunk_size": str(faults["part"])} | {f"{n + 1:05}": f"{self.cdn}/lfs/{each['oid']}/{n + 1}" for n in range(count)}
                hub = f"http://127.0.0.1:{self.server.server_port}"
                row["actions"] = {"upload": {"href": f"{hub}/lfs-complete/{each['oid']}", "header": header} if count else
                                  {"href": f"{self.cdn}/lfs/{each['oid']}"}, "verify": {"href": f"{hub}/lfs-verify"}}
            rows.append(row)
        return self.answer(200, json.dumps({"transfer": "multipart" if faults["part"] else "basic", "objects": rows}).encode())

    def on_complete(self, body):
        asked = json.loads(body)
        held = parts.pop(asked["oid"], {})
        if [(p["partNumber"], p["etag"]) for p in asked["parts"]] != [(n, f'"{hashlib.md5(held[n]).hexdigest()}"') for n in sorted(held)]:
            return self.answer(400, b'{"error": "other parts than were sent"}')
        objects[asked["oid"]] = b"".join(held[n] for n in sorted(held))
        return self.answer(200)

    def on_verify(self, body):
        asked = json.loads(body)
        data = objects.get(asked["oid"], b"")
        good = hashlib.sha256(data).hexdigest() == asked["oid"] and len(data) == asked["size"]
        return self.answer(200 if good else 404)

    def on_commit(self, body):
        name = self.path.removeprefix("/api/models/").removesuffix("/commit/main")
        files = dict(pushed[name]["files"])
        for entry in map(json.loads, body.decode().splitlines()):
            value = entry["value"]
            if entry["key"] == "header":
                summary = value["summary"]
            elif entry["key"] == "file":
                data = base64.b64decode(value["content"], validate=True)
                files[value["path"]] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "large": False}
            elif value["oid"] not in objects:
                return self.answer(400, b'{"error": "an object is missing"}')
            else:
                files[value["path"]] = {"size": value["size"], "sha256": value["oid"], "large": True}
        pushed[name] = {"summary": summary, "files": files}
        oid = commit(f"{name} {sorted(files)}")
        return self.answer(200, json.dumps({"success": True, "commitOid": oid, "commitUrl": f"https://hub.example/{name}/commit/{oid}",
                                            "pullRequestUrl": None}).encode())

    def allowed(self, model, token):
        good = token == f"Bearer {GOOD_TOKEN}"
        if token and not good:
            self.answer(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif model == "org/busy":
            self.answer(429, b"", {"Retry-After": "17"})
        elif model == "org/gated":
            self.refuse(403 if good else 401, "GatedRepo", "Access to model org/gated is restricted.")
        elif model == "org/disabled":
            self.answer(403, b"", {"X-Error-Message": "Access to this resource is disabled."})
        elif model == "org/private" and not good:
            self.refuse(401, "RepoNotFound", "Invalid username or password.")
        else:
            return True
        return False

    def send_listing(self, model, rest):
        kind, _, name = rest.partition("/")
        found = revision(model, name)
        if not found:
            return self.refuse(404, "RevisionNotFound", f"Invalid rev id: {name}")
        sha, files = found
        if kind == "tree":
            rows = [{"type": "file", "path": file, "size": len(data), "oid": hashlib.sha1(data).hexdigest()} |
                    ({"lfs": {"oid": etag_of(file, data), "size": len(data), "pointerSize": 100}} if is_large(file) else {})
                    for file, data in files.items()]
        else:
            rows = {"id": model, "modelId": model, "sha": sha, "siblings": [{"rfilename": file} for file in files]}
        return self.answer(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})

    def send_resolved(self, model, rest):
        name, _, file = rest.partition("/")
        found = revision(model, name)
        if not found or file not in found[1]:
            return self.refuse(404, "EntryNotFound" if found else "RevisionNotFound", "Not found")
        sha, data = found[0], found[1][file]
        etag = etag_of(file, data)
        if is_large(file):
            return self.answer(302, b"", {"X-Repo-Commit": sha, "X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data)),
                                          "Location": f"{self.cdn}/cdn/{model}/{sha}/{file}"})
        return self.send_file(data, {"X-Repo-Commit": sha, "ETag": f'"{etag}"'})

    def cdn_file(self, path):
        model = next(m for m in MODELS if path.startswith(m + "/"))
        sha, _, file = path.removeprefix(model + "/").partition("/")
        data = revision(model, sha)[1][file]
        if faults["corrupt"]:
            data = bytes([data[0] ^ 1]) + data[1:]
        return data, {"ETag": '"another-etag-of-the-cdn"'}

    def send_file(self, data, headers):
        wanted = self.headers.get("Range", "")
        if not wanted or faults["no_ranges"]:
            return self.answer(200, data, headers | {"Content-Length": str(len(data))})
        begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        if begin >= len(data):
            return self.answer(416)
        return self.answer(206, data[begin:], headers | {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}",
                                                         "Content-Length": str(len(data) - begin)})


def main():
    cdn = ThreadingHTTPServer(("127.0.0.1", 0), type("Cdn", (Handler,), {"host": "cdn"}))
    hub = ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (Handler,), {"cdn": f"http://127.0.0.1:{cdn.server_port}"}))
    for server in (cdn, hub):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    etags = {model: {file: etag_of(file, data) for file, data in revisions["main"][1].items()} for model, revisions in MODELS.items()}
    print(json.dumps({"endpoint": f"http://127.0.0.1:{hub.server_port}", "files": etags}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        with lock:
            do = command.pop("do")
            if do == "log":
                reply, log[:] = list(log), []
            elif do == "pushed":
                reply = pushed
            else:
                faults.update(command)
                reply = faults
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
