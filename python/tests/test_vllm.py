"""vecton.vllm against what vLLM 0.33 documents: signatures, outputs, errors and their words."""
import inspect
import json

import numpy as np
import pytest

from conftest import engine, model
from vecton.vllm import LLM, EngineArgs, PoolerConfig, PoolingParams, VLLMValidationError

EMPTY = inspect.Parameter.empty
# name, kind (p: positional only, b: both, k: keyword only), default
SIGNATURES = {
    "embed": [("prompts", "b", EMPTY), ("use_tqdm", "k", True), ("pooling_params", "k", None), ("lora_request", "k", None),
              ("tokenization_kwargs", "k", None)],
    "encode": [("prompts", "b", EMPTY), ("pooling_params", "b", None), ("use_tqdm", "k", True), ("lora_request", "k", None),
               ("pooling_task", "k", None), ("tokenization_kwargs", "k", None)],
    "classify": [("prompts", "b", EMPTY), ("use_tqdm", "k", True), ("pooling_params", "k", None), ("lora_request", "k", None),
                 ("tokenization_kwargs", "k", None)],
    "generate": [("prompts", "b", EMPTY), ("sampling_params", "b", None), ("use_tqdm", "k", True), ("lora_request", "k", None),
                 ("priority", "k", None), ("tokenization_kwargs", "k", None), ("mm_processor_kwargs", "k", None)],
    "chat": [("messages", "b", EMPTY), ("sampling_params", "b", None), ("use_tqdm", "b", True), ("lora_request", "b", None),
             ("priority", "b", None), ("chat_template", "b", None), ("chat_template_content_format", "b", "auto"),
             ("add_generation_prompt", "b", True), ("continue_final_message", "b", False), ("tools", "b", None),
             ("chat_template_kwargs", "b", None), ("tokenization_kwargs", "b", None), ("mm_processor_kwargs", "b", None)],
    "score": [("data_1", "p", EMPTY), ("data_2", "p", EMPTY), ("use_tqdm", "k", True), ("pooling_params", "k", None),
              ("lora_request", "k", None), ("tokenization_kwargs", "k", None), ("chat_template", "k", None)],
}


@pytest.fixture(scope="module")
def llm():
    return LLM(model("bert-embed-mean"), runner="pooling")


@pytest.mark.parametrize("method", SIGNATURES)
def test_signatures(method):
    kinds = {"p": inspect.Parameter.POSITIONAL_ONLY, "b": inspect.Parameter.POSITIONAL_OR_KEYWORD, "k": inspect.Parameter.KEYWORD_ONLY}
    found = list(inspect.signature(getattr(LLM, method)).parameters.values())[1:]
    assert [(p.name, p.kind, p.default) for p in found] == [(name, kinds[kind], default) for name, kind, default in SIGNATURES[method]]


def test_embeddings_are_lists_in_order(llm):
    outputs = llm.embed(["a", "b"], use_tqdm=False)
    expected = engine("bert-embed-mean").embed(["a", "b"])
    assert [type(o).__name__ for o in outputs] == ["EmbeddingRequestOutput"] * 2
    assert isinstance(outputs[0].outputs.embedding, list) and json.dumps(outputs[0].outputs.embedding)
    assert [o.outputs.embedding for o in outputs] == expected.tolist()
    assert outputs[0].finished and outputs[0].num_cached_tokens == 0 and int(outputs[1].request_id) == int(outputs[0].request_id) + 1
    assert outputs[0].prompt_token_ids == llm.get_tokenizer().encode("a")
    assert repr(outputs[0].outputs) == "EmbeddingOutput(hidden_size=64)"


def test_one_prompt_gives_a_list_too(llm):
    ids = llm.get_tokenizer().encode("a text")
    for prompt in ("a text", ids, {"prompt": "a text"}, {"prompt_token_ids": ids}):
        (output,) = llm.embed(prompt, use_tqdm=False)
        assert output.outputs.embedding == engine("bert-embed-mean").embed("a text").tolist()


