# packages: llama-index-embeddings-cohere llama-index-postprocessor-cohere-rerank
# models: embed rerank
# use: base_url = URL; CohereEmbedding takes the names of Cohere's models alone: serve under such a name, or set its model_name afterwards
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.embeddings.cohere import CohereEmbedding
from llama_index.postprocessor.cohere_rerank import CohereRerank

model = CohereEmbedding(model_name="embed-english-v3.0", api_key="none", base_url=EMBED)
model.model_name = "tiny"
same(model.get_text_embedding_batch(TEXTS), vectors())
ranker = CohereRerank(model="tiny", api_key="none", base_url=RERANK, top_n=3)
ranked = ranker.postprocess_nodes([NodeWithScore(node=TextNode(text=text)) for text in TEXTS], query_str=QUERY)
assert [TEXTS.index(n.node.get_content()) for n in ranked] == best()[:3]
