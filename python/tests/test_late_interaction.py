"""vecton.max_sim: a query and stored documents."""
import numpy as np
import pytest

import vecton
from conftest import run_python


def by_numpy(query, document):
    return float((query.astype(np.float64) @ document.astype(np.float64).T).max(axis=1).sum())


@pytest.fixture
def query():
    return np.random.default_rng(0).standard_normal((19, 128), np.float32)


@pytest.fixture
def documents():
    random = np.random.default_rng(1)
    return [random.standard_normal((tokens, 128), np.float32) for tokens in (1, 300, 17, 768)]


def test_lists_arrays_and_files(query, documents, tmp_path):
    want = [by_numpy(query, document) for document in documents]
    scores = vecton.max_sim(query, documents)
    assert scores.dtype == np.float32 and np.allclose(scores, want, rtol=1e-5)
    np.save(tmp_path / "store.npy", np.concatenate(documents))
    store = np.load(tmp_path / "store.npy", mmap_mode="r")
    assert isinstance(store, np.memmap)
    assert (vecton.max_sim(query, store, [0, 1, 301, 318, 1086]) == scores).all()
    assert (vecton.max_sim(query, store, [301, 318]) == scores[2:3]).all()
    assert (vecton.max_sim(query, documents[1].reshape(3, 100, 128)) ==
            vecton.max_sim(query, documents[1], [0, 100, 200, 300])).all()
    assert vecton.max_sim(query.astype(np.float64), documents).tolist() == scores.tolist()
    assert vecton.max_sim(query, []).shape == vecton.max_sim(query, documents[0], [0]).shape == (0,)


def test_what_does_not_belong_together(query, documents):
    with pytest.raises(vecton.InvalidArgument, match="documents have 64 columns, the query has 128"):
        vecton.max_sim(query, [document[:, :64] for document in documents])
    with pytest.raises(vecton.InvalidArgument, match="document 1 has no rows"):
        vecton.max_sim(query, [documents[0], documents[1][:0]])
    with pytest.raises(vecton.InvalidArgument, match="of the 300 rows of documents"):
        vecton.max_sim(query, documents[1], [0, 301])


def test_a_child_process_has_threads_of_its_own():
    run_python("""
import os, numpy as np, vecton
rows = np.ones((400, 64), np.float32)
assert vecton.max_sim(rows[:8], rows[None])[0] == 512
child = os.fork()
if child == 0:
    os._exit(0 if vecton.max_sim(rows[:8], rows[None])[0] == 512 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""")
