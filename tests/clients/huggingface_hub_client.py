# packages: huggingface_hub numpy
# models: embed classify
# use: InferenceClient(URL)
from expect import CLASSIFY, EMBED, TEXTS, same, vectors
from huggingface_hub import InferenceClient

client = InferenceClient(EMBED)
same([client.feature_extraction(text).reshape(-1).tolist() for text in TEXTS], vectors())
assert len(client.sentence_similarity(TEXTS[0], other_sentences=TEXTS)) == len(TEXTS)
assert InferenceClient(CLASSIFY).text_classification(TEXTS[0])[0].score > 0
