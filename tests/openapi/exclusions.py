"""What schemathesis takes for a fault and is none, each with its reason; loaded by tools/check_openapi.

`positive_data_acceptance` is replaced by `valid_data_is_taken`: the same check, but for refusals that only the loaded model decides.
OpenAI's dialect answers them with 400 and TEI's with 422 or 424, as it does any other, so their words tell them apart."""
import re

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi.checks import positive_data_acceptance

# A schema says what a body may be; these depend on the model's tasks, vocabulary, length, prompts and template.
MODELS_OWN = {
    "the model does not have the task": r"The loaded model supports|It supports: |are for models of|loaded model has none|is not a token classification model|does not read images|takes text",
    "the size of its vectors": r"matryoshka|maximum embedding dimension|dimensions are for the task|embedding size",
    "its vocabulary": r"is not in the vocabulary of|out of vocabulary|no token of",
    "its length": r"maximum context length|max_model_len|tokens (of|than) the model|longer than|at most \d+ tokens|has \d+ tokens",
    "its prompts": r"is not one of the model's prompts|prompts: it has none|rerankers whose prompt has one",
    "its chat template": r"no chat template|chat template|template",
    "its labels": r"hypothesis_template",
    "at / its task, whose fields the body may not be of": r"this route has no such field",
    "the server's options": r"priority scheduling is not enabled",
}


@schemathesis.check
def valid_data_is_taken(ctx, response, case):
    try:
        return positive_data_acceptance(ctx, response, case)
    except Failure:
        reasons = [reason for reason, words in MODELS_OWN.items() if re.search(words, response.text)]
        if case.operation.path not in ("/", "/invocations"):
            reasons = [reason for reason in reasons if not reason.startswith("at /")]
        if response.status_code in (400, 422, 424) and reasons:
            return None
        raise