@pytest.mark.parametrize("prompt, kind, words", [
    ([], ValueError, "You must pass at least one prompt"), ([("a", "b")], TypeError, "Prompt should be a string, list of tokens, or dictionary"),
    ([[1, "b"]], TypeError, "Token prompt should be a list of integers"), ({}, TypeError, "Prompt dictionary must contain"),
    ({"prompt": 3}, TypeError, "Prompt text should be a string"), ({"prompt_embeds": [1]}, ValueError, "prompt_embeds"),
    ("a " * 500, ValueError, "maximum context length")])
def test_prompts_that_are_refused(llm, prompt, kind, words):
    with pytest.raises(kind, match=words):
        llm.embed(prompt, use_tqdm=False)


def test_validation_errors_are_of_both_kinds(llm):
    with pytest.raises(VLLMValidationError) as caught:
        llm.embed("a " * 500, use_tqdm=False)
    assert isinstance(caught.value, ValueError) and caught.value.__cause__ is not None


def test_long_prompts_are_cut_on_request(llm):
    for how in ({"truncate_prompt_tokens": -1}, {"truncation": True}, {"truncation": True, "max_length": 8}):
        (output,) = llm.embed("a " * 500, use_tqdm=False, tokenization_kwargs=how)
        assert len(output.prompt_token_ids) == how.get("max_length", llm.model_config.max_model_len)


@pytest.mark.parametrize("side", ["left", "right", None])
def test_cut_prompts_give_the_tokens_that_were_read(llm, side):
    text = "the weather is nice today and we went outside"
    ids = llm.get_tokenizer().encode(text)
    for prompt, kept in ((text, [ids[0], *(ids[-4:-1] if side == "left" else ids[1:4]), ids[-1]]),
                         ({"prompt_token_ids": ids}, ids[-5:] if side == "left" else ids[:5])):
        (output,) = llm.embed(prompt, use_tqdm=False, tokenization_kwargs={"truncate_prompt_tokens": 5, "truncation_side": side})
        assert output.prompt_token_ids == kept
        assert output.outputs.embedding == llm.embed({"prompt_token_ids": kept}, use_tqdm=False)[0].outputs.embedding


def test_parameters(llm):
    raw, = llm.embed("a", use_tqdm=False, pooling_params=PoolingParams(use_activation=False))
    one, = llm.embed("a", use_tqdm=False, pooling_params=[PoolingParams(use_activation=True)])
    assert np.allclose(np.array(raw.outputs.embedding) / np.linalg.norm(raw.outputs.embedding), one.outputs.embedding, atol=1e-6)
    with pytest.raises(ValueError, match=r"lengths of prompts \(2\) and params \(1\) must be the same"):
        llm.embed(["a", "b"], use_tqdm=False, pooling_params=[PoolingParams()])
    with pytest.raises(ValueError, match="only supports .* does not support .*step_tag_id"):
        llm.embed("a", use_tqdm=False, pooling_params=PoolingParams(step_tag_id=3))
    with pytest.raises(ValueError, match="dimensions"):
        llm.embed("a", use_tqdm=False, pooling_params=PoolingParams(dimensions=3))


def test_encode_wants_a_task(llm):
    with pytest.raises(ValueError, match="pooling_task.*embed, token_embed"):
        llm.encode("a")
    with pytest.raises(ValueError, match="removed"):
        llm.encode("a", pooling_task="score")
    with pytest.raises(ValueError, match="not supported by this model"):
        llm.encode("a", pooling_task="classify")
    (output,) = llm.encode("a b", pooling_task="token_embed", use_tqdm=False)
    assert output.outputs.data.shape == (len(output.prompt_token_ids), 64)
    assert np.asarray(output.outputs.data.cpu().float().numpy()).dtype == np.float32
    assert output.outputs == llm.encode("a b", pooling_task="token_embed", use_tqdm=False)[0].outputs


