import mlx.core as mx  # noqa: F401
from mlx_embeddings.utils import load
from sklearn.metrics.pairwise import cosine_similarity

model, tokenizer = load("mlx-community/all-MiniLM-L6-v2-4bit")
texts = ["I like grapes", "I like fruits", "The slow green turtle crawls under the busy ant."]
inputs = tokenizer.batch_encode_plus(texts, return_tensors="mlx", padding=True, truncation=True, max_length=512)
embeddings = model(inputs["input_ids"], attention_mask=inputs["attention_mask"]).text_embeds
B, _ = embeddings.shape
matrix = cosine_similarity(embeddings)
for i in range(B):
    for j in range(i + 1, B):
        print(f"{i + 1} {j + 1}: {matrix[i][j]:.4f}")
