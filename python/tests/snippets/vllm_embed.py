from vllm import LLM

llm = LLM(model="mlx-community/Qwen3-Embedding-0.6B-8bit", runner="pooling", max_model_len=512)
outputs = llm.embed(["hello metal", "semantic search"])
print(len(outputs), len(outputs[0].outputs.embedding))
