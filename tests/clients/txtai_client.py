# packages: txtai litellm
# models: embed
# use: path = "openai/NAME" (litellm), vectors: {api_base: URL/v1}
from expect import EMBED, TEXTS
from txtai import Embeddings

embeddings = Embeddings(path="openai/tiny", method="litellm", vectors={"api_base": EMBED + "/v1", "api_key": "none", "encoding_format": "float"})
embeddings.index(TEXTS)
assert embeddings.search(TEXTS[2], 1)[0][0] == 2
