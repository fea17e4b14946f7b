# packages: haystack-ai
# models: embed
# use: OpenAITextEmbedder, OpenAIDocumentEmbedder: api_base_url = URL/v1
from expect import EMBED, TEXTS, same, vectors
from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.utils import Secret

settings = {"model": "tiny", "api_base_url": EMBED + "/v1", "api_key": Secret.from_token("none")}
documents = OpenAIDocumentEmbedder(**settings).run([Document(content=text) for text in TEXTS])["documents"]
same([d.embedding for d in documents], vectors())
same([OpenAITextEmbedder(**settings).run(TEXTS[0])["embedding"]], vectors()[:1])
