# packages: llama-index-embeddings-jinaai llama-index-postprocessor-jinaai-rerank
# models: embed rerank
# use: JinaRerank(base_url = URL/v1); JinaEmbedding has no argument for it (0.7): its _api.api_url = URL/v1/embeddings
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.embeddings.jinaai import JinaEmbedding
from llama_index.postprocessor.jinaai_rerank import JinaRerank

model = JinaEmbedding(model="tiny", api_key="none")
model._api.api_url = EMBED + "/v1/embeddings"
same(model.get_text_embedding_batch(TEXTS), vectors())
ranker = JinaRerank(model="tiny", api_key="none", base_url=RERANK + "/v1", top_n=3)
ranked = ranker.postprocess_nodes([NodeWithScore(node=TextNode(text=text)) for text in TEXTS], query_str=QUERY)
assert [TEXTS.index(n.node.get_content()) for n in ranked] == best()[:3]
