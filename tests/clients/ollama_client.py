# packages: ollama
# models: embed generate
# use: Client(host = URL)
import ollama
from expect import EMBED, TEXTS, chats, same, vectors

client = ollama.Client(host=EMBED)
same(client.embed(model="tiny", input=TEXTS).embeddings, vectors())
same([client.embeddings(model="tiny", prompt=TEXTS[0]).embedding], vectors()[:1])
assert [m.model for m in client.list().models] == ["tiny"]

chats("ollama")
