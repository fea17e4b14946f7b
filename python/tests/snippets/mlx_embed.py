from mlx_embeddings.utils import load

model, tokenizer = load("mlx-community/all-MiniLM-L6-v2-4bit")
input_ids = tokenizer.encode("I like reading", return_tensors="mlx")
outputs = model(input_ids)
raw_embeds = outputs.last_hidden_state[:, 0, :]
text_embeds = outputs.text_embeds
print(raw_embeds.shape, text_embeds.shape)
