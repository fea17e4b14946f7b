from mlx_embeddings.utils import load

model, tokenizer = load("NousResearch/Minos-v1")
id2label = model.config.id2label
inputs = tokenizer.encode("<|user|> What is it? <|assistant|> I can't say.", return_tensors="mlx")
outputs = model(inputs)
predictions = outputs.pooler_output[0]
for idx, logit in enumerate(predictions.tolist()):
    print(f"{id2label[str(idx)]}: {logit:.3f}")
