# packages: rerankers[api]
# models: rerank
# use: Reranker(NAME, model_type="APIRanker", api_provider="jina", url = URL/v1/rerank); cohere and voyage alike
from expect import QUERY, RERANK, TEXTS, best
from rerankers.models.api_rankers import APIRanker

for provider in ("jina", "cohere", "voyage"):
    ranker = APIRanker("tiny", api_key="none", api_provider=provider, verbose=0)
    ranker.url = RERANK + "/v1/rerank"
    assert [r.doc_id for r in ranker.rank(QUERY, TEXTS).results] == best(), provider
