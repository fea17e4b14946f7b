# packages: langchain-huggingface numpy
# models: embed
# use: HuggingFaceEndpointEmbeddings(model=URL)
from expect import EMBED, TEXTS, same, vectors
from langchain_huggingface import HuggingFaceEndpointEmbeddings

same(HuggingFaceEndpointEmbeddings(model=EMBED).embed_documents(TEXTS), vectors())
