# packages: tei-client
# models: embed rerank classify
# use: HttpClient(URL); its GrpcClient has no server here ([why](decisions/8-no-grpc.md))
import asyncio

from expect import CLASSIFY, EMBED, QUERY, RERANK, TEXTS, ask, best, same, vectors
from tei_client import HttpClient
from tei_client.models import ModelType

client = HttpClient(EMBED)
assert client.health()
assert client.info().server_model_type == ModelType.Embedding
same(client.embed(TEXTS), vectors())
same(asyncio.run(HttpClient(EMBED).async_embed(TEXTS)), vectors())
tokens = client.tokenize(TEXTS)
assert [len(t) for t in client.embed_all(TEXTS)] == [len(t.tokens) for t in tokens]
ids = [t.get_ids() for t in tokens]
assert client.decode(ids) == ask(EMBED + "/decode", {"ids": ids})
assert client.prompt_names() == []

ranked = HttpClient(RERANK).rerank(QUERY, TEXTS, return_text=True).ranks
assert [r.index for r in ranked] == best()
assert [r.text for r in ranked] == [TEXTS[i] for i in best()]

labels = HttpClient(CLASSIFY).classify(TEXTS)
want = ask(CLASSIFY + "/predict", {"inputs": [[text] for text in TEXTS]})
assert [[(s.label, s.score) for s in r.scores] for r in labels] == [[(s["label"], s["score"]) for s in r] for r in want]
