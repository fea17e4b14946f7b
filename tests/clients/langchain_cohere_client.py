# packages: langchain-cohere
# models: embed rerank
# use: base_url = URL
from expect import EMBED, QUERY, RERANK, TEXTS, best, same, vectors
from langchain_cohere import CohereEmbeddings, CohereRerank

same(CohereEmbeddings(model="tiny", cohere_api_key="none", base_url=EMBED, user_agent="test").embed_documents(TEXTS), vectors())
ranked = CohereRerank(model="tiny", cohere_api_key="none", base_url=RERANK).rerank(TEXTS, QUERY)
assert [r["index"] for r in ranked] == best()[:3]
