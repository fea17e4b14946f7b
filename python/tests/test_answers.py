"""Thinking, content and calls of tools in the answers of chats."""
import asyncio
import json

import pytest

import vecton
from conftest import PATIENCE, engine

TALK = [{"role": "user", "content": "What is the weather in Paris?"}]
WEATHER = {"type": "function", "function": {"name": "weather", "description": "of a town", "parameters": {
    "type": "object", "properties": {"hot": {"type": "boolean"}}, "required": ["hot"], "additionalProperties": False}}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}
HOW = {"max_tokens": 120, "seed": 3}
THINKS = "gen-qwen3-moe"  # its template has <think> and <tool_call>


@pytest.fixture
def thinker():
    return engine(THINKS)


def read(format, text, size):
    """What a text says that comes in pieces of `size`."""
    from vecton.generation import Reading

    reading = Reading(format, 0)
    said = {"text": "", "reasoning": "", "content": ""}
    calls = {}
    for at in range(0, len(text), size):
        part = reading.feed(text[at:at + size], at + size >= len(text))
        for name in said:
            said[name] += part[name]
        for call in part["tool_calls"]:
            known = calls.setdefault(call.index, [call.id, call.name, ""])
            known[2] += call.arguments
    return said, list(calls.values())


def format_of(model, tools=None, **how):
    from vecton.messages import to_core

    format = vecton._core.AnswerFormat(model._core, to_core(TALK, tools=tools), **how)
    format.request(vecton._core.Request(task="generate"))
    return format


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_parts_whatever_the_pieces(thinker, size):
    text = '<think>\nHm.\n</think>\n\nI look.\n<tool_call>\n{"name": "weather", "arguments": {"hot": true}}\n</tool_call>'
    said, calls = read(format_of(thinker, [WEATHER]), text, size)
    assert said == {"text": text, "reasoning": "Hm.", "content": "I look."}
    (call,) = calls
    assert call[1:] == ["weather", '{"hot": true}'] and call[0].startswith("call_") and len(call[0]) == 25
    said, calls = read(format_of(thinker), text, size)  # without tools nothing is a call
    assert calls == [] and said["content"].startswith("I look.\n<tool_call>") and said["reasoning"] == "Hm."
    said, calls = read(format_of(thinker, [WEATHER], reasoning_parser="none", tool_choice="none"), text, size)
    assert calls == [] and said["reasoning"] == "" and said["content"] == text


def test_special_tokens_are_in_no_part(thinker):
    token = thinker.tokenizer.eos_token
    said, _ = read(format_of(thinker), f"<think>a</think>b{token}", 3)
    assert said == {"text": "<think>a</think>b", "reasoning": "a", "content": "b"}


def test_several_calls_and_the_first_alone(thinker):
    text = "".join(f'<tool_call>{{"name": "{name}", "arguments": {{}}}}</tool_call>' for name in ("weather", "clock"))
    assert [call[1] for call in read(format_of(thinker, [WEATHER, CLOCK]), text, 5)[1]] == ["weather", "clock"]
    assert [call[1] for call in read(format_of(thinker, [WEATHER, CLOCK], parallel_tool_calls=False), text, 5)[1]] == ["weather"]


def test_a_call_that_is_forced(thinker):
    answer = thinker.chat(TALK, tools=[WEATHER, CLOCK], tool_choice="weather", chat_template_kwargs={"enable_thinking": False}, **HOW)
    (call,) = answer.tool_calls
    assert call.name == "weather" and set(call.parsed()) == {"hot"} and answer.content == ""
    assert "weather" in answer.text and answer.finish_reason == "stop"
    same = thinker.chat(TALK, tools=[WEATHER, CLOCK], tool_choice={"type": "function", "function": {"name": "weather"}},
                        chat_template_kwargs={"enable_thinking": False}, **HOW)
    assert same.tool_calls == answer.tool_calls
    several = thinker.chat([TALK, TALK], tools=[WEATHER, CLOCK], tool_choice="required", parallel_tool_calls=False,
                           chat_template_kwargs={"enable_thinking": False}, **HOW)
    assert [len(one.tool_calls) for one in several] == [1, 1]


