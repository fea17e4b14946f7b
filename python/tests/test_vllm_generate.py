"""vllm's LLM.generate and chat, and mlx-lm's functions, on the same model."""
import json
import shutil
import subprocess
import sys

import pytest

from conftest import PATIENCE, engine, model
from vecton.vllm import LLM, RequestOutput, SamplingParams
from vecton.vllm.config import StructuredOutputsConfig
from vecton.vllm.sampling_params import StructuredOutputsParams

MODEL = model("gen-llama3")
GREEDY = SamplingParams(temperature=0, max_tokens=8)
PROMPTS = ["Once upon a time", "The quick brown fox"]


@pytest.fixture(scope="module")
def llm():
    return LLM(MODEL)


def test_generate(llm):
    outputs = llm.generate(PROMPTS, GREEDY, use_tqdm=False)
    expected = engine("gen-llama3").generate(PROMPTS, temperature=0, max_tokens=8)
    assert all(isinstance(output, RequestOutput) and output.finished for output in outputs)
    assert [output.outputs[0].text for output in outputs] == [generation.text for generation in expected]
    assert [output.prompt for output in outputs] == PROMPTS
    assert [output.prompt_token_ids for output in outputs] == [generation.prompt_token_ids for generation in expected]
    assert [int(output.request_id) for output in outputs] == [int(outputs[0].request_id), int(outputs[0].request_id) + 1]
    first = outputs[0].outputs[0]
    assert (first.index, first.logprobs, first.cumulative_logprob, first.finish_reason) == (0, None, None, expected[0].finish_reason)
    assert first.finished()
    ids = llm.generate({"prompt_token_ids": outputs[0].prompt_token_ids}, GREEDY, use_tqdm=False)
    assert ids[0].outputs[0].token_ids == first.token_ids and ids[0].prompt is None


def test_chat(llm):
    talk = [{"role": "user", "content": "Why?"}]
    one = llm.chat(talk, GREEDY, use_tqdm=False)
    assert one[0].outputs[0].text == engine("gen-llama3").chat(talk, temperature=0, max_tokens=8).text
    assert "Why?" in one[0].prompt
    assert len(llm.chat([talk, talk], GREEDY, use_tqdm=False)) == 2
    with pytest.raises(ValueError, match="mm_processor_kwargs"):
        llm.chat(talk, GREEDY, mm_processor_kwargs={"num_crops": 4})
    with pytest.raises(ValueError, match="continue_final_message"):
        llm.chat(talk, GREEDY, continue_final_message=True)


def test_parameters_per_prompt_and_logprobs(llm):
    many = [SamplingParams(temperature=0, max_tokens=3, logprobs=1), SamplingParams(n=2, seed=1, max_tokens=4, prompt_logprobs=0)]
    first, second = llm.generate(PROMPTS, many, use_tqdm=False)
    assert [len(token) for token in first.outputs[0].logprobs] == [1, 1, 1]  # greedy: the likeliest is the one that is there
    token = first.outputs[0].logprobs[0][first.outputs[0].token_ids[0]]
    assert token.rank == 1 and token.logprob <= 0 and isinstance(token.decoded_token, str)
    assert len(second.outputs) == 2 and second.outputs[1].index == 1
    assert second.prompt_logprobs[0] is None and len(second.prompt_logprobs) == len(second.prompt_token_ids)
    with pytest.raises(ValueError, match=r"lengths of prompts \(2\) and params \(1\)"):
        llm.generate(PROMPTS, [GREEDY])


def test_a_run_is_the_same_again():
    def texts():
        own = LLM(MODEL, seed=7)
        return [output.outputs[0].text for output in own.generate(PROMPTS * 2, SamplingParams(max_tokens=6), use_tqdm=False)]

    found = texts()
    assert found == texts() and found[:2] != found[2:]


def test_of_best_of_the_likeliest_per_token_are_given(llm):
    all_of = dict(seed=5, max_tokens=6, temperature=1.5)
    (many,) = llm.generate("a", SamplingParams(n=5, logprobs=0, **all_of), use_tqdm=False)
    (best,) = llm.generate("a", SamplingParams(n=2, best_of=5, **all_of), use_tqdm=False)
    order = sorted(many.outputs, key=lambda one: -one.cumulative_logprob / len(one.token_ids))
    assert [one.token_ids for one in best.outputs] == [one.token_ids for one in order[:2]] and order[0].index != 0
    assert [one.index for one in best.outputs] == [0, 1] and best.outputs[0].logprobs is None
    for wrong in ({"n": 3, "best_of": 2}, {"best_of": 2, "temperature": 0}):
        with pytest.raises(ValueError, match="^best_of"):
            SamplingParams(**wrong)


