# packages: llama-index-embeddings-text-embeddings-inference llama-index-postprocessor-tei-rerank
# models: embed rerank
# use: base_url = URL
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

same(TextEmbeddingsInference(model_name="tiny", base_url=EMBED, text_instruction="", query_instruction="").get_text_embedding_batch(TEXTS),
     [v for text in TEXTS for v in vectors(" " + text)])  # which it puts a space before
ranker = TextEmbeddingInference(base_url=RERANK, top_n=3)
ranked = ranker.postprocess_nodes([NodeWithScore(node=TextNode(text=text)) for text in TEXTS], query_str=QUERY)
assert [TEXTS.index(n.node.get_content()) for n in ranked] == best()[:3]
