# packages: cohere
# models: embed rerank
# use: base_url = URL, of Client and ClientV2
import cohere
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors

for kind in (cohere.Client, cohere.ClientV2):
    client = kind("none", base_url=EMBED)
    answer = client.embed(texts=TEXTS, model="tiny", input_type="search_document", embedding_types=["float"])
    same(answer.embeddings.float_, vectors())
    ranked = kind("none", base_url=RERANK).rerank(query=QUERY, documents=TEXTS, model="tiny", top_n=1)
    assert [r.index for r in ranked.results] == best()[:1]
