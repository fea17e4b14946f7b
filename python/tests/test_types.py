"""The package's types hold, strictly; without mypy the test is skipped."""
import subprocess
import sys

import pytest

from conftest import ROOT

pytest.importorskip("mypy")


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", cache, *arguments], cwd=ROOT, capture_output=True, text=True)

    return run


def test_the_packages_types(mypy):
    done = mypy()
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_see_types(mypy, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import vecton\n\nengine = vecton.Engine('model')\nreveal_type(engine.embed('a'))\nengine.rank(1, ['a'])\n")
    said = mypy(script).stdout
    assert "vecton.array.Array" in said and 'incompatible type "int"; expected "str"' in said, said
