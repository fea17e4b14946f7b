"""Running the vecton program on the fixtures of tests/golden, and reading the files it writes."""

import json
import os
import pathlib
import pty
import struct
import subprocess
import tempfile
import unittest

VECTON = os.environ.get("VECTON", "build/dev/vecton")
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
BERT = str(GOLDEN / "bert-embed-mean" / "model")
QWEN = str(GOLDEN / "emb-qwen3" / "model")
TEXTS = ["What is the capital of France?", "Paris is the capital of France.", "a", "Le café naïve", ""]


def environment(**more):
    """The tests' own environment: no colours, no hub, nothing of the user's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "VLLM_", "INFINITY_", "LLAMA_", "COLORTERM", "NO_COLOR", "OMP_NUM_THREADS"))}
    return {**kept, "HF_HUB_OFFLINE": "1", **more}


def run(*arguments, stdin="", status=0, env=None):
    """Runs a command and returns it; its exit status must be `status`."""
    text = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run([VECTON, *map(str, arguments)], input=text, capture_output=True, timeout=100,
                          env=env or environment())
    done.out, done.err = done.stdout.decode("utf8", "replace"), done.stderr.decode("utf8", "replace")
    if done.returncode != status:
        raise AssertionError(f"{arguments}: exit status {done.returncode}, expected {status}: {done.err[-2000:]}")
    return done


def json_lines(text):
    return [json.loads(line) for line in text.split("\n") if line]


def cases(fixture):
    document = json.loads((GOLDEN / fixture / "cases.json").read_text("utf8"))
    return document["cases"] + document.get("role_cases", [])


def read_safetensors(path):
    """name -> (shape, flat list of floats), and the metadata."""
    raw = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors, data = {}, raw[8 + size:]
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        code = {"F32": "f", "I64": "q"}[entry["dtype"]]
        width = struct.calcsize(code)
        tensors[name] = (entry["shape"], list(struct.unpack(f"<{(end - begin) // width}{code}", data[begin:end])))
    return tensors, metadata


def read_npy(path):
    """(shape, flat list of floats)"""
    raw = pathlib.Path(path).read_bytes()
    assert raw[:8] == b"\x93NUMPY\x01\x00", raw[:8]
    size = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10:10 + size].decode("latin1"), {})  # a literal that this program wrote
    assert header["descr"] == "<f4" and header["fortran_order"] is False and (10 + size) % 64 == 0
    count = (len(raw) - 10 - size) // 4
    return list(header["shape"]), list(struct.unpack(f"<{count}f", raw[10 + size:]))


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def terminal(self):
        """A new terminal's two ends; the test is skipped where there are none, as in a bare chroot."""
        try:
            return pty.openpty()
        except OSError as e:
            self.skipTest(f"no terminal: {e}")

    def assert_close(self, got, want, tolerance=1e-4):
        self.assertEqual(len(got), len(want))
        self.assertLessEqual(max((abs(a - b) for a, b in zip(got, want)), default=0), tolerance)