def test_classes_and_rewards():
    classifier = LLM(model("bert-classify-softmax"))
    (output,) = classifier.classify("a", use_tqdm=False)
    assert output.outputs.probs == engine("bert-classify-softmax").classify("a").tolist()
    assert output.outputs.num_classes == len(output.outputs.probs)
    assert classifier.reward("a", use_tqdm=False)[0].outputs.data.shape == (output.outputs.num_classes,)
    with pytest.raises(ValueError, match="num_labels == 1"):
        classifier.score("a", "b")
    with pytest.raises(ValueError, match="LLM.embed.. is not supported"):
        classifier.embed("a")


def test_scores():
    reranker = LLM(model("bert-rerank-sigmoid"))
    outputs = reranker.score("q", ["a", "b"], use_tqdm=False)
    assert [o.outputs.score for o in outputs] == pytest.approx(engine("bert-rerank-sigmoid").score("q", ["a", "b"]).tolist())
    assert reranker.score(["q", "r"], ["a", "b"], use_tqdm=False)[0].outputs.score == outputs[0].outputs.score
    with pytest.raises(ValueError, match="1:1, 1:N or N:N"):
        reranker.score(["q", "r"], ["a", "b", "c"])
    with pytest.raises(TypeError):
        reranker.score(data_1="q", data_2="a")
    late = LLM(model("colbert-bert"))
    assert "_" in late.score("q", "a", use_tqdm=False)[0].request_id


def test_arguments():
    every = {**vars(EngineArgs(model=model("bert-embed-mean"))), "gpu_memory_utilization": 0.5, "enforce_eager": True}
    assert LLM(**every).model_config.embedding_size == 64
    assert LLM.from_engine_args(EngineArgs(model=model("bert-embed-mean"))).supported_tasks == ["embed", "token_embed"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_modle_len'"):
        LLM(model("bert-embed-mean"), max_modle_len=3)
    for name, value in (("runner", "generate"), ("enable_lora", True), ("data_parallel_size", 2), ("load_format", "gguf"),
                        ("tokenizer_revision", "x")):
        with pytest.raises(ValueError, match=name):
            LLM(model("bert-embed-mean"), **{name: value})


def test_arguments_that_would_change_results(caplog):
    """Each of vLLM's is honoured, has no effect and is said to have none, or is refused by name."""
    from vecton.vllm.arguments import HONOURED, NO_EFFECT, REFUSED

    assert not set(HONOURED) & set(NO_EFFECT) and not set(HONOURED) & set(REFUSED) and not set(NO_EFFECT) & set(REFUSED)
    for name, value in (("kv_cache_dtype", "int2"), ("logprobs_mode", "processed_logits"), ("mamba_ssm_cache_dtype", "float16"),
                        ("model_class_overrides", {"a": "b"}), ("hf_config_path", "elsewhere"), ("interleave_mm_strings", True)):
        with pytest.raises(ValueError, match=name):
            LLM(model("bert-embed-mean"), **{name: value})
    with caplog.at_level("INFO", "vecton.vllm"):
        LLM(model("bert-embed-mean"), moe_backend="triton", kv_cache_dtype="auto", model_class_overrides={}, kv_cache_dtype_skip_layers=[])
    assert "moe_backend has no effect" in caplog.text


def test_scores_by_a_template(caplog, tmp_path):
    reranker = LLM(model("bert-rerank-sigmoid"))
    own = engine("bert-rerank-sigmoid")
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }} {% endfor %}{{ instruction }}"
    texts = [f"query: q document: {text} now" for text in ("a", "b")]
    want = own.classify(texts)[:, 0].tolist()
    params = PoolingParams(extra_kwargs={"chat_template_kwargs": {"instruction": "now"}})
    outputs = reranker.score("q", ["a", "b"], chat_template=template, pooling_params=params, use_tqdm=False)
    assert [o.outputs.score for o in outputs] == want
    assert outputs[0].prompt_token_ids == own.tokenizer.encode(texts[0])
    raw = PoolingParams(use_activation=False, extra_kwargs=params.extra_kwargs)
    assert reranker.score("q", "a", chat_template=template, pooling_params=raw)[0].outputs.score == own.classify(texts, raw=True)[0, 0]
    file = tmp_path / "score.jinja"
    file.write_text(template)
    of_file = LLM(model("bert-rerank-sigmoid"), chat_template=str(file))
    assert [o.outputs.score for o in of_file.score("q", ["a", "b"], pooling_params=params)] == want
    with pytest.raises(ValueError, match="only instruction is read, found 'other'"):
        reranker.score("q", "a", pooling_params=PoolingParams(extra_kwargs={"chat_template_kwargs": {"other": 1}}))
    with caplog.at_level("WARNING", "vecton.vllm"):
        late = LLM(model("colbert-bert"))
        assert late.score("q", "a", chat_template=template)[0].outputs.score == late.score("q", "a")[0].outputs.score
    assert "chat_template has no effect" in caplog.text


