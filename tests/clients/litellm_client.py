# packages: litellm
# models: embed rerank generate
# use: openai/NAME with api_base = URL/v1; hosted_vllm/NAME for rerank; huggingface/NAME with api_base = URL
import litellm
from expect import EMBED, QUERY, RERANK, TEXTS, best, chats, same, vectors

answer = litellm.embedding("openai/tiny", TEXTS, api_base=EMBED + "/v1", api_key="none", encoding_format="float")
same([d["embedding"] for d in answer.data], vectors())
ranked = litellm.rerank("hosted_vllm/tiny", QUERY, TEXTS, api_base=RERANK, api_key="none", top_n=3)
assert [r["index"] for r in ranked.results] == best()[:3]

chats("litellm")
