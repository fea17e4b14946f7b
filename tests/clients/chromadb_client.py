# packages: chromadb openai cohere
# models: embed
# use: OpenAIEmbeddingFunction(api_base = URL/v1), HuggingFaceEmbeddingServer(url = URL/embed)
import chromadb
from chromadb.utils import embedding_functions as functions
from expect import EMBED, TEXTS, same, vectors

by_openai = functions.OpenAIEmbeddingFunction(api_key="none", api_base=EMBED + "/v1", model_name="tiny")
by_tei = functions.HuggingFaceEmbeddingServer(url=EMBED + "/embed")
for function in (by_openai, by_tei):
    same([list(map(float, v)) for v in function(TEXTS)], vectors())
collection = chromadb.EphemeralClient().create_collection("texts", embedding_function=by_tei)
collection.add(ids=[str(i) for i in range(len(TEXTS))], documents=TEXTS)
assert collection.query(query_texts=[TEXTS[2]], n_results=1)["ids"] == [["2"]]