def test_defaults_are_the_checkpoints(llm):
    params = llm.get_default_sampling_params()
    defaults = llm.engine.generation_defaults()
    assert (params.temperature, params.top_p, params.max_tokens) == (defaults["temperature"], defaults["top_p"], defaults["max_tokens"] or 16)
    assert SamplingParams().max_tokens == 16
    assert LLM(MODEL, override_generation_config={"temperature": 2}).get_default_sampling_params().temperature == 2
    hot = LLM(MODEL, override_generation_config={"temperature": 2.1})  # opens, and refuses to sample with it, as there
    assert hot.engine.generation_defaults()["temperature"] == 2.1
    with pytest.raises(ValueError, match=r"temperature must be in \[0, 2\], got 2.1"):
        hot.get_default_sampling_params()
    assert hot.generate("a", SamplingParams(temperature=1, max_tokens=2), use_tqdm=False)[0].outputs[0].token_ids
    with pytest.raises(ValueError, match="temperature: -1.* is out of range; expected 0 or more"):
        LLM(MODEL, override_generation_config={"temperature": -1})


def test_structure(llm):
    params = SamplingParams(max_tokens=50, structured_outputs=StructuredOutputsParams(choice=["yes", "no"]))
    assert llm.generate("a", params, use_tqdm=False)[0].outputs[0].text in ("yes", "no")
    tag = '{"format": {"type": "tag", "begin": "<", "content": {"type": "const_string", "value": "a"}, "end": ">"}}'
    params = SamplingParams(max_tokens=50, structured_outputs=StructuredOutputsParams(structural_tag=tag))
    assert llm.generate("a", params, use_tqdm=False)[0].outputs[0].text == "<a>"
    with pytest.raises(ValueError, match="exactly one kind"):
        StructuredOutputsParams()


@pytest.fixture(scope="module")
def other_end(tmp_path_factory):
    """A copy of the model whose files name 5 as the end, and not the tokenizer's."""
    folder = tmp_path_factory.mktemp("end") / "model"
    shutil.copytree(MODEL, folder)
    for name in ("config.json", "generation_config.json"):
        (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), "eos_token_id": [5]}))
    return str(folder)


def test_a_text_ends_at_the_tokenizers_end_too(other_end):
    own = LLM(other_end)
    eos = own.get_tokenizer().eos_token_id
    assert own.engine.generation_defaults()["eos_token_ids"] == [5] and eos != 5

    def written(token, **how):
        params = SamplingParams(temperature=0, max_tokens=3, logit_bias={token: 100.0}, **how)
        found = own.generate([[6, 7, 8]], params, use_tqdm=False)[0].outputs[0]
        return found.token_ids, found.text, found.finish_reason, found.stop_reason

    assert written(eos) == ([eos], "", "stop", None)
    assert written(5) == ([5], "", "stop", 5), "as vLLM says of ends that generation_config.json has beside the tokenizer's"
    assert written(7)[::2] == ([7, 7, 7], "length")
    assert written(eos, min_tokens=2)[0][2:] == [eos] and eos not in written(eos, min_tokens=2)[0][:2]
    assert written(eos, ignore_eos=True)[::2] == ([eos] * 3, "length")
    assert written(eos, ignore_eos=True, stop_token_ids=[eos]) == ([eos], "", "stop", eos)


def test_mlx_lm_ends_at_the_tokenizers_end_too(other_end):
    from vecton.mlx_lm import load, stream_generate
    from vecton.mlx_lm.sample_utils import make_logits_processors

    writer, tokenizer = load(other_end)
    for token, ends in ((tokenizer.eos_token_id, True), (5, True), (7, False)):
        bias = make_logits_processors(logit_bias={token: 100.0})
        responses = list(stream_generate(writer, tokenizer, [6, 7, 8], max_tokens=4, logits_processors=bias))
        assert (responses[-1].finish_reason, len(responses)) == (("stop", 1) if ends else ("length", 4))


