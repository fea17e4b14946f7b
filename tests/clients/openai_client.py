# packages: openai
# models: embed generate
# use: base_url = URL/v1
import openai
from expect import EMBED, TEXTS, chats, same, vectors

client = openai.OpenAI(base_url=EMBED + "/v1", api_key="none", max_retries=0)
same([d.embedding for d in client.embeddings.create(model="tiny", input=TEXTS).data], vectors())
assert [m.id for m in client.models.list()] == ["tiny"]

chats("openai")
