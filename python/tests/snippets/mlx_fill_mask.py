import mlx.core as mx
from mlx_embeddings.utils import load

model, tokenizer = load("mlx-community/answerdotai-ModernBERT-base-4bit")
inputs = tokenizer.encode("The capital of France is [MASK].", return_tensors="mlx")
outputs = model(inputs)
masked_index = inputs.tolist()[0].index(tokenizer.mask_token_id)
predicted_token_id = mx.argmax(outputs.pooler_output[0, masked_index]).tolist()
predicted_token = tokenizer.decode(predicted_token_id)
print("Predicted token:", predicted_token)
