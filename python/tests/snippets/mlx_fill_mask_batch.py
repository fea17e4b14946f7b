import mlx.core as mx
from mlx_embeddings.utils import load

model, tokenizer = load("mlx-community/answerdotai-ModernBERT-base-4bit")
text = ["The capital of France is [MASK].", "The capital of Poland is [MASK]."]
inputs = tokenizer.batch_encode_plus(text, return_tensors="mlx", padding=True, truncation=True, max_length=512)
outputs = model(**inputs)
mask_indices = mx.array([ids.tolist().index(tokenizer.mask_token_id) for ids in inputs["input_ids"]])
batch_indices = mx.arange(len(mask_indices))
predicted_token_ids = mx.argmax(outputs.pooler_output[batch_indices, mask_indices], axis=-1).tolist()
predicted_token = tokenizer.batch_decode(predicted_token_ids)
print("Predicted token:", predicted_token)
