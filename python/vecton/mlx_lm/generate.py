"""generate, stream_generate and batch_generate."""
from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vecton.generation import Delta
from vecton.mlx_lm.load import load
from vecton.mlx_lm.sample_utils import Sampler, make_sampler

# Of mlx-lm's own loop: taken where they are the default.
DEFAULTS = {"draft_model": None, "max_kv_size": None, "prompt_cache": None, "kv_bits": None, "prompt_progress_callback": None,
            "input_embeddings": None, "num_draft_tokens": None}
NO_EFFECT = ("prefill_step_size", "kv_group_size", "quantized_kv_start", "completion_batch_size", "prefill_batch_size")


@dataclass
class GenerationResponse:
    text: str
    token: int
    logprobs: Any
    from_draft: bool
    prompt_tokens: int
    prompt_tps: float
    generation_tokens: int
    generation_tps: float
    peak_memory: float  # GB
    finish_reason: str | None = None


@dataclass
class BatchResponse:
    texts: list[str]
    stats: Any = None


def _request(tokenizer: Any, prompt: Any, max_tokens: int, sampler: Any, logits_processors: Any, how: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    for name, value in how.items():
        if name in DEFAULTS and value is not None:
            raise ValueError(f"{name} is not supported")
        if name not in DEFAULTS and name not in NO_EFFECT:
            raise TypeError(f"generate() got an unexpected keyword argument {name!r}")
    fields: dict[str, Any] = {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "max_tokens": max_tokens}
    for part in [sampler, *(logits_processors or [])]:
        if part is None:
            continue
        if not isinstance(part, Sampler):
            raise TypeError("sampler and logits_processors must come from make_sampler and make_logits_processors: logits are not reached from Python")
        fields.update(part.fields)
    if tokenizer.eos_token_id is not None:  # ends a text there, whatever ends generation_config.json names
        fields["stop_token_ids"] = [tokenizer.eos_token_id]
    if isinstance(prompt, str):
        bos = tokenizer.bos_token
        fields["add_special_tokens"] = bos is None or not prompt.startswith(bos)
        return prompt, fields
    return [int(i) for i in prompt], fields


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def stream_generate(model: Any, tokenizer: Any, prompt: Any, max_tokens: int = 256, *, sampler: Any = None, logits_processors: Any = None,
                    **how: Any) -> Iterator[GenerationResponse]:
    """A response per step; the last one has a finish_reason. Greedy, unless a sampler says otherwise."""
    text, fields = _request(tokenizer, prompt, max_tokens, sampler, logits_processors, how)
    start = time.perf_counter()
    first = start
    with model.engine.stream_generate(text, **fields) as stream:
        for delta in stream:
            now = time.perf_counter()
            if first == start:
                first = now
            yield _response(delta, first - start, now - first)


def _response(delta: Delta, reading: float, writing: float) -> GenerationResponse:
    return GenerationResponse(
        delta.text, delta.token_ids[-1] if delta.token_ids else -1, None, False, delta.prompt_tokens, delta.prompt_tokens / max(reading, 1e-9),
        delta.completion_tokens, (delta.completion_tokens - 1) / writing if writing > 0 else 0.0, _peak_memory(), delta.finish_reason)


def generate(model: Any, tokenizer: Any, prompt: Any, verbose: bool = False, **how: Any) -> str:
    """The text that the model writes. `verbose` prints it as it comes, and how fast."""
    parts: list[str] = []
    last = None
    if verbose:
        print("=" * 10)
    for last in stream_generate(model, tokenizer, prompt, **how):
        parts.append(last.text)
        if verbose:
            print(last.text, end="", flush=True)
    if verbose:
        print("\n" + "=" * 10)
        if last is None or not last.generation_tokens:
            print("No text generated for this prompt")
        else:
            print(f"Prompt: {last.prompt_tokens} tokens, {last.prompt_tps:.3f} tokens-per-sec")
            print(f"Generation: {last.generation_tokens} tokens, {last.generation_tps:.3f} tokens-per-sec")
            print(f"Peak memory: {last.peak_memory:.3f} GB")
    return "".join(parts)


def batch_generate(model: Any, tokenizer: Any, prompts: list[list[int]], max_tokens: int | list[int] = 128, verbose: bool = False, *,
                   sampler: Any = None, logits_processors: Any = None, **how: Any) -> BatchResponse:
    """Texts for prompts of token ids, written together."""
    most = max_tokens if isinstance(max_tokens, list) else [max_tokens] * len(prompts)
    futures = []
    for prompt, limit in zip(prompts, most, strict=True):
        text, fields = _request(tokenizer, prompt, limit, sampler, logits_processors, how)
        futures.append(model.engine.submit("generate", [text], **fields))
    return BatchResponse([future.result()[0].text for future in futures])


def main(arguments: list[str] | None = None) -> None:
    """python -m mlx_lm.generate: one prompt from the command line."""
    parser = argparse.ArgumentParser(prog="mlx_lm.generate", description="Writes what a model answers to a prompt.")
    parser.add_argument("--model", required=True, help="folder, GGUF file or name on the model hub")
    parser.add_argument("--prompt", "-p", default="hello", help="what the user says; - reads it from the standard input")
    parser.add_argument("--system-prompt", default="")
    parser.add_argument("--max-tokens", "-m", type=int, default=100)
    parser.add_argument("--temp", type=float, default=0.0)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--min-p", type=float, default=0.0)
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--seed", type=int, help="of temperatures above 0 [a random one]")
    parser.add_argument("--ignore-chat-template", action="store_true", help="the prompt as it is")
    parser.add_argument("--chat-template-config", help="variables of the chat template, as JSON")
    parser.add_argument("--verbose", type=lambda text: text.lower() not in ("false", "f", "0"), default=True, help="false: the text alone")
    given = parser.parse_args(arguments)
    model, tokenizer = load(given.model)
    prompt: Any = sys.stdin.read() if given.prompt == "-" else given.prompt
    if not given.ignore_chat_template:
        messages = [{"role": "system", "content": given.system_prompt}] if given.system_prompt else []
        variables = json.loads(given.chat_template_config) if given.chat_template_config else {}
        prompt = tokenizer.apply_chat_template([*messages, {"role": "user", "content": prompt}], add_generation_prompt=True, **variables)
    sampler = make_sampler(given.temp, given.top_p, given.min_p, top_k=given.top_k, seed=given.seed)
    text = generate(model, tokenizer, prompt, given.verbose, max_tokens=given.max_tokens, sampler=sampler)
    if not given.verbose:
        print(text)


if __name__ == "__main__":
    main()
