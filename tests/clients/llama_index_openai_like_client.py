# packages: llama-index-embeddings-openai-like
# models: embed
# use: api_base = URL/v1
from expect import EMBED, TEXTS, same, vectors
from llama_index.embeddings.openai_like import OpenAILikeEmbedding

same(OpenAILikeEmbedding(model_name="tiny", api_base=EMBED + "/v1", api_key="none").get_text_embedding_batch(TEXTS), vectors())
