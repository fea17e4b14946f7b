"""Aliases: foreign names stand for Vecton's packages while a script runs, and nothing else."""
import re
import subprocess
import sys

import pytest

import vecton
from conftest import PATIENCE, run_python


def run(script, *arguments, status=0):
    done = subprocess.run([sys.executable, "-m", "vecton.run", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_a_script_sees_its_own_arguments_and_folder(tmp_path):
    (tmp_path / "beside.py").write_text("value = 7\n")
    script = tmp_path / "script.py"
    script.write_text("import sys, beside, vllm\nfrom vllm.config import PoolerConfig\nimport vllm.exceptions\n"
                      "print(__name__, sys.argv[1:], beside.value, vllm.LLM.__module__, PoolerConfig.__name__)\n")
    assert run(script, "--as", "vllm", str(script), "a", "--b") == "__main__ ['a', '--b'] 7 vecton.vllm.llm PoolerConfig\n"


def test_modules_are_the_same_under_both_names():
    out = run_python("""
import vecton
vecton.install_as("vllm")
vecton.install_as("vllm", "mlx_embeddings")
import vllm, vllm.outputs, vecton.vllm, mlx_embeddings.utils, mlx.core as mx
from vllm import LLM
print(vllm is vecton.vllm, LLM is vecton.vllm.LLM, vllm.outputs is vecton.vllm.outputs, vllm.__name__, mx.argmax([1, 3, 2]))
""")
    assert out == "True True True vecton.vllm 1\n"


def test_every_name_that_can_be_taken_is_said():
    from vecton.run import PACKAGES

    assert [name for name in PACKAGES if not re.search(rf"\b{name}\b", vecton.install_as.__doc__)] == []


def test_without_an_alias_foreign_names_are_not_there():
    out = run_python("""
import importlib.util, vecton
print([name for name in ("vllm", "pylate") if (importlib.util.find_spec(name) or None) and "vecton" in str(importlib.util.find_spec(name))])
""")
    assert out == "[]\n"


def test_what_is_wrong_is_said(tmp_path):
    assert "vllm" in run(None, "--as", "torch", "x.py", status=1)
    assert "usage" in run(None, status=1)
    assert "--like" in run(None, "--like", "x", "y.py", status=1)
    with pytest.raises(ValueError, match="torch"):
        vecton.install_as("torch")


def test_the_stand_in_for_mlx():
    np = pytest.importorskip("numpy")
    from vecton.mlx_embeddings import mx

    assert mx.array([1, 2]).dtype == np.int32 and mx.array([1.5]).dtype == np.float32
    assert np.allclose(mx.softmax([[0.0, 0.0]]), 0.5) and np.allclose(mx.sigmoid(0.0), 0.5)
    assert mx.argmax(mx.array([[1, 3], [4, 2]]), axis=-1).tolist() == [1, 0]
    assert mx.array([1.25]).astype(mx.float16).dtype == np.float16 and mx.linalg.norm(mx.array([3.0, 4.0])) == 5
    mx.eval(mx.arange(3))
    with pytest.raises(AttributeError, match="conv2d"):
        mx.conv2d
