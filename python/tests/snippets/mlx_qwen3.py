from mlx_embeddings.utils import load

model, tokenizer = load("Qwen/Qwen3-Embedding-0.6B")
texts = ["The quick brown fox", "Lazy dog sleeping"]
inputs = tokenizer.batch_encode_plus(texts, return_tensors="mlx", padding=True, truncation=True)
outputs = model(inputs["input_ids"], attention_mask=inputs["attention_mask"])
print(outputs.text_embeds.shape)
print(outputs.text_embeds.dtype)