def test_streams_say_the_same(thinker):
    how = {"tools": [WEATHER, CLOCK], "tool_choice": "weather", "chat_template_kwargs": {"enable_thinking": False}, **HOW}
    whole = thinker.chat(TALK, **how)

    def merged(deltas):
        text, calls = "", {}
        for delta in deltas:
            text += delta.text
            for piece in delta.tool_calls:
                call = calls.setdefault(piece.index, vecton.ToolCall(piece.id, piece.name, ""))
                call.arguments += piece.arguments
        return text, list(calls.values())

    with thinker.stream_chat(TALK, **how) as stream:
        assert merged(stream) == (whole.text, whole.tool_calls)
    assert stream.generations[0].completions == whole.completions

    async def later():
        return merged([delta async for delta in thinker.astream_chat(TALK, **how)]), await thinker.achat(TALK, **how)

    parts, answer = asyncio.run(later())
    assert parts == (whole.text, whole.tool_calls) and answer.completions == whole.completions
    assert thinker.submit("chat", TALK, **how).result(timeout=PATIENCE).completions == whole.completions


def test_a_structure_begins_behind_thinking(thinker):
    (close,) = thinker.tokenizer.encode("</think>", add_special_tokens=False)
    answer = thinker.chat(TALK, structured_output={"choice": ["yes", "no"]}, temperature=0, max_tokens=60, logit_bias={close: 60})
    assert answer.text == "<think></think>" + answer.content and answer.content in ("yes", "no")


def test_what_is_refused(thinker):
    with pytest.raises(ValueError, match='the tool "rain" is not in tools'):
        thinker.chat(TALK, tools=[WEATHER], tool_choice="rain")
    with pytest.raises(ValueError, match="tool_choice needs tools"):
        thinker.chat(TALK, tool_choice="required")
    with pytest.raises(ValueError, match=r"tools\[1\]: expected"):
        thinker.chat(TALK, tools=[WEATHER, {"type": "function"}])
    with pytest.raises(ValueError, match="exclude each other"):
        thinker.chat(TALK, tools=[WEATHER], tool_choice="required", structured_output={"choice": ["a"]})
    with pytest.raises(ValueError, match="tool_choice must be"):
        thinker.chat(TALK, tools=[WEATHER], tool_choice=3)
    with pytest.raises(ValueError, match='"nonesuch" is not known'):
        thinker.chat(TALK, tools=[WEATHER], tool_call_parser="nonesuch")
    with pytest.raises(ValueError, match="does not show tools"):
        engine("gen-gemma3").chat(TALK, tools=[WEATHER])


def test_answers_without_parts_stay_as_they_are():
    answer = engine("gen-gemma3").chat(TALK, max_tokens=8, temperature=0)
    assert answer.content == answer.text == answer.completions[0].content and answer.tool_calls == [] and answer.reasoning == ""
    written = engine("gen-gemma3").generate("a", max_tokens=4, temperature=0)
    assert written.content == written.text


def test_calls_go_back_to_the_model_as_objects(thinker):
    from vecton.messages import with_texts

    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"hot": true}'}}
    (message,) = with_texts([{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert message["tool_calls"][0]["function"]["arguments"] == {"hot": True}
    assert call["function"]["arguments"] == '{"hot": true}'  # the caller's own
    broken = {"function": {"name": "weather", "arguments": "{"}}
    assert with_texts([{"role": "assistant", "content": "", "tool_calls": [broken]}])[0]["tool_calls"] == [broken]
    talk = [*TALK, {"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "content": "yes", "tool_call_id": "1"}]
    assert thinker.chat(talk, tools=[WEATHER], max_tokens=2).prompt_token_ids
    assert json.loads(call["function"]["arguments"]) == {"hot": True}
