# packages: langchain-openai
# models: embed generate
# use: base_url = URL/v1, check_embedding_ctx_length=False
from expect import EMBED, TEXTS, chats, same, vectors
from langchain_openai import OpenAIEmbeddings

model = OpenAIEmbeddings(model="tiny", base_url=EMBED + "/v1", api_key="none", check_embedding_ctx_length=False)
same(model.embed_documents(TEXTS), vectors())

chats("langchain")
