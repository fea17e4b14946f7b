# packages: anthropic
# models: generate
# use: Anthropic(base_url = URL)
from expect import chats

chats("anthropic")
