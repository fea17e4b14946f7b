"""Coroutines and futures: the same values, cancelling, loops that end."""
import asyncio
import concurrent.futures

import numpy as np
import pytest

import vecton
from conftest import engine, model


def test_many_coroutines_have_the_bits_of_calls(embedder):
    texts = [f"text {i}" for i in range(200)]

    async def main():
        return await asyncio.gather(*(embedder.aembed(text) for text in texts))

    assert np.array_equal(np.stack(asyncio.run(main())), embedder.embed(texts))


def test_every_method_has_a_twin():
    async def main():
        pairs = [("q", "a"), ("q", "b")]
        reranker, tagger, filler = engine("bert-rerank-sigmoid"), engine("bert-token-classify"), engine("bert-mlm")
        assert np.array_equal(await reranker.ascore("q", ["a", "b"]), reranker.score("q", ["a", "b"]))
        assert np.array_equal(await reranker.ascore_pairs(pairs), reranker.score_pairs(pairs))
        assert await reranker.arank("q", ["a", "b"]) == reranker.rank("q", ["a", "b"])
        assert await tagger.atag("a b") == tagger.tag("a b")
        assert np.array_equal((await tagger.aclassify_tokens(["a"])).values, tagger.classify_tokens(["a"]).values)
        assert await filler.afill_mask("[MASK]") == filler.fill_mask("[MASK]")
        colbert, splade, classes = engine("colbert-bert"), engine("splade-bert"), engine("bert-classify-softmax")
        assert np.array_equal((await colbert.aembed_tokens(["a"])).values, colbert.embed_tokens(["a"]).values)
        assert (await splade.aembed_sparse(["a"])).to_dicts() == splade.embed_sparse(["a"]).to_dicts()
        assert np.array_equal(await classes.aclassify("a"), classes.classify("a"))

    asyncio.run(main())


def test_errors_reach_who_awaits(embedder):
    async def main():
        with pytest.raises(vecton.TooLong):
            await embedder.aembed("a " * 500)
        with pytest.raises(TypeError):
            await embedder.aembed([None])
        assert (await embedder.aembed("a")).shape == (64,)

    asyncio.run(main())


def test_cancelled_coroutines_give_their_requests_up():
    slow = vecton.Engine(model("bert-embed-mean"), threads=1)

    async def main():
        tasks = [asyncio.ensure_future(slow.aembed(["some text of words"] * 300)) for _ in range(20)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(end, asyncio.CancelledError) for end in ends)
        assert (await slow.aembed("a")).shape == (64,)
        while slow.stats()["tokens_waiting"]:  # what was being handed over when it was cancelled
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert slow.stats()["requests_cancelled"] > 0


def test_a_full_queue_is_waited_for():
    small = vecton.Engine(model("bert-embed-mean"), max_queue_tokens=30, threads=1)

    async def main():
        return await asyncio.gather(*(small.aembed(f"a text {i}") for i in range(60)))

    assert len(asyncio.run(main())) == 60


def test_a_loop_that_ends_first(embedder):
    async def main():
        asyncio.ensure_future(embedder.aembed(["some text"] * 100))
        await asyncio.sleep(0)

    asyncio.run(main())
    assert embedder.embed("a").shape == (64,)


def test_futures(embedder):
    future = embedder.submit("embed", ["a", "b"])
    assert isinstance(future, concurrent.futures.Future)
    assert np.array_equal(future.result(30), embedder.embed(["a", "b"]))
    assert isinstance(embedder.submit("embed", "a", truncate=True).result(30), np.ndarray)
    with pytest.raises(vecton.TooLong):
        embedder.submit("embed", "a " * 500)
    with pytest.raises(ValueError, match="no method 'close'"):
        embedder.submit("close")
    done, _ = concurrent.futures.wait([embedder.submit("embed", "a") for _ in range(10)], 30)
    assert len(done) == 10


def test_cancelled_futures():
    slow = vecton.Engine(model("bert-embed-mean"), threads=1)
    futures = [slow.submit("embed", ["some text of words"] * 200) for _ in range(20)]
    assert futures[-1].cancel() and futures[-1].cancelled()
    assert futures[0].result(30).shape == (200, 64)
