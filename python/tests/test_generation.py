"""Text that a model writes: the program's tokens, streams, coroutines, and their ends."""
import asyncio
import json
import re
import subprocess
import time

import pytest

import vecton
from conftest import PATIENCE, PROGRAM, engine, model, run_python

MODEL = "gen-llama3"
MANY = ["a"] * 200  # which take a while
PROMPTS = ["Once upon a time", "The quick brown fox", "a"]


@pytest.fixture
def writer():
    return engine(MODEL)


def test_the_programs_tokens(writer):
    found = writer.generate(PROMPTS, max_tokens=12, temperature=0)
    lines = subprocess.run([PROGRAM, "generate", model(MODEL), *PROMPTS, "--max-tokens", "12", "--temperature", "0", "--json", "-q"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    assert [json.loads(line)["completions"][0]["text"] for line in lines] == [generation.text for generation in found]
    one = writer.generate(PROMPTS[0], max_tokens=12, temperature=0)
    assert one.completions == found[0].completions and str(one) == one.text
    assert one.token_ids == one.completions[0].token_ids and one.finish_reason in ("stop", "length")


def test_a_stream_is_the_whole(writer):
    whole = writer.generate(PROMPTS[0], max_tokens=20, temperature=0)
    with writer.stream_generate(PROMPTS[0], max_tokens=20, temperature=0) as stream:
        deltas = list(stream)
    assert "".join(delta.text for delta in deltas) == whole.text
    assert [i for delta in deltas for i in delta.token_ids] == whole.token_ids
    assert [delta.finish_reason for delta in deltas][-1] == whole.finish_reason and deltas[0].finish_reason is None
    assert stream.generations[0].completions == whole.completions
    assert writer.stream_generate(PROMPTS[0], max_tokens=20, temperature=0).read() == whole.text


def test_several_prompts_and_completions_in_one_stream(writer):
    texts = {}
    for delta in writer.stream_generate(PROMPTS, max_tokens=8, n=2, seed=3):
        texts[delta.request, delta.index] = texts.get((delta.request, delta.index), "") + delta.text
    whole = writer.generate(PROMPTS, max_tokens=8, n=2, seed=3)
    assert texts == {(i, c.index): c.text for i, generation in enumerate(whole) for c in generation.completions}


def test_sampling(writer):
    def tokens(**how):
        return writer.generate("a", max_tokens=16, ignore_eos=True, **how).token_ids

    assert tokens(seed=1) == tokens(seed=1) != tokens(seed=2)
    assert tokens(temperature=0) == tokens(top_k=1, seed=5)
    assert set(tokens(allowed_token_ids=[5, 6])) <= {5, 6}
    assert set(tokens(logit_bias={7: 100}, temperature=0)) == {7} == set(tokens(logit_bias={"7": 100}, temperature=0))
    stopped = writer.generate("a", max_tokens=16, ignore_eos=True, temperature=0, stop_token_ids=[tokens(temperature=0)[3]])
    assert stopped.finish_reason == "stop" and stopped.completions[0].stop_reason == tokens(temperature=0)[3]


def test_logprobs(writer):
    generation = writer.generate("Once upon", max_tokens=4, temperature=0, logprobs=2, prompt_logprobs=1)
    completion = generation.completions[0]
    assert len(completion.logprobs) == len(completion.token_ids)
    assert [one.token.id for one in completion.logprobs] == completion.token_ids
    assert all(one.token.rank == 1 and len(one.top) == 2 and one.top[0] == one.token for one in completion.logprobs)
    assert completion.cumulative_logprob == pytest.approx(sum(one.token.logprob for one in completion.logprobs), abs=1e-4)
    assert [one.token.id for one in generation.prompt_logprobs] == generation.prompt_token_ids[1:]


def test_structure(writer):
    how = {"max_tokens": 200, "seed": 4}
    assert writer.generate("a", structured_output={"choice": ["yes", "no"]}, **how).text in ("yes", "no")
    schema = {"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"], "additionalProperties": False}
    assert set(json.loads(writer.generate("a", structured_output={"json": schema}, **how).text)) == {"n"}
    tag = {"format": {"type": "tag", "begin": "<n>", "content": {"type": "regex", "pattern": "[0-9]{2}"}, "end": "</n>"}}
    assert re.fullmatch("<n>[0-9]{2}</n>", writer.generate("a", structured_output={"structural_tag": json.dumps(tag)}, **how).text)
    with pytest.raises(ValueError, match="a JSON object"):
        writer.generate("a", structured_output={"structural_tag": "root ::= 1"})
    with pytest.raises(ValueError, match="exactly one of json"):
        writer.generate("a", structured_output={"choice": ["a"], "regex": "b"})


def test_chat(writer):
    talk = [{"role": "user", "content": "Why?"}]
    answer = writer.chat(talk, max_tokens=8, temperature=0)
    prompt = writer.tokenizer.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
    assert answer.prompt_token_ids == writer.tokenizer.apply_chat_template(talk, add_generation_prompt=True)
    assert "Why?" in prompt
    assert writer.chat([talk, talk], max_tokens=8, temperature=0)[1].text == answer.text
    assert writer.stream_chat(talk, max_tokens=8, temperature=0).read() == answer.text
    parts = [{"role": "user", "content": [{"type": "text", "text": "Why"}, {"type": "text", "text": "me?"}]}]
    assert writer.chat(parts, max_tokens=2).prompt_token_ids == writer.chat([{"role": "user", "content": "Why\nme?"}], max_tokens=2).prompt_token_ids
    with pytest.raises(ValueError, match=r"messages\[0\]: a part of type 'image_url' has no picture"):
        writer.chat([{"role": "user", "content": [{"type": "image_url"}]}])
    with pytest.raises(TypeError, match="messages must be a list"):
        writer.chat("Why?")
    with pytest.raises(ValueError, match="must not be empty"):
        writer.chat([])


def test_coroutines(writer):
    talk = [{"role": "user", "content": "Why?"}]

    async def all_at_once():
        async def streamed(prompt):
            return "".join([delta.text async for delta in writer.astream_generate(prompt, max_tokens=10, temperature=0)])

        texts = await asyncio.gather(*(streamed(prompt) for prompt in PROMPTS))
        whole = await writer.agenerate(PROMPTS, max_tokens=10, temperature=0)
        answer = await writer.achat(talk, max_tokens=6, temperature=0)
        stream = writer.astream_chat(talk, max_tokens=6, temperature=0)
        parts = [delta.text async for delta in stream]
        return texts, whole, answer.text, "".join(parts), stream.generations[0].text

    texts, whole, *answers = asyncio.run(all_at_once())
    assert texts == [generation.text for generation in whole] == [g.text for g in writer.generate(PROMPTS, max_tokens=10, temperature=0)]
    assert len(set(answers)) == 1


def running(writer):
    stats = writer.stats()
    return stats["requests_running"] + stats["requests_waiting"]


def settles(writer):
    until = time.monotonic() + 10
    while running(writer) and time.monotonic() < until:
        time.sleep(0.005)
    return running(writer) == 0


def test_what_nobody_reads_is_given_up(writer):
    stream = writer.stream_generate(MANY, ignore_eos=True)
    next(stream)
    stream.close()
    assert list(stream) == [] and settles(writer)
    stream = writer.stream_generate(MANY, ignore_eos=True)
    next(stream)
    del stream
    assert settles(writer)

    async def leave():
        begun = asyncio.Event()

        async def read():
            async for _ in writer.astream_generate(MANY, ignore_eos=True):
                begun.set()

        task = asyncio.ensure_future(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert settles(writer)


def test_a_stream_keeps_its_engine():
    stream = vecton.Engine(model(MODEL)).stream_generate("a", max_tokens=30, ignore_eos=True, temperature=0)
    assert stream.read() == engine(MODEL).generate("a", max_tokens=30, ignore_eos=True, temperature=0).text


def test_an_engine_that_is_closed_ends_streams():
    with vecton.Engine(model(MODEL), threads=1) as own:
        stream = own.stream_generate(MANY, ignore_eos=True)
        next(stream)
        own.close()
        with pytest.raises(vecton.Cancelled):
            for _ in stream:
                pass


def test_errors(writer):
    with pytest.raises(TypeError, match="has no argument 'temprature'"):
        writer.generate("a", temprature=1)
    with pytest.raises(ValueError, match="top_p"):
        writer.generate("a", top_p=2.0)
    with pytest.raises(TypeError, match="temperature must be a number"):
        writer.generate("a", temperature="hot")
    with pytest.raises(ValueError):
        engine("bert-embed-mean").generate("a")
    defaults = writer.generation_defaults()
    assert {"temperature", "top_p", "top_k", "eos_token_ids"} <= set(defaults)


def test_an_interpreter_may_end_in_the_middle():
    run_python("""
import sys, vecton
stream = vecton.Engine(sys.argv[1]).stream_generate(["a"] * 200, ignore_eos=True)
next(stream)
""", model(MODEL))


def test_futures(writer):
    future = writer.submit("generate", PROMPTS, max_tokens=5, temperature=0)
    assert [g.text for g in future.result(timeout=PATIENCE)] == [g.text for g in writer.generate(PROMPTS, max_tokens=5, temperature=0)]
