"""Zero-shot classification: labels that a model was not trained for, as transformers' pipelines of that name read them."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vecton import _core
from vecton.errors import InvalidArgument
from vecton.texts import as_list

if TYPE_CHECKING:
    from vecton.engine import Call, ModelInfo


def plan(info: ModelInfo, inputs: Any, candidate_labels: str | Sequence[str], hypothesis_template: str | None, multi_label: bool,
         truncate_to: int | None) -> Call:
    """A model of natural language inference says of each text whether it entails each label's hypothesis; one that compares images and
    texts which label's text is the image's."""
    of_images = info.images and not info.image_placeholder and "embed" in info.tasks
    labels = _labels(candidate_labels)
    template = hypothesis_template or ("This is a photo of {}." if of_images else "This example is {}.")
    if template.count("{}") != 1:
        raise ValueError(f"hypothesis_template: expected a text with one {{}}, where the label goes, found {template!r}")
    hypotheses = [template.replace("{}", label) for label in labels]
    many, single = as_list(inputs, "inputs")
    if of_images:
        if multi_label:
            raise ValueError("multi_label: whether several labels may be an image's is the model's own")
        return _of_images(many, single, labels, hypotheses, truncate_to)
    return _of_texts(info, many, single, labels, hypotheses, multi_label, truncate_to)


def _labels(given: str | Sequence[str]) -> list[str]:
    """A list, or names with commas between them."""
    labels = [label.strip() for label in given.split(",") if label.strip()] if isinstance(given, str) else list(given)
    if not labels or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"candidate_labels must be a list of one label or more, found {given!r}")
    return labels


def _sorted(labels: list[str], scores: Any) -> list[dict[str, Any]]:
    order = sorted(range(len(labels)), key=lambda i: -scores[i])
    return [{"label": labels[i], "score": float(scores[i])} for i in order]


def _of_images(inputs: list[Any], single: bool, labels: list[str], hypotheses: list[str], truncate_to: int | None) -> Call:
    from vecton.engine import Call

    def finish(parts: Any) -> Any:
        for part in parts:
            part.raise_first()
        found = [_sorted(labels, part.vector(i)) for part in parts for i in range(len(part))]
        return found[0] if single else found

    return Call(inputs, _core.Request(task="classify", candidates=hypotheses, truncate_to=truncate_to), None, finish)


def _of_texts(info: ModelInfo, inputs: list[Any], single: bool, labels: list[str], hypotheses: list[str], multi_label: bool,
              truncate_to: int | None) -> Call:
    from vecton.engine import Call

    entailment = next((i for i, label in enumerate(info.labels) if label.lower().startswith("entail")), None)
    if "classify" not in info.tasks or len(info.labels) < 2 or entailment is None:
        raise InvalidArgument(f"candidate_labels: {info.name} is neither a model of natural language inference, with a label \"entailment\", nor "
                              f"one that compares images and texts. It does {', '.join(info.tasks)}")
    against = len(info.labels) - 1 if entailment == 0 else 0

    def finish(parts: Any) -> Any:
        import numpy as np

        for part in parts:
            part.raise_first()
        rows = [part.vector(i) for part in parts for i in range(len(part))]
        logits = np.array(rows, np.float64).reshape(len(inputs), len(labels), -1)
        entailed = logits[:, :, entailment]
        if multi_label or len(labels) == 1:  # each label for itself
            scores = 1 / (1 + np.exp(logits[:, :, against] - entailed))
        else:
            powers = np.exp(entailed - entailed.max(axis=1, keepdims=True))
            scores = powers / powers.sum(axis=1, keepdims=True)
        found = [_sorted(labels, row) for row in scores]
        return found[0] if single else found

    like = _core.Request(task="classify", use_activation=False, truncate_to=truncate_to)
    return Call([text for text in inputs for _ in labels], like, hypotheses * len(inputs), finish)