def test_structures_have_what_the_engine_is_told_of_all(llm):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    spaced = {"logit_bias": {i: 100.0 for i, text in _tokens(llm) if text == " "}, "seed": 1, "max_tokens": 60}

    def written(own, **how):
        return own.generate("a", SamplingParams(structured_outputs={"json": schema, **how}, **spaced), use_tqdm=False)[0].outputs[0].text

    assert " " in written(llm)
    plain = LLM(MODEL, structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True})
    assert written(plain) == written(llm, disable_any_whitespace=True) and " " not in written(plain)
    assert written(LLM(MODEL, structured_outputs_config=StructuredOutputsConfig(disable_fallback=True))) == written(llm)
    assert StructuredOutputsConfig(disable_additional_properties=True).fields() == {"disable_additional_properties": True}


@pytest.mark.parametrize("wrong, words", [
    ({"enable_in_reasoning": True}, "after its thinking"), ({"reasoning_parser_plugin": "a.py"}, "reasoning_parser_plugin is not supported"),
    ({"backend": "none"}, "backend must be one of auto, xgrammar"), ({"disable_whitespace": True}, "no field disable_whitespace"),
    ("auto", "StructuredOutputsConfig or a dict, found str")])
def test_structured_outputs_configs_are_checked(wrong, words):
    with pytest.raises(ValueError, match=words):
        LLM(MODEL, structured_outputs_config=wrong)


def _tokens(llm):
    return [(i, llm.get_tokenizer().decode([i])) for i in range(llm.model_config.get_vocab_size())]


def test_without_a_tokenizer_there_are_ids_alone(llm):
    own = LLM(MODEL, skip_tokenizer_init=True)
    params = SamplingParams(temperature=0, max_tokens=4, logprobs=1, prompt_logprobs=1)
    (output,) = own.generate({"prompt_token_ids": [5, 6, 7]}, params, use_tqdm=False)
    (expected,) = llm.generate({"prompt_token_ids": [5, 6, 7]}, params, use_tqdm=False)
    assert output.outputs[0].token_ids == expected.outputs[0].token_ids and expected.outputs[0].text
    for found in (output, llm.generate([[5, 6, 7]], SamplingParams(temperature=0, max_tokens=4, logprobs=1, detokenize=False), use_tqdm=False)[0]):
        assert found.outputs[0].text == "" and all(one.decoded_token is None for token in found.outputs[0].logprobs for one in token.values())
    assert own.tokenizer is None
    for wrong in (lambda: own.generate("a"), lambda: own.generate([[5], "a"]), lambda: own.chat([{"role": "user", "content": "a"}])):
        with pytest.raises(ValueError, match="cannot pass text prompts when `skip_tokenizer_init=True`"):
            wrong()
    with pytest.raises(ValueError, match="Tokenizer not available"):
        own.get_tokenizer()
    for how in ({"stop": "a"}, {"bad_words": ["a"]}, {"structured_outputs": {"choice": ["a"]}}):
        with pytest.raises(ValueError, match="requires a tokenizer so it can't be used with 'skip_tokenizer_init'"):
            own.generate([[5]], SamplingParams(**how))
    pooling = LLM(model("bert-rerank-sigmoid"), skip_tokenizer_init=True)
    assert pooling.classify([[5, 6]], use_tqdm=False)[0].prompt_token_ids == [5, 6]
    for call in (pooling.classify, lambda text: pooling.score(text, text)):
        with pytest.raises(ValueError, match="cannot pass text prompts"):
            call("a")


@pytest.mark.parametrize("wrong", [{"n": 0}, {"temperature": -1}, {"temperature": 2.5}, {"top_p": 0}, {"top_k": -2}, {"min_p": 2}, {"max_tokens": 0},
                                   {"min_tokens": 20}, {"repetition_penalty": 0}, {"presence_penalty": 3}, {"logprobs": -2}, {"stop": ""},
                                   {"temperature": 0, "n": 2}, {"detokenize": False, "stop": "a"}, {"extra_args": {"a": 1}}])
def test_sampling_params_are_checked(wrong):
    with pytest.raises(ValueError, match=f"^({'|'.join(wrong)})"):
        SamplingParams(**wrong)


