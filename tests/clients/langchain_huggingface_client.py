# packages: langchain-huggingface numpy
# models: embed
# use: HuggingFaceEndpointEmbeddings(), and its client = huggingface_hub.InferenceClient(URL): versions from 1.2 on refuse model=URL
from expect import EMBED, TEXTS, same, vectors
from huggingface_hub import AsyncInferenceClient, InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings

model = HuggingFaceEndpointEmbeddings()
model.client, model.async_client = InferenceClient(EMBED), AsyncInferenceClient(EMBED)
same(model.embed_documents(TEXTS), vectors())
same([model.embed_query(TEXTS[0])], vectors()[:1])
