"""The Python examples of README.md, docs/PYTHON.md and docs/SCALE.md run, with a fixture in place of the hub's model."""
import re

import pytest

from conftest import GOLDEN, ROOT, model

PAGES = ["README.md", "docs/PYTHON.md", "docs/SCALE.md"]
BLOCKS = [(page, text) for page in PAGES for text in re.findall(r"^```py\n(.*?)^```", (ROOT / page).read_text("utf8"), re.M | re.S)]


def test_there_are_examples():
    assert {page for page, _ in BLOCKS} == set(PAGES)


@pytest.mark.parametrize("page, text", BLOCKS)
def test_examples_run(page, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "vecton.ray" in text:
        pytest.importorskip("ray")
        pytest.skip("a cluster is started by test_ray.py alone")
    (tmp_path / "page.png").symlink_to(GOLDEN / "images" / "page.png")
    text = text.replace("Qwen/Qwen3-VL-Embedding-2B", model("qwen3-vl-embedding")).replace("Qwen/Qwen3-VL-2B-Instruct", model("qwen3-vl"))
    text = text.replace("HuggingFaceTB/SmolLM2-135M-Instruct", model("gen-llama3"))
    text = text.replace("Qwen/Qwen3-0.6B", model("gen-qwen3-moe"))
    text = text.replace("sentence-transformers/all-MiniLM-L6-v2", model("bert-embed-mean")).replace("max_model_len=256", "max_model_len=32")
    exec(compile(text, page, "exec"), {"__name__": "__main__"})
