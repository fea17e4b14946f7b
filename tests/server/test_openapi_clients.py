"""A client that openapi-python-client generates from /openapi.json works. VECTON_TEST_PYTHON names an interpreter that has it;
without it this test is skipped."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from serving import ServerTest

SKIPPED = 77  # CTest's word for it
PYTHON = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
CLIENT = """
import sys
from vecton_client import Client
from vecton_client.api.tokens import post_detokenize, post_tokenize
from vecton_client.api.vectors import post_embed, post_v1_embeddings
from vecton_client.api.the_server import get_v1_models, get_v1_models_name
from vecton_client.models import DetokenizeRequest, EmbeddingsRequest, TeiEmbedRequest, TokenizeRequest

client = Client(base_url=sys.argv[1])
answer = post_v1_embeddings.sync(client=client, body=EmbeddingsRequest(input_=["a sentence", "another one"]))
assert [row.index for row in answer.data] == [0, 1], answer
assert len(answer.data[0].embedding) == 64 and answer.usage.total_tokens > 0, answer
assert len(post_embed.sync(client=client, body=TeiEmbedRequest(inputs="a sentence"))[0]) == 64
tokens = post_tokenize.sync(client=client, body=TokenizeRequest(prompt="paris", add_special_tokens=False)).tokens
assert "paris" in post_detokenize.sync(client=client, body=DetokenizeRequest(tokens=tokens)).prompt
name = get_v1_models.sync(client=client).data[0].id
assert name and get_v1_models_name.sync_detailed("nothing", client=client).status_code == 404
"""


class GeneratedClient(ServerTest):
    def test_works(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder, "openapi.json")
            document.write_bytes(self.server.get("/openapi.json").body)
            tools = {**os.environ, "PATH": f"{pathlib.Path(PYTHON).parent}:{os.environ['PATH']}"}  # it formats with ruff
            made = subprocess.run([PYTHON, "-m", "openapi_python_client", "generate", "--path", document, "--meta", "none",
                                   "--output-path", pathlib.Path(folder, "vecton_client"), "--fail-on-warning"],
                                  capture_output=True, text=True, env=tools)
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            used = subprocess.run([PYTHON, "-c", CLIENT, self.server.url], cwd=folder, capture_output=True, text=True)
            self.assertEqual(used.returncode, 0, used.stderr)


if __name__ == "__main__":
    if subprocess.run([PYTHON, "-c", "import openapi_python_client"], capture_output=True).returncode != 0:
        print(f"{PYTHON} has no openapi-python-client: skipped", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
