# packages: pydantic-ai-slim[openai]
# models: generate
# use: OpenAIChatModel(NAME, provider=OpenAIProvider(base_url = URL/v1))
from expect import chats

chats("pydantic_ai")
