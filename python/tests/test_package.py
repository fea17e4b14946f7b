"""The package itself: what an import costs and brings, the program, the stubs."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

import vecton
from conftest import PROGRAM, ROOT, model, run_python

PACKAGE = pathlib.Path(vecton.__file__).parent


def test_an_import_is_cheap(tmp_path):
    # As an installed package has it: compiled once.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    code = """
import sys, time
start = time.process_time()
import vecton
seconds = time.process_time() - start
print(seconds, *(name for name in ("numpy", "torch", "transformers", "tqdm", "asyncio", "PIL", "ray", "typing", "re", "json") if name in sys.modules))
"""
    times = []
    for _ in range(5):
        seconds, *brought = run_python(code, **compiled).split()
        assert not brought
        times.append(float(seconds))
    assert min(times) < 0.05  # some 20 ms of the processor; the least of five, because others may use it too


def test_the_first_vector_brings_numpy_alone():
    out = run_python("""
import sys, vecton
vecton.Engine(sys.argv[1]).embed("a")
print(*(name for name in ("numpy", "torch", "transformers", "tqdm", "asyncio", "PIL", "ray") if name in sys.modules))
""", model("bert-embed-mean"))
    assert out.split() == ["numpy"]


def test_the_program():
    expected = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    done = subprocess.run([sys.executable, "-m", "vecton", "--version"], capture_output=True, text=True)
    assert done.stdout == expected and vecton.__version__ in expected
    assert subprocess.run([sys.executable, "-m", "vecton", "nonsense"], capture_output=True).returncode == 2


def test_a_program_that_is_missing_is_named():
    out = run_python("""
import sys, sysconfig, vecton.program
sysconfig.get_path, sys.executable = (lambda *_: "/nowhere"), "/nowhere/python"
try:
    vecton.program.find()
except FileNotFoundError as error:
    print(error)
""", PATH="/nowhere")
    assert "neither in" in out


def test_stubs_are_those_of_the_module(tmp_path):
    pytest.importorskip("nanobind")
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-m", "vecton._core", "-o", tmp_path / "_core.pyi"], check=True,
                   capture_output=True, env=os.environ)
    assert (tmp_path / "_core.pyi").read_text() == (PACKAGE / "_core.pyi").read_text(), (
        "python -m nanobind.stubgen -m vecton._core -o python/vecton/_core.pyi")
    assert (PACKAGE / "py.typed").exists()


def test_the_licences_of_what_is_linked_are_there():
    """Of each library in a binary there is a section; the Independent JPEG Group asks for a sentence."""
    licences = (ROOT / "THIRD_PARTY_LICENSES").read_text()
    table = (ROOT / "docs" / "DEPENDENCIES.md").read_text().split("| library |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    linked = [name.strip() for names, _, _, how, *_ in rows if how.split(",")[0] in ("headers", "static", "built in")
              for name in re.sub(r"\([^)]*\)", "", names).split(", ")]
    assert len(linked) > 8
    assert [name for name in linked if name not in licences] == []
    assert "based in part on the work of the Independent JPEG Group." in licences
    assert "THIRD_PARTY_LICENSES" in (ROOT / "pyproject.toml").read_text()


def test_names_of_the_package_exist():
    for name in vecton.__all__:
        assert getattr(vecton, name) is not None
    with pytest.raises(AttributeError):
        vecton.Engin
