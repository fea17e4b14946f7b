"""test_chat_clients.py [WORD...]: official chat clients, unchanged, on a small model; of some names alone, none of which may be skipped then.

VECTON_TEST_PYTHON names an interpreter that has them. tools/check_clients runs them in environments of their own (tests/clients)."""

import importlib.util
import json
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
        asks = {"model": self.name, "input": "Hi", "max_output_tokens": 5, "temperature": 0}
        answer = client.responses.create(**asks)
        self.assertEqual((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))
        with client.responses.stream(**asks) as stream:
            events = list(stream)
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), answer.output_text)
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.output_text, answer.output_text)
        asks["include"] = ["message.output_text.logprobs"]
        logprobs = client.responses.create(**asks).output[0].content[0].logprobs
        self.assertEqual(len(logprobs), answer.usage.output_tokens)

    @needs("anthropic")
    def test_anthropic(self):
        import anthropic
        client = anthropic.Anthropic(base_url=self.server.url, api_key="none")
        # Not every version of the package has a parameter of that name.
        asks = {"model": self.name, "messages": HI, "max_tokens": 5, "extra_body": {"temperature": 0}}
        answer = client.messages.create(**asks)
        self.assertEqual(answer.stop_reason, "max_tokens")
        with client.messages.stream(**asks) as stream:
            self.assertEqual("".join(stream.text_stream), "".join(block.text for block in answer.content))
            self.assertEqual(stream.get_final_message().stop_reason, answer.stop_reason)
        self.assertGreater(client.messages.count_tokens(model=self.name, messages=HI).input_tokens, 0)
        with self.assertRaises(anthropic.BadRequestError):
            client.messages.create(**{**asks, "extra_body": {"temperature": 9}})

    @needs("ollama")
    def test_ollama(self):
        import ollama
        client = ollama.Client(host=self.server.url)
        options = {"num_predict": 5, "temperature": 0}
        answer = client.chat(model=self.name, messages=HI, options=options)
        pieces = list(client.chat(model=self.name, messages=HI, options=options, stream=True))
        self.assertEqual("".join(p.message.content for p in pieces), answer.message.content)
        self.assertTrue(client.generate(model=self.name, prompt="Hi", options=options).done)
        listed = [m.model for m in client.list().models]  # of a folder its last name alone
        self.assertEqual(len(listed), 1)
        for name in (self.name, *listed):
            self.assertIn("completion", client.show(name).capabilities)

    @needs("langchain_openai")
    def test_langchain(self):
        from langchain_openai import ChatOpenAI
        chat = ChatOpenAI(model=self.name, base_url=self.base, api_key="none", max_tokens=5, temperature=0)
        said = chat.invoke("Hi").content
        pieces = list(chat.stream("Hi", stream_usage=True))
        self.assertEqual("".join(piece.content for piece in pieces), said)
        self.assertEqual(sum(p.usage_metadata["output_tokens"] for p in pieces if p.usage_metadata), 5)

    @needs("litellm")
    def test_litellm(self):
        import litellm
        for provider in ("openai", "hosted_vllm"):
            answer = litellm.completion(f"{provider}/{self.name}", HI, api_base=self.base, api_key="none", max_tokens=5)
            self.assertTrue(answer.choices[0].message.content)
            pieces = litellm.completion(f"{provider}/{self.name}", HI, api_base=self.base, api_key="none", max_tokens=5, stream=True)
            self.assertEqual(list(pieces)[-1].choices[0].finish_reason, "length")

    @needs("llama_index.llms.openai_like")
    def test_llama_index(self):
        from llama_index.core.llms import ChatMessage
        from llama_index.llms.openai_like import OpenAILike
        model = OpenAILike(model=self.name, api_base=self.base, api_key="none", max_tokens=5, is_chat_model=False)
        whole = model.complete("the", temperature=0).text
        self.assertEqual("".join(p.delta for p in model.stream_complete("the", temperature=0)), whole)
        talks = OpenAILike(model=self.name, api_base=self.base, api_key="none", max_tokens=5, is_chat_model=True)
        self.assertTrue(talks.chat([ChatMessage(role="user", content="Hi")]).message.content)


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
        answer = client.chat.completions.parse(model=self.name, messages=HI, response_format=City, max_tokens=400, temperature=0)
        self.assertIsInstance(answer.choices[0].message.parsed, City)

    @needs("openai")
    def test_openai_tools(self):
        import openai
        client = openai.OpenAI(base_url=self.base, api_key="none")
        for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
            answer = client.chat.completions.create(model=self.name, messages=HI, tools=TOOLS, tool_choice=choice, max_tokens=400, seed=1,
                                                    parallel_tool_calls=False)
            call = answer.choices[0].message.tool_calls[0].function
            self.assertEqual(call.name, "weather")
            self.assertIn("city", json.loads(call.arguments))

    @needs("openai")
    def test_openai_responses_complete(self):
        import openai
        import pydantic
        from typing import Literal

        class Answer(pydantic.BaseModel):
            word: Literal["yes", "no"]

        client = openai.OpenAI(base_url=self.base, api_key="none")
        parsed = client.responses.parse(model=self.name, input="Hi", text_format=Answer, temperature=0).output_parsed
        with client.responses.stream(model=self.name, input="Hi", text_format=Answer, temperature=0) as stream:
            types = [event.type for event in stream]
            self.assertEqual(stream.get_final_response().output_parsed, parsed)
        self.assertEqual(types[-1], "response.completed")
        tool = {"type": "function", "strict": True, **TOOLS[0]["function"]}
        answer = client.responses.create(model=self.name, input="Hi", tools=[tool], temperature=0,
                                         tool_choice={"type": "function", "name": "weather"})
        call = next(item for item in answer.output if item.type == "function_call")
        self.assertIn("city", json.loads(call.arguments))

    @needs("openai")
    def test_openai_streamed_tools(self):
        import openai
        client = openai.OpenAI(base_url=self.base, api_key="none")
        with client.chat.completions.stream(model=self.name, messages=HI, tools=TOOLS, temperature=0, max_tokens=400,
                                            tool_choice="required", parallel_tool_calls=False) as stream:
            stream.until_done()
            choice = stream.get_final_completion().choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        self.assertIn("city", json.loads(choice.message.tool_calls[0].function.arguments))

    @needs("anthropic")
    def test_anthropic_tools(self):
        import anthropic
        client = anthropic.Anthropic(base_url=self.server.url, api_key="none")
        tool = {"name": "weather", "input_schema": TOOLS[0]["function"]["parameters"]}
        asks = {"model": self.name, "messages": HI, "max_tokens": 400, "tools": [tool], "extra_body": {"temperature": 0},
                "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}
        answer = client.messages.create(**asks)
        self.assertEqual(answer.stop_reason, "tool_use")
        use = answer.content[-1]
        self.assertEqual(use.name, "weather")
        self.assertIn("city", use.input)
        with client.messages.stream(**asks) as stream:
            self.assertEqual(stream.get_final_message().content[-1].input, use.input)

    @needs("ollama")
    def test_ollama_format(self):
        import ollama
        client = ollama.Client(host=self.server.url)
        schema = TOOLS[0]["function"]["parameters"]
        answer = client.chat(model=self.name, messages=HI, format=schema, options={"temperature": 0, "num_predict": 400})
        self.assertIn("city", json.loads(answer.message.content))
        answer = client.generate(model=self.name, prompt="Hi", format=schema, options={"temperature": 0, "num_predict": 400})
        self.assertIn("city", json.loads(answer.response))
        client.chat(model=self.name, messages=HI, tools=TOOLS, options={"num_predict": 5})

    @needs("langchain_openai")
    def test_langchain_structured(self):
        import pydantic
        from langchain_openai import ChatOpenAI

        class City(pydantic.BaseModel):
            """A city."""
            name: str = pydantic.Field(max_length=8)

        chat = ChatOpenAI(model=self.name, base_url=self.base, api_key="none", max_tokens=400, temperature=0)
        for method in ("json_schema", "function_calling"):
            self.assertIsInstance(chat.with_structured_output(City, method=method).invoke("Hi"), City)
        calls = chat.bind_tools(TOOLS, tool_choice="weather").invoke("Hi").tool_calls
        self.assertIn("city", calls[0]["args"])

    @needs("pydantic_ai")
    def test_pydantic_ai(self):
        import pydantic
        from pydantic_ai import Agent
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        class City(pydantic.BaseModel):
            name: str = pydantic.Field(max_length=8)

        model = OpenAIChatModel(self.name, provider=OpenAIProvider(base_url=self.base, api_key="none"))
        answer = Agent(model, output_type=City, model_settings={"temperature": 0, "max_tokens": 400}).run_sync("Hi")
        self.assertIsInstance(answer.output, City)

    @needs("instructor")
    def test_instructor(self):
        import instructor
        import openai
        import pydantic

        class City(pydantic.BaseModel):
            name: str = pydantic.Field(max_length=8)

        client = instructor.from_openai(openai.OpenAI(base_url=self.base, api_key="none"))
        self.assertIsInstance(client.chat.completions.create(model=self.name, messages=HI, response_model=City, max_tokens=400, temperature=0), City)


def prefix_of(python):
    return subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout.strip()


def main():
    python = os.environ.get("VECTON_TEST_PYTHON", sys.executable)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if not words and subprocess.run([python, "-c", "import openai"], capture_output=True).returncode:
        print(f"skipped: {python} has no package openai (VECTON_TEST_PYTHON names one that has)")
        return SKIPPED
    if os.path.realpath(python) != os.path.realpath(sys.executable) or sys.prefix != prefix_of(python):
        return subprocess.run([python, "-B", __file__, *sys.argv[1:]]).returncode
    import serving
    members = {"model": os.environ.get("VECTON_TEST_MODEL", serving.model("gen-llama3")), "flags": ("--chat-template", TEMPLATE)}
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*test_{word}*" for word in words] or None
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(type(k.__name__, (k, serving.ServerTest), members)) for k in (ChatClients, Structured))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and not (words and (result.skipped or not result.testsRun)) else 1


if __name__ == "__main__":
    sys.exit(main())