def test_overrides_may_be_a_function():
    def change(config):
        assert config.model_type == "bert"
        config.update({"max_position_embeddings": config.max_position_embeddings})
        config.num_attention_heads = config.num_attention_heads
        return config

    assert LLM(model("bert-embed-mean"), hf_overrides=change).model_config.hf_config.model_type == "bert"


def test_pooler_configs():
    assert LLM(model("bert-embed-mean"), pooler_config={"pooling_type": "CLS"}).engine.info.pooling == "CLS"
    assert LLM(model("colbert-bert"), pooler_config=PoolerConfig(task="token_embed")).embed("a", use_tqdm=False)[0].outputs.data.ndim == 2
    for how, words in ((dict(normalize=True), "use `use_activation`"), (dict(task="score"), "removed"), (dict(logit_sigma=0), "logit_sigma"),
                       (dict(pooling_type="CLS", seq_pooling_type="MEAN"), "not both")):
        with pytest.raises(ValueError, match=words):
            PoolerConfig(**how)
    with pytest.raises(ValueError, match="poling"):
        LLM(model("bert-embed-mean"), pooler_config={"poling": 1})


def test_bars_are_made_as_tqdms_are(llm):
    made = []

    class Bar:
        def __init__(self, **look):
            made.append(look)
            self.n = 0

        def update(self, n):
            made.append(n)

        def close(self):
            made.append("closed")

    llm.embed(["a", "b", "c"], use_tqdm=Bar)
    assert made[0]["total"] == 3 and made[0]["desc"] == "Processed prompts" and made[0]["dynamic_ncols"] and made[1:] == [3, "closed"]


def test_what_has_no_meaning_is_refused(llm):
    for call in (llm.sleep, llm.wake_up, llm.collective_rpc, llm.apply_model, llm.enqueue, llm.enqueue_chat, llm.wait_for_completion,
                 llm.start_profile, llm.stop_profile, llm.release_kv_cache_memory, llm.reset_prefix_cache):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(ValueError, match="generative"):
        llm.generate("a")
    with pytest.raises(ValueError, match="lora_request"):
        llm.embed("a", lora_request=object())


def test_arguments_as_vllms_examples_take_them():
    from dataclasses import asdict

    from vecton.vllm.utils.argparse_utils import FlexibleArgumentParser

    args = EngineArgs(model=model("bert-embed-mean"), runner="pooling", pooler_config=PoolerConfig(pooling_type="CLS"))
    (output,) = LLM(**asdict(args)).embed("a", use_tqdm=False)
    assert output.outputs.embedding == LLM(model("bert-embed-mean"), pooler_config={"pooling_type": "CLS"}).embed("a")[0].outputs.embedding
    parser = EngineArgs.add_cli_args(FlexibleArgumentParser())
    parser.set_defaults(model=model("bert-embed-mean"), runner="pooling", enforce_eager=True)
    given = parser.parse_args(["--max_model_len", "20", "--limit-mm-per-prompt", '{"image": 1}', "--no-trust-remote-code"])
    assert (given.max_model_len, given.limit_mm_per_prompt, given.trust_remote_code) == (20, {"image": 1}, False)
    assert LLM(**vars(given)).model_config.max_model_len == 20
