"""What a model's call gives."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class BaseModelOutput:
    last_hidden_state: Any = None
    pooler_output: Any = None
    text_embeds: Any = None
    hidden_states: Any = None
    image_embeds: Any = None
    logits_per_text: Any = None
    logits_per_image: Any = None
