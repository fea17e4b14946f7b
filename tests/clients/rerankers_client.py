# packages: rerankers[api]
# models: rerank
# use: Reranker(NAME, model_type="APIRanker", api_provider="jina", url = URL/v1/rerank); cohere, voyage and text-embeddings-inference alike; mixedbread.ai with URL/v1/reranking
from expect import QUERY, RERANK, TEXTS, best
from rerankers.models.api_rankers import APIRanker

for provider, path in (("jina", "/v1/rerank"), ("cohere", "/v2/rerank"), ("voyage", "/v1/rerank"), ("text-embeddings-inference", "/rerank"),
                       ("mixedbread.ai", "/v1/reranking")):
    ranker = APIRanker("tiny", api_key="none", api_provider=provider, verbose=0, url=RERANK + path)
    assert [r.doc_id for r in ranker.rank(QUERY, TEXTS).results] == best(), provider
