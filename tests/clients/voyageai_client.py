# packages: voyageai
# models: embed rerank
# use: base_url = URL/v1
import voyageai
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors

same(voyageai.Client("none", base_url=EMBED + "/v1").embed(TEXTS, model="tiny", input_type="document").embeddings, vectors())
ranked = voyageai.Client("none", base_url=RERANK + "/v1").rerank(QUERY, TEXTS, model="tiny")
assert [r.index for r in ranked.results] == best()
