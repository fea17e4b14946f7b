"""What schemathesis takes for a fault and is none, each with its reason; loaded by tools/check_openapi.

`positive_data_acceptance` is replaced by `valid_data_is_taken`: the same check, but for refusals that no schema can foresee, because
the loaded model decides, or the server's options, or because JSON Schema has no words for what is asked.
OpenAI's dialect answers them with 400 and TEI's with 422 or 424, as it does any other, so their words tell them apart."""
import copy
import json
import os
import re
import urllib.request

import jsonschema_rs
import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import positive_data_acceptance

# A schema says what a body may be; these depend on the model's tasks, vocabulary, length, prompts and template.
MODELS_OWN = {
    "the model does not have the task": r"The loaded model supports|It supports: |are for models of|loaded model has none|is not a token classification model|does not read images|takes text",
    "the size of its vectors": r"matryoshka|maximum embedding dimension|dimensions are for the task|embedding size",
    "its pooling": r"late chunking is for embedding models with mean pooling",
    "its activation": r"`function_to_apply` should be .* which the checkpoint has",
    "its vocabulary": r"is not in the vocabulary of|out of vocabulary|no token of",
    "its length": r"maximum context length|max_model_len|tokens (of|than) the model|longer than|at most \d+ tokens|has \d+ tokens",
    "its special tokens": r"has no room for the \d+ special tokens|special tokens are written as the tokenizer has them",
    "its prompts": r"is not one of the model's prompts|prompts: it has none|rerankers whose prompt has one",
    "its chat template": r"chat template|template",
    "its labels": r"hypothesis_template",
    "its temperature": r"n must be 1 when temperature is 0",
}
SERVERS_OWN = {
    "its options": r"priority scheduling is not enabled|\(max_logprobs\)",
}
# What JSON Schema cannot say.
UNSAID = {
    "one number against another": r"min_tokens: expected 0 to max_tokens|best_of: ",
    "a name that stands in another field": r"tool_choice: the tool .* is not in tools",
    "what the last item of a list has": r"the final message has no",
    "the length of one list against another": r"Input lengths must be either",
    "a text in another language: an expression, a grammar, a schema": r"structural_tag|grammar, line \d+|regular expression|regex|(?i:json schema)|no text satisfies it",
    "the bytes of a picture": r"data: URI|base64 of a picture|picture|image",
}
REASONS = {**MODELS_OWN, **SERVERS_OWN, **UNSAID}

# Bodies of more rules than these (allOf) are beyond its generator of random bodies ("does not support this part of it"), and so are any
# for /invocations, which takes fifteen bodies: with FUZZING set it gets the first ones or none, and what breaks another says nothing.
MOST_RULES = 3
DOCUMENT = {}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    DOCUMENT.update(copy.deepcopy(raw_schema))
    if not os.environ.get("FUZZING"):
        return
    schemas = raw_schema["components"]["schemas"]
    for body in raw_schema["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["schema"]["anyOf"]:
        name = body["$ref"].rsplit("/", 1)[1]
        schemas[name + "Alone"] = {key: value for key, value in schemas[name].items() if key != "allOf"}
        body["$ref"] += "Alone"
    for schema in schemas.values():
        del schema.get("allOf", [])[MOST_RULES:]


def fits(schema, body):
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).is_valid(body)


def breaks_a_rule(case):
    described = DOCUMENT["paths"][case.operation.path][case.operation.method.lower()]
    return "requestBody" in described and not fits(described["requestBody"]["content"]["application/json"]["schema"], case.body)


# At / and /invocations the loaded model decides which of the bodies is read.
TEI_BODIES = {"embed": "TeiEmbedRequest", "token_embed": "TeiTokensRequest", "sparse_embed": "TeiTokensRequest",
              "token_classify": "TokenClassifyRequest", "fill_mask": "FillMaskRequest"}


def tasks_of(case, known={}):
    base = case.operation.base_url.rstrip("/")
    if base not in known:
        with urllib.request.urlopen(base + "/v1/models") as answer:
            known[base] = json.load(answer)["data"][0]["tasks"]
    return known[base]


def body_read(path, body, tasks):
    """The schema of the body that docs/SERVER.md says is read."""
    def has(name):
        return body.get(name) is not None
    if path == "/" or "inputs" in body or "texts" in body:
        if isinstance(body.get("inputs"), dict):
            return "SimilarityRequest"
        if "texts" in body:
            return "TeiRerankRequest"
        if has("candidate_labels") or "candidate_labels" in (body.get("parameters") or {}):
            return "ZeroShotRequest"
        return TEI_BODIES.get(tasks[0], "PredictRequest")
    if has("task"):
        return "PoolingScoreRequest" if body["task"] == "score" else "PoolingRequest"
    if has("query") and has("documents"):
        return "RerankRequest"
    if has("text_1") or has("data_1") or has("queries"):
        return "ScoreRequest"
    if "generate" in tasks and (has("messages") or has("prompt")):
        return "ChatCompletionRequest" if has("messages") else "CompletionRequest"
    first = next((task for task in tasks if task not in ("score", "fill_mask", "generate")), "embed")
    return {"embed": "EmbeddingsRequest", "classify": "ClassifyRequest"}.get(first, "PoolingRequest")


def is_another_models(case, answer):
    """Whether the body is not of the form that this model's server reads, or has a field of another's."""
    if case.operation.path not in ("/", "/invocations") or not isinstance(case.body, dict):
        return False
    name = body_read(case.operation.path, case.body, tasks_of(case))
    strange = re.findall(r"body\.(?:parameters\.)?(\w+): this route has no such field", answer)
    if any(field not in DOCUMENT["components"]["schemas"][name]["properties"] for field in strange):
        return True
    return not fits({"$ref": "#/components/schemas/" + name}, case.body)


@schemathesis.check
def valid_data_is_taken(ctx, response, case):
    try:
        return positive_data_acceptance(ctx, response, case)
    except Failure:
        known = any(re.search(words, response.text) for words in REASONS.values())
        if response.status_code in (400, 422, 424) and (
                known or is_another_models(case, response.text) or breaks_a_rule(case)):
            return None
        raise
