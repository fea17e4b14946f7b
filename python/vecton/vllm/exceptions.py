"""vLLM's errors. They are ValueErrors as well, which older releases made them and scripts catch."""
from __future__ import annotations

from typing import Any

from vecton.errors import InvalidArgument


class VLLMError(Exception):
    pass


class VLLMClientError(VLLMError):
    pass


class VLLMValidationError(VLLMClientError, InvalidArgument):
    """A prompt or a parameter that can't be served."""

    def __init__(self, message: str, *, parameter: str | None = None, value: Any = None) -> None:
        super().__init__(message)
        self.parameter, self.value = parameter, value
        self.code, self.field = "invalid_argument", parameter or ""
