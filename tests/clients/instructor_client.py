# packages: instructor openai
# models: generate
# use: instructor.from_openai(OpenAI(base_url = URL/v1))
from expect import chats

chats("instructor")
