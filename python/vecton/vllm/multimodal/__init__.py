"""vllm.multimodal: the helpers of scripts with pictures, in utils."""
