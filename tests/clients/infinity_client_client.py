# packages: infinity-client
# models: embed rerank
# use: Client(base_url = URL)
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors
from infinity_client import Client
from infinity_client.api.default import embeddings, rerank
from infinity_client.models import OpenAIEmbeddingInputText, RerankInput

with Client(base_url=EMBED) as client:
    answer = embeddings.sync(client=client, body=OpenAIEmbeddingInputText.from_dict({"input": TEXTS, "model": "tiny"}))
    same([d.embedding for d in answer.data], vectors())
with Client(base_url=RERANK) as client:
    ranked = rerank.sync(client=client, body=RerankInput.from_dict({"query": QUERY, "documents": TEXTS, "model": "tiny"}))
    assert [r.index for r in ranked.results] == best()
