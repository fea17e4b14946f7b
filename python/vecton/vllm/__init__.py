"""vLLM's offline API on Vecton: LLM, its parameters, its outputs and its errors."""
from __future__ import annotations

from vecton.vllm.config import PoolerConfig
from vecton.vllm.engine_args import EngineArgs
from vecton.vllm.exceptions import VLLMClientError, VLLMError, VLLMValidationError
from vecton.vllm.generated import CompletionOutput, RequestOutput
from vecton.vllm.llm import LLM
from vecton.vllm.outputs import (
    ClassificationOutput, ClassificationRequestOutput, EmbeddingOutput, EmbeddingRequestOutput, PoolingOutput,
    PoolingRequestOutput, ScoringOutput, ScoringRequestOutput,
)
from vecton.vllm.pooling_params import PoolingParams
from vecton.vllm.sampling_params import SamplingParams

__version__ = "0.33.0"  # whose behaviour this is

__all__ = [
    "LLM", "ClassificationOutput", "ClassificationRequestOutput", "CompletionOutput", "EmbeddingOutput", "EmbeddingRequestOutput", "EngineArgs",
    "PoolerConfig", "PoolingOutput", "PoolingParams", "PoolingRequestOutput", "RequestOutput", "SamplingParams", "ScoringOutput", "ScoringRequestOutput",
    "VLLMClientError", "VLLMError", "VLLMValidationError",
]
