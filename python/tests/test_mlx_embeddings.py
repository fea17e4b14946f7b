"""vecton.mlx_embeddings' models, called with token ids as mlx-embeddings' are."""
import numpy as np

from conftest import model
from vecton.mlx_embeddings import load


def test_hidden_states_of_a_model_whose_tokens_have_a_head():
    ids = np.array([[0, 5, 6, 7, 8, 2, 1, 1], [0, 9, 10, 11, 12, 13, 14, 2]])
    mask = np.arange(8) < np.array([[6], [8]])
    answer = load(model("bge-m3"))[0](ids, attention_mask=mask)
    hidden = np.asarray(answer.last_hidden_state)
    # What mlx-embeddings 0.1.0 gives: the first token has a row, which BGE-M3's own vectors of tokens leave out.
    assert hidden.shape == (2, 8, 48)
    assert np.allclose(hidden[0, 0, :4], [-0.2642, 0.7633, -1.4646, -0.1630], atol=1e-4)
    assert np.allclose(hidden[0, 5, :4], [-0.4816, 0.9970, -1.2421, -0.0902], atol=1e-4)
    assert np.allclose(hidden[1, 7, :4], [-0.1743, 0.3520, -2.6416, 0.1372], atol=1e-4)
    assert not hidden[0, 6:].any()
    first = hidden[:, 0]  # which its pooling takes
    assert np.allclose(answer.text_embeds, first / np.linalg.norm(first, axis=1, keepdims=True), atol=1e-6)
