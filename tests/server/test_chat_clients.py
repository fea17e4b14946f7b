"""Official chat clients, unchanged, on a small model: VECTON_TEST_PYTHON names an interpreter that has them."""

import importlib.util
import os
import subprocess
import sys
import unittest

SKIPPED = 77  # what CTest takes for skipped

# It writes a call in the format of Hermes whatever it is asked: the model's own words follow.
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{{ tools }}<tool_call></tool_call>assistant:"
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 8}}, "required": ["city"],
    "additionalProperties": False}}}]
HI = [{"role": "user", "content": "Hi"}]


def needs(package):
    found = importlib.util.find_spec(package.split(".")[0]) and importlib.util.find_spec(package)
    return unittest.skipUnless(found, f"there is no package {package}")


class ChatClients:
    def setUp(self):
        self.name = self.server.get("/v1/models").json["data"][0]["id"]
        self.base = self.server.url + "/v1"

    @needs("openai")
    def test_openai(self):
        import openai
        client = openai.OpenAI(base_url=self.base, api_key="none")
        chat = client.chat.completions.create(model=self.name, messages=HI, max_tokens=5, temperature=0, logprobs=True, top_logprobs=2)
        self.assertEqual(chat.usage.completion_tokens, len(chat.choices[0].logprobs.content))
        stream = client.chat.completions.create(model=self.name, messages=HI, max_tokens=5, temperature=0, stream=True,
                                                stream_options={"include_usage": True})
        pieces = list(stream)
        self.assertEqual("".join(p.choices[0].delta.content or "" for p in pieces if p.choices), chat.choices[0].message.content)
        self.assertEqual(pieces[-1].usage.completion_tokens, chat.usage.completion_tokens)
        text = client.completions.create(model=self.name, prompt="the", max_tokens=4, temperature=0)
        parts = client.completions.create(model=self.name, prompt="the", max_tokens=4, temperature=0, stream=True)
        self.assertEqual("".join(p.choices[0].text for p in parts), text.choices[0].text)
        with self.assertRaises(openai.BadRequestError):
            client.chat.completions.create(model=self.name, messages=HI, temperature=9)

    @needs("openai")
    def test_openai_responses(self):
        import openai
        client = openai.OpenAI(base_url=self.base, api_key="none")
        answer = client.responses.create(model=self.name, input="Hi", max_output_tokens=5, temperature=0)
        with client.responses.stream(model=self.name, input="Hi", max_output_tokens=5, temperature=0) as stream:
            said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            self.assertEqual(stream.get_final_response().output_text, said)
        self.assertEqual(answer.output_text, said)

    @needs("anthropic")
    def test_anthropic(self):
        import anthropic
        client = anthropic.Anthropic(base_url=self.server.url, api_key="none")
        answer = client.messages.create(model=self.name, messages=HI, max_tokens=5, temperature=0)
        with client.messages.stream(model=self.name, messages=HI, max_tokens=5, temperature=0) as stream:
            self.assertEqual("".join(stream.text_stream), "".join(block.text for block in answer.content))
            self.assertEqual(stream.get_final_message().stop_reason, answer.stop_reason)
        self.assertGreater(client.messages.count_tokens(model=self.name, messages=HI).input_tokens, 0)
        with self.assertRaises(anthropic.BadRequestError):
            client.messages.create(model=self.name, messages=HI, max_tokens=5, temperature=9)

    @needs("ollama")
    def test_ollama(self):
        import ollama
        client = ollama.Client(host=self.server.url)
        options = {"num_predict": 5, "temperature": 0}
        answer = client.chat(model=self.name, messages=HI, options=options)
        pieces = list(client.chat(model=self.name, messages=HI, options=options, stream=True))
        self.assertEqual("".join(p.message.content for p in pieces), answer.message.content)
        self.assertTrue(client.generate(model=self.name, prompt="Hi", options=options).done)
        self.assertIn(self.name, [m.model for m in client.list().models])
        self.assertIn("completion", client.show(self.name).capabilities)

    @needs("langchain_openai")
    def test_langchain(self):
        from langchain_openai import ChatOpenAI
        chat = ChatOpenAI(model=self.name, base_url=self.base, api_key="none", max_tokens=5, temperature=0)
        said = chat.invoke("Hi").content
        self.assertEqual("".join(piece.content for piece in chat.stream("Hi")), said)

    @needs("litellm")
    def test_litellm(self):
        import litellm
        for provider in ("openai", "hosted_vllm"):
            answer = litellm.completion(f"{provider}/{self.name}", HI, api_base=self.base, api_key="none", max_tokens=5)
            self.assertTrue(answer.choices[0].message.content)

    @needs("llama_index.llms.openai_like")
    def test_llama_index(self):
        from llama_index.llms.openai_like import OpenAILike
        model = OpenAILike(model=self.name, api_base=self.base, api_key="none", max_tokens=5, is_chat_model=False)
        self.assertTrue(model.complete("the").text)


class Structured:
    """What needs an answer of a given structure."""

    def setUp(self):
        self.base = self.server.url + "/v1"
        self.name = self.server.get("/v1/models").json["data"][0]["id"]

    @needs("openai")
    def test_openai_parsed(self):
        import openai
        import pydantic

        class City(pydantic.BaseModel):
            name: str = pydantic.Field(max_length=8)
            big: bool

        client = openai.OpenAI(base_url=self.base, api_key="none")
        answer = client.chat.completions.parse(model=self.name, messages=HI, response_format=City, max_tokens=100)
        self.assertIsInstance(answer.choices[0].message.parsed, City)

    @needs("openai")
    def test_openai_tools(self):
        import json
        import openai
        client = openai.OpenAI(base_url=self.base, api_key="none")
        for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
            answer = client.chat.completions.create(model=self.name, messages=HI, tools=TOOLS, tool_choice=choice, max_tokens=100, seed=1,
                                                    parallel_tool_calls=False)
            call = answer.choices[0].message.tool_calls[0].function
            self.assertEqual(call.name, "weather")
            self.assertIn("city", json.loads(call.arguments))

    @needs("instructor")
    def test_instructor(self):
        import instructor
        import openai
        import pydantic

        class City(pydantic.BaseModel):
            name: str = pydantic.Field(max_length=8)

        client = instructor.from_openai(openai.OpenAI(base_url=self.base, api_key="none"))
        self.assertIsInstance(client.chat.completions.create(model=self.name, messages=HI, response_model=City, max_tokens=100), City)


def prefix_of(python):
    return subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout.strip()


def main():
    python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
    has = subprocess.run([python, "-c", "import openai"], capture_output=True).returncode == 0
    if not has:
        print(f"skipped: {python} has no package openai (VECTON_TEST_PYTHON names one that has)")
        return SKIPPED
    if os.path.realpath(python) != os.path.realpath(sys.executable) or sys.prefix != prefix_of(python):
        return subprocess.run([python, "-B", __file__, *sys.argv[1:]]).returncode
    import serving
    members = {"model": os.environ.get("VECTON_TEST_MODEL", serving.model("gen-llama3")), "flags": ("--chat-template", TEMPLATE)}
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(type(k.__name__, (k, serving.ServerTest), members))
                               for k in (ChatClients, Structured))
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
