# packages: llama-index-llms-openai-like
# models: generate
# use: OpenAILike(api_base = URL/v1)
from expect import chats

chats("llama_index")