def test_sampling_params_as_vllm_lays_them():
    assert SamplingParams(temperature=0.001).temperature == 0.01 and SamplingParams(seed=-1).seed is None
    greedy = SamplingParams(temperature=0, top_p=0.5, top_k=3)
    assert (greedy.top_p, greedy.top_k) == (1.0, 0) and SamplingParams(stop="a").stop == ["a"]
    assert greedy.clone() == greedy and greedy.clone() is not greedy


def test_models_that_do_not_generate():
    with pytest.raises(ValueError, match=r"LLM.generate\(\) is only supported for generative models"):
        LLM(model("bert-embed-mean")).generate("a")
    pooling = LLM(MODEL, runner="pooling")
    assert pooling.runner_type == "pooling" and len(pooling.embed("a")[0].outputs.embedding) > 1


def test_mlx_lms_command():
    def answers(*options):
        command = [sys.executable, "-m", "vecton.run", "--as", "mlx_lm", "-m", "mlx_lm.generate", "--model", MODEL, *options]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, input=b"Why?")
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()  # text=True would read every end of line as "\n"

    expected = engine("gen-llama3").chat([{"role": "user", "content": "Why?"}], temperature=0, max_tokens=6).text
    assert answers("--prompt", "Why?", "-m", "6", "--verbose", "false") == expected + "\n" == answers("-p", "-", "-m", "6", "--verbose", "F")
    assert "Generation: " in answers("-p", "Why?", "-m", "3")
    plain = answers("-p", "a", "-m", "4", "--ignore-chat-template", "--verbose", "false", "--temp", "1", "--seed", "3")
    assert plain == engine("gen-llama3").generate("a", temperature=1, top_p=1, top_k=0, min_p=0, seed=3, max_tokens=4).text + "\n"


def test_mlx_lm(capsys):
    from vecton.mlx_lm import batch_generate, generate, load, stream_generate
    from vecton.mlx_lm.sample_utils import make_logits_processors, make_sampler

    writer, tokenizer = load(MODEL)
    expected = engine("gen-llama3").generate(PROMPTS[0], temperature=0, max_tokens=8)
    assert generate(writer, tokenizer, PROMPTS[0], max_tokens=8) == expected.text
    responses = list(stream_generate(writer, tokenizer, tokenizer.encode(PROMPTS[0]), max_tokens=8))
    assert "".join(response.text for response in responses) == expected.text
    assert responses[-1].finish_reason == expected.finish_reason and responses[-1].generation_tokens == len(expected.token_ids)
    assert generate(writer, tokenizer, "a", max_tokens=4, verbose=True) in capsys.readouterr().out
    talk = tokenizer.apply_chat_template([{"role": "user", "content": "Why?"}], add_generation_prompt=True)
    texts = batch_generate(writer, tokenizer, [talk, talk], max_tokens=6).texts
    assert texts == [engine("gen-llama3").chat([{"role": "user", "content": "Why?"}], temperature=0, max_tokens=6).text] * 2
    sampled = generate(writer, tokenizer, "a", max_tokens=4, sampler=make_sampler(temp=0.7, top_p=0.9, top_k=1))
    assert sampled == generate(writer, tokenizer, "a", max_tokens=4)
    seven = generate(writer, tokenizer, "a", max_tokens=4, logits_processors=make_logits_processors(logit_bias={7: 100.0}))
    assert seven == tokenizer.decode([7] * 4)
    bias = {7: 100.0, 8: 50.0}

    def punished(**how):
        processors = make_logits_processors(bias, repetition_penalty=1e6, **how)
        return [response.token for response in stream_generate(writer, tokenizer, [5, 6], max_tokens=4, logits_processors=processors)]

    assert punished(repetition_context_size=1) == [7, 8, 7, 8]
    assert punished()[:2] == [7, 8] and not {7, 8} & set(punished()[2:])
    assert punished() == punished(repetition_context_size=0) == punished(repetition_context_size=None)
    with pytest.raises(ValueError, match="repetition_context_size: expected 1 or more"):
        punished(repetition_context_size=-1)
    with pytest.raises(TypeError, match="make_sampler"):
        generate(writer, tokenizer, "a", sampler=lambda logits: logits)
    with pytest.raises(ValueError, match="draft_model"):
        generate(writer, tokenizer, "a", draft_model=writer)
    with pytest.raises(ValueError, match="eos_token can't be set"):
        load(MODEL, tokenizer_config={"eos_token": "x"})
    with pytest.raises(AttributeError, match="layers"):
        _ = writer.layers
