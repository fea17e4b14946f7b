from vllm import LLM

llm = LLM(model="answerdotai/answerai-colbert-small-v1", runner="pooling")
(output,) = llm.score("What is the capital of France?", "The capital of Brazil is Brasilia.")
print(f"Score: {output.outputs.score}")
