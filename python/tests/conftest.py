"""What the tests share: the fixtures' models, and engines of them, each opened once."""
import functools
import os
import pathlib
import subprocess
import sys

import pytest

import vecton

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
PROGRAM = os.environ.get("VECTON", str(ROOT / "build/dev/vecton"))
os.environ["PATH"] = os.pathsep.join([os.path.dirname(PROGRAM), os.environ["PATH"]])
os.environ["HF_HUB_OFFLINE"] = "1"
PATIENCE = 300  # seconds for what takes a few on a machine that has nothing else to do


def model(name):
    """The folder of a fixture's model."""
    return str(GOLDEN / name / "model")


@functools.cache
def engine(name):
    return vecton.Engine(model(name), threads=2)


def run_python(code, *arguments, timeout=PATIENCE, status=0, **environment):
    """Runs code in an interpreter of its own, which must end in time. Gives stdout."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **environment})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def embedder():
    return engine("bert-embed-mean")
