"""Pictures: the reference's numbers from files, bytes, PIL images and arrays, through each of the packages that read them."""
import asyncio
import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest

import vecton
from conftest import GOLDEN, PROGRAM, engine, model, run_python

IMAGES = GOLDEN / "images"
PHOTO, BLOB, PAGE = IMAGES / "photo.jpg", IMAGES / "blob_small.png", IMAGES / "page.png"


def cases(fixture, task):
    found = json.loads((GOLDEN / fixture / "cases.json").read_text("utf8"))["cases"]
    return [case for case in found if case["task"] == task and "rows" not in case["input"]]


def expected(fixture, case, name):
    """A tensor of the reference, [rows, columns]."""
    data = (GOLDEN / fixture / "expected.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    place = json.loads(data[8:8 + size])[case["expect"][name]["tensor"]]
    begin, end = (8 + size + at for at in place["data_offsets"])
    return np.frombuffer(data[begin:end], np.float32).reshape(place["shape"])


def uri(path):
    return "data:image/png;base64," + base64.b64encode(pathlib.Path(path).read_bytes()).decode()


@pytest.fixture
def embedder():
    return engine("qwen3-vl-embedding")


@pytest.fixture
def retriever():
    return engine("colqwen3")


@pytest.fixture
def reranker():
    return engine("qwen3-vl-reranker")


@pytest.fixture
def writer():
    return engine("qwen3-vl")


def parts(case):
    return {"text": case["input"].get("text") or next((p["text"] for p in case["input"]["messages"][-1]["content"] if p["type"] == "text"), None),
            "image": [str(GOLDEN / path) for path in case["input"]["images"]]}


# The engine.

def test_the_references_vectors(embedder):
    for case in cases("qwen3-vl-embedding", "multimodal_embed"):
        vector = embedder.embed(parts(case), prompt=case["input"]["instruction"])
        assert np.abs(vector - expected("qwen3-vl-embedding", case, "embedding").reshape(-1)).max() <= 1e-4, case["id"]


def test_every_form_of_a_picture_gives_the_same_bits(embedder):
    image = pytest.importorskip("PIL.Image")
    for path in (BLOB, IMAGES / "palette.png", IMAGES / "gray.png", IMAGES / "rgba.png"):
        want = embedder.embed(path)
        pil = image.open(path)
        levels = np.asarray(pil.convert("RGB"))
        forms = [{"image": str(path)}, {"image": path}, {"image": [path.read_bytes()]}, {"image": bytearray(path.read_bytes())},
                 {"image": uri(path)}, {"image": io.BytesIO(path.read_bytes())}, pil, {"image": pil}, levels, levels.transpose(2, 0, 1)]
        for form in forms:
            assert (embedder.embed(form) == want).all(), (path.name, type(form))
        forms[5]["image"].seek(0)
        assert (embedder.embed([*forms, path]) == want).all()
        with pytest.raises(ValueError, match="nothing left to read"):
            embedder.embed(forms[5])


def test_a_jpeg_as_pil_decodes_it(embedder):
    image = pytest.importorskip("PIL.Image")
    assert np.abs(embedder.embed(PHOTO) - embedder.embed(image.open(PHOTO))).max() < 1e-5
    turned = IMAGES / "exif_rotated.jpg"  # files are turned as they say; a PIL image is what its owner has made of it
    from PIL import ImageOps

    assert np.abs(embedder.embed(turned) - embedder.embed(ImageOps.exif_transpose(image.open(turned)))).max() < 1e-5
    assert np.abs(embedder.embed(turned) - embedder.embed(image.open(turned))).max() > 1e-3


def test_batches_of_texts_and_pictures(embedder):
    inputs = ["a text", BLOB, {"text": "a page", "image": PAGE}, {"text": "words alone"}, {"text": "both", "image": [BLOB, PAGE]}]
    rows = embedder.embed(inputs)
    assert rows.shape == (5, embedder.info.embedding_size)
    for one, row in zip(inputs, rows):
        assert (embedder.embed(one) == row).all()
    assert (embedder.embed({"text": "a text"}) == rows[0]).all() and embedder.embed(BLOB).ndim == 1
    many = embedder.embed([BLOB, "a text"] * 20)  # more than are handed over at once
    assert (many[::2] == rows[1]).all() and (many[1::2] == rows[0]).all()
    sizes = np.stack([np.zeros((40, 50, 3), np.uint8), np.full((40, 50, 3), 200, np.uint8)])
    assert (embedder.embed(sizes) == embedder.embed(list(sizes))).all()


def test_the_program_gives_the_same(embedder):
    done = subprocess.run([PROGRAM, "embed", embedder.info.folder, "--text", "a page", "--image", str(PAGE), "-q"], capture_output=True,
                          text=True, check=True)
    assert np.float32(json.loads(done.stdout)["embedding"]).tolist() == embedder.embed({"text": "a page", "image": PAGE}).tolist()


def test_vectors_per_token_and_their_scores(retriever):
    documents = [case for case in cases("colqwen3", "multimodal_token_embed") if "image" in case["input"]]
    paths = [GOLDEN / case["input"]["image"] for case in documents]
    for case, rows in zip(documents, retriever.embed_tokens(paths)):
        assert np.abs(rows - expected("colqwen3", case, "token_embed")).max() <= 1e-4
    query = "red sofa with cats"
    rows = retriever.embed_tokens(query, role="query")[0]
    want = vecton.max_sim(rows, [expected("colqwen3", case, "token_embed") for case in documents])
    assert np.abs(retriever.score(query, paths) - want).max() < 1e-3
    many = retriever.embed_tokens([BLOB] * 20)  # more than are handed over at once
    assert len(many) == 20 and (many[19] == retriever.embed_tokens([BLOB])[0]).all()
    tokens = retriever.embed_tokens(["cat", BLOB])
    assert len(tokens.spans[1]) == len(tokens[1]) and not tokens.spans[1].any()
    assert [index for index, _ in retriever.rank(query, paths)] == np.argsort(-want, kind="stable").tolist()


def side(value):
    if set(value) == {"text"}:
        return value["text"]
    return {**({"text": value["text"]} if "text" in value else {}), "image": [str(GOLDEN / path) for path in value["images"]]}


def test_the_references_scores(reranker):
    found = cases("qwen3-vl-reranker", "multimodal_score")
    pairs = [(side(case["input"]["query"]), side(case["input"]["document"])) for case in found]
    scores = reranker.score_pairs(pairs)
    assert scores == pytest.approx([case["expect"]["score"] for case in found], abs=1e-4)
    assert reranker.score(*pairs[2]) == pytest.approx(found[2]["expect"]["score"], abs=1e-4)
    ranked = reranker.rank("red sofa with cats", ["a text", IMAGES / "photo.webp"])
    assert dict(ranked)[1] == pytest.approx(found[2]["expect"]["score"], abs=1e-4)


def conversation(case, make):
    """The reference's messages, with pictures in the parts that stand for them."""
    images = iter(case["input"]["images"])
    return [{**message, "content": [make(GOLDEN / next(images)) if part["type"] == "image" else part for part in message["content"]]}
            for message in case["input"]["messages"]]


FORMS = {
    "path": lambda path: {"type": "image", "image": path}, "url": lambda path: {"type": "image_url", "image_url": {"url": uri(path)}},
    "text": lambda path: {"image_url": uri(path)}, "bytes": lambda path: {"type": "input_image", "image_url": path.read_bytes()},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_references_answers(writer, form):
    for case in cases("qwen3-vl", "multimodal_generate"):
        messages = conversation(case, FORMS[form])
        ids = case["expect"]["new_ids"]
        answer = writer.chat(messages, max_tokens=len(ids), temperature=0)
        assert answer.token_ids == ids and answer.prompt_token_ids == case["input"]["input_ids"]
        assert "".join(d.text for d in writer.stream_chat(messages, max_tokens=len(ids), temperature=0)) == answer.text
        prompt = {"text": case["input"]["prompt"], "image": [str(GOLDEN / path) for path in case["input"]["images"]]}
        assert writer.generate(prompt, max_tokens=len(ids), temperature=0).token_ids == ids


def test_what_is_wrong_is_named(embedder, writer):
    for value, words in [
            ({"image": "no/such.png"}, "no/such.png"), ({"image": b"not a picture"}, "picture"), ({"picture": BLOB}, "'picture'"),
            ({}, "empty dict"), ({"image": 3}, "found int"), ({"text": 3, "image": BLOB}, "text must be a str"),
            (np.zeros((4, 4, 3), np.float32), "uint8"), (np.zeros((4, 4, 2), np.uint8), r"\[4, 4, 2\]"), ({"image": np.zeros((4, 4), np.uint8)}, r"\[4, 4\]"),
            (pathlib.Path("missing.png"), "missing.png"), ({"text": "<|vision_start|><|image_pad|><|vision_end|>" * 2, "image": BLOB}, "2 placeholders"),
            ({"image": "http://localhost:9/a.png"}, "allowed_media_domains|local")]:
        with pytest.raises((ValueError, TypeError, OSError), match=words):
            embedder.embed(["a text", value])
        with pytest.raises((ValueError, TypeError, OSError), match=r"\[1\]"):
            embedder.embed(["a text", value])
    with pytest.raises(TypeError, match="picture"):
        embedder.embed([b"bytes say nothing"])
    with pytest.raises(ValueError, match="takes text"):
        engine("bert-embed-mean").embed(BLOB)
    for part, words in [({"type": "image_url", "image_url": {"url": str(BLOB)}}, "pathlib.Path"), ({"type": "image"}, "no picture"),
                        ({"type": "video", "video": "a.mp4"}, "'video'")]:
        with pytest.raises(ValueError, match=words):
            writer.chat([{"role": "user", "content": [part]}], max_tokens=1)
    with pytest.raises(ValueError, match="reads text alone"):
        engine("gen-llama3").chat([{"role": "user", "content": [{"type": "image", "image": BLOB}]}], max_tokens=1)
    with vecton.Engine(embedder.info.folder, threads=1, limit_images=1) as few, pytest.raises(ValueError, match="at most 1 image"):
        few.embed({"image": [BLOB, PAGE]})


def test_info_says_so(embedder):
    assert embedder.info.images and "image" in embedder.info.image_placeholder
    assert not engine("bert-embed-mean").info.images


def test_coroutines_threads_and_futures(embedder):
    inputs = [{"text": "a page", "image": PAGE}, BLOB]
    want = embedder.embed(inputs)

    async def run():
        return await asyncio.gather(*(embedder.aembed(inputs) for _ in range(4)))

    assert all((found == want).all() for found in asyncio.run(run()))
    assert (embedder.submit("embed", inputs).result() == want).all()
    rows = dict(embedder.stream(iter(inputs * 3), batch=2))
    assert sorted(rows) == [0, 2, 4] and all((part == want).all() for part in rows.values())
    found = []
    threads = [threading.Thread(target=lambda: found.append(embedder.embed(inputs))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all((rows == want).all() for rows in found)


def test_processes():
    code = """
import os, pathlib, pickle, sys, vecton
folder, path = sys.argv[1:]
with vecton.Engine(folder, threads=1) as engine:
    want = engine.embed(pathlib.Path(path))
    again = pickle.loads(pickle.dumps(engine))
    assert (again.embed(pathlib.Path(path)) == want).all()
    child = os.fork()
    if child == 0:
        try:
            engine.embed(pathlib.Path(path))
        except vecton.VectonError as error:
            os._exit(3 if "fork" in str(error) else 4)
        os._exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
print("fine")
"""
    assert run_python(code, model("qwen3-vl-embedding"), str(BLOB)) == "fine\n"


# Options.

def test_options_of_pictures(tmp_path):
    inside = tmp_path / "a.png"
    inside.write_bytes(BLOB.read_bytes())
    bounded = vecton.Engine(model("qwen3-vl-embedding"), threads=2, allowed_local_media_path=str(tmp_path), limit_mm_per_prompt={"image": 1})
    assert bounded.embed(inside).shape == bounded.embed({"image": BLOB.read_bytes()}).shape
    with pytest.raises(vecton.VectonError, match="allowed|folder"):
        bounded.embed(BLOB)
    with pytest.raises(ValueError, match="limit_mm_per_prompt"):
        bounded.embed({"image": [inside, inside]})
    small = vecton.Engine(model("qwen3-vl-embedding"), threads=2, mm_processor_kwargs={"min_pixels": 1024, "max_pixels": 4096})
    assert not np.array_equal(small.embed(PAGE), engine("qwen3-vl-embedding").embed(PAGE))
    for options, words in (({"limit_mm_per_prompt": {"image": -1}}, "limit_mm_per_prompt"), ({"limit_mm_per_prompt": {"smell": 1}}, "smell"),
                           ({"limit_mm_per_prompt": "4"}, "dict"), ({"media_io_kwargs": {"image": {"rgba_background_color": 0}}}, "media_io_kwargs"),
                           ({"limit_images": 2, "limit_mm_per_prompt": {"image": 3}}, "same setting"), ({"mm_processor_kwargs": {"nonsense": 1}}, "nonsense")):
        with pytest.raises(ValueError, match=words):
            vecton.Engine(model("qwen3-vl-embedding"), **options)
    with pytest.raises(TypeError, match="list of hosts"):
        vecton.Engine(model("qwen3-vl-embedding"), allowed_media_domains="example.org")
    with pytest.raises(ValueError, match="reads no images"):
        vecton.Engine(model("bert-embed-mean"), mm_processor_kwargs={"min_pixels": 1})
    vecton.Engine(model("qwen3-vl-embedding"), media_io_kwargs={"video": {"num_frames": 4}}, limit_mm_per_prompt='{"image": {"count": 2}, "video": 0}')


def test_pictures_from_hosts_that_are_named():
    import http.server

    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BLOB.read_bytes())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = {"image": f"http://127.0.0.1:{server.server_port}/a.png"}
    fetching = vecton.Engine(model("qwen3-vl-embedding"), threads=2, allowed_media_domains=["127.0.0.1"], image_fetch_timeout=10)
    assert np.array_equal(fetching.embed(address), engine("qwen3-vl-embedding").embed(BLOB))
    with pytest.raises(ValueError, match="allowed_media_domains"):
        engine("qwen3-vl-embedding").embed(address)
    from vecton.vllm import LLM

    llm = LLM(model("qwen3-vl-reranker"), runner="pooling", allowed_media_domains=["127.0.0.1"])
    pages = [{"content": [{"type": "image_url", "image_url": {"url": url}}]} for url in (address["image"], uri(BLOB))]
    first, second = (output.outputs.score for output in llm.score("a", pages, use_tqdm=False))
    assert first == second
    server.shutdown()


# The packages.

def test_vllm_embeds_them(embedder):
    from vecton.vllm import LLM

    llm = LLM(model("qwen3-vl-embedding"), runner="pooling", limit_mm_per_prompt={"image": 2})
    marks = embedder.info.image_placeholder
    want = embedder.embed([{"text": "a page", "image": PAGE}, BLOB])
    outputs = llm.embed([{"prompt": f"{marks}a page", "multi_modal_data": {"image": PAGE}},
                         {"prompt": marks, "multi_modal_data": {"image": [BLOB.read_bytes()]}}], use_tqdm=False)
    assert [o.outputs.embedding for o in outputs] == want.tolist()
    # What Qwen's own page does: the template is the script's.
    messages = [{"role": "system", "content": [{"type": "text", "text": "Represent the user's input."}]},
                {"role": "user", "content": [{"type": "image", "image": f"file://{PAGE}"}, {"type": "text", "text": "a page"}]}]
    prompt = llm.llm_engine.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert prompt.startswith("<|im_start|>system") and marks in prompt
    (output,) = llm.embed({"prompt": prompt, "multi_modal_data": {"image": PAGE}}, use_tqdm=False)
    assert output.outputs.embedding == want[0].tolist()
    # And as vLLM reads a prompt, with nothing around it.
    (raw,) = LLM(model("qwen3-vl-embedding"), prompts=False).embed({"prompt": prompt, "multi_modal_data": {"image": PAGE}}, use_tqdm=False)
    assert raw.outputs.embedding == want[0].tolist()
    for data, words in [({"video": [1]}, "'video'"), ({"image": "page.png"}, "found str"), ("page.png", "must be a dict"),
                        ({"image": np.zeros((1, 5, 64, 2))}, "ndarray")]:
        with pytest.raises(ValueError, match=words):
            llm.embed({"prompt": marks, "multi_modal_data": data}, use_tqdm=False)
    with pytest.raises(ValueError, match="token ids"):
        llm.embed({"prompt_token_ids": [1, 2], "multi_modal_data": {"image": BLOB}}, use_tqdm=False)
    with pytest.raises(ValueError, match="mm_processor_kwargs"):
        llm.embed({"prompt": marks, "multi_modal_data": {"image": BLOB}, "mm_processor_kwargs": {"min_pixels": 1}}, use_tqdm=False)
    how = {"mm_processor_kwargs": {"min_pixels": 1024, "max_pixels": 4096}}
    (small,) = LLM(model("qwen3-vl-embedding"), runner="pooling", **how).embed({"prompt": marks, "multi_modal_data": {"image": PAGE}})
    assert small.outputs.embedding == vecton.Engine(model("qwen3-vl-embedding"), **how).embed(PAGE).tolist()
    with pytest.raises(ValueError, match="media_io_kwargs"):
        LLM(model("qwen3-vl-embedding"), media_io_kwargs={"image": {"rgba_background_color": [0, 0, 0]}})
    with pytest.raises(ValueError, match="at most 2 images"):
        llm.embed({"prompt": "", "multi_modal_data": {"image": [BLOB] * 3}}, use_tqdm=False)


def test_vllm_scores_them(reranker, tmp_path):
    from vecton.vllm import LLM

    llm = LLM(model("qwen3-vl-reranker"), runner="pooling", allowed_local_media_path=str(IMAGES))
    found = {case["id"]: case for case in cases("qwen3-vl-reranker", "multimodal_score")}
    want = found["ti"]["expect"]["score"]
    query, path = found["ti"]["input"]["query"]["text"], IMAGES / "photo.webp"
    image = {"type": "image_url", "image_url": {"url": uri(path)}}
    documents = [{"content": [image]}, {"content": [{"type": "image_url", "image_url": {"url": f"file://{path}"}}]}]
    outputs = llm.score(query, documents, use_tqdm=False)
    assert [o.outputs.score for o in outputs] == pytest.approx([want, want], abs=1e-4)
    (both,) = llm.score({"content": [{"type": "text", "text": found["tm"]["input"]["query"]["text"]}]},
                        {"content": [{"type": "image", "image": IMAGES / "gray.png"}, {"type": "text", "text": found["tm"]["input"]["document"]["text"]}]},
                        use_tqdm=False)
    assert both.outputs.score == pytest.approx(found["tm"]["expect"]["score"], abs=1e-4)
    other = tmp_path / "a.png"
    other.write_bytes(BLOB.read_bytes())
    with pytest.raises(ValueError, match="allowed_local_media_path"):
        llm.score(query, {"content": [{"type": "image_url", "image_url": {"url": other.as_uri()}}]}, use_tqdm=False)
    with pytest.raises(ValueError, match="'video_url'"):
        llm.score(query, {"content": [{"type": "video_url", "video_url": {"url": "data:,"}}]}, use_tqdm=False)


def test_vllm_scores_them_by_a_template(reranker):
    """A template that writes what the checkpoint's own prompt is gives its scores, bit by bit."""
    from vecton.vllm import LLM

    template = (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. "
        "Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: "
        "{{ instruction | default('Given a search query, retrieve relevant candidates that answer the query.') }}"
        "<Query>:{{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}\n"
        "<Document>:{{ messages | selectattr('role', 'eq', 'document') | map(attribute='content') | first }}<|im_end|>\n"
        "<|im_start|>assistant{{ '\n' }}")  # a template's own last line break is none of its text
    llm = LLM(model("qwen3-vl-reranker"), runner="pooling")
    marks = reranker.info.image_placeholder
    picture, words = {"type": "image", "image": PAGE}, {"type": "text", "text": "a page"}
    documents = ["a text", {"content": [picture]}, {"content": [words, picture]}, {"content": [picture, {"type": "image", "image": BLOB}]},
                 {"prompt": f"a page {marks}of words", "multi_modal_data": {"image": PAGE}}]
    for query in ("red sofa", {"content": [{"type": "image", "image": BLOB}, words]}):
        plain = llm.score(query, documents, use_tqdm=False)
        templated = llm.score(query, documents, use_tqdm=False, chat_template=template)
        assert [o.outputs.score for o in templated] == [o.outputs.score for o in plain]
        assert len({o.outputs.score for o in templated}) == len(documents)
    with pytest.raises(ValueError, match="writes 0 placeholders .* for 1 pictures"):
        llm.score("a", documents[1], use_tqdm=False, chat_template="{{ messages[0].content }}")
    with pytest.raises(TypeError, match="token ids"):
        llm.score("a", {"prompt_token_ids": [1, 2]}, use_tqdm=False)


def test_vllm_writes_about_them():
    from vecton.vllm import LLM, SamplingParams

    llm = LLM(model("qwen3-vl"))
    case = cases("qwen3-vl", "multimodal_generate")[0]
    params = SamplingParams(temperature=0, max_tokens=len(case["expect"]["new_ids"]))
    pictures = [GOLDEN / path for path in case["input"]["images"]]
    (written,) = llm.generate({"prompt": case["input"]["prompt"], "multi_modal_data": {"image": pictures}}, params, use_tqdm=False)
    assert written.outputs[0].token_ids == case["expect"]["new_ids"] and written.prompt == case["input"]["prompt"]
    (said,) = llm.chat(conversation(case, FORMS["url"]), params, use_tqdm=False)
    assert said.outputs[0].token_ids == case["expect"]["new_ids"] and said.prompt == case["input"]["prompt"]
    image = pytest.importorskip("PIL.Image")
    (said,) = llm.chat(conversation(case, lambda path: {"type": "image_pil", "image_pil": image.open(path)}), params, use_tqdm=False)
    assert said.outputs[0].token_ids == case["expect"]["new_ids"]


def test_sentence_transformers_encodes_them(embedder, reranker, retriever):
    from vecton.sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer

    encoder = SentenceTransformer(model("qwen3-vl-embedding"))
    assert encoder.modalities == ["text", "image"] and encoder.supports("image") and encoder.supports(("image", "text"))
    want = embedder.embed(["a text", BLOB, {"text": "a page", "image": PAGE}])
    assert (encoder.encode(["a text", str(BLOB), {"text": "a page", "image": str(PAGE)}]) == want).all()
    assert (encoder.encode([{"text": "a text"}, {"image": BLOB}, {"image": PAGE, "text": "a page"}]) == want).all()
    assert (encoder.encode(str(BLOB)) == want[1]).all() and (encoder.encode({"image": uri(BLOB)}) == want[1]).all()
    assert (encoder.encode("no such file.png") == embedder.embed("no such file.png")).all()
    assert encoder.similarity(encoder.encode_query("a text"), encoder.encode_document([BLOB, PAGE])).shape == (1, 2)
    instruction = "Retrieve the page that answers the question."
    assert (encoder.encode([PAGE], prompt=instruction) == embedder.embed([PAGE], prompt=instruction)).all()
    with pytest.raises(ValueError, match="unrecognized modality keys: \\['video'\\]"):
        encoder.encode([{"video": "a.mp4"}])
    text_alone = SentenceTransformer(model("bert-embed-mean"))
    assert text_alone.modalities == ["text"] and not text_alone.supports("image")
    assert (text_alone.encode(str(BLOB)) == engine("bert-embed-mean").embed(str(BLOB), truncate=True)).all()
    with pytest.raises(ValueError, match="'image' is not supported"):
        text_alone.encode([BLOB])

    cross = CrossEncoder(model("qwen3-vl-reranker"))
    scores = reranker.score("red sofa with cats", [PHOTO, {"text": "a page", "image": PAGE}, "a text"])
    documents = [str(PHOTO), {"text": "a page", "image": str(PAGE)}, "a text"]
    assert cross.predict([("red sofa with cats", one) for one in documents]) == pytest.approx(scores)
    assert cross.predict(("red sofa with cats", PHOTO)) == pytest.approx(scores[0])
    ranks = cross.rank("red sofa with cats", documents)
    assert {rank["corpus_id"]: pytest.approx(rank["score"]) for rank in ranks} == dict(enumerate(scores))

    many = MultiVectorEncoder(model("colqwen3"))
    tokens = many.encode_document([BLOB, PAGE], convert_to_numpy=True)
    assert all((a == b).all() for a, b in zip(tokens, retriever.embed_tokens([BLOB, PAGE])))
    assert many.similarity(many.encode_query(["cat"]), tokens).shape == (1, 2)


def test_mlx_embeddings_embeds_them(embedder, retriever):
    from vecton.mlx_embeddings import embed_text, embed_vision_language, generate, load

    loaded, processor = load(model("qwen3-vl-embedding"), trust_remote_code=True)
    want = embedder.embed([{"text": "a page", "image": PAGE}, BLOB])
    items = [{"text": "a page", "image": str(PAGE)}, {"image": BLOB.read_bytes()}]
    assert (np.asarray(embed_vision_language(loaded, processor, items=items)) == want).all()
    texts = embed_text(loaded, processor, texts=["a text"])
    assert (np.asarray(texts) == embedder.embed(["a text"])).all()
    both = generate(loaded, processor, ["a page"], images=[PAGE])
    assert (np.asarray(both.text_embeds) == want[:1]).all() and (np.asarray(both.image_embeds) == want[:1]).all()
    plain = embed_vision_language(loaded, processor, [{"image": BLOB}], template=False)
    assert (np.asarray(plain) == embedder.embed([BLOB], prompt="")).all()
    for wrong, words in [
            ([], "non-empty"), (["a"], "index 0 must be a dict"), ([{"text": "a"}], "index 0 is missing required key 'image'"),
            ([{"image": BLOB}, {"image": BLOB, "text": 3}], "index 1 has invalid 'text' type"), ([{"image": 3}], "Unsupported image type at index 0"),
            ([{"image": "missing.png"}], "Failed to process image"), ([{"image": b"words"}], "picture"), ([{"image": [BLOB, PAGE]}], "several images"),
            ([{"image": BLOB, "video": "a"}], "unknown keys 'video'")]:
        with pytest.raises(ValueError, match=words):
            embed_vision_language(loaded, processor, wrong)
    with pytest.raises(ValueError, match="got 2 text item\\(s\\) and 3 image item\\(s\\)"):
        generate(loaded, processor, ["a", "b"], images=[BLOB] * 3)
    text_alone, tokenizer = load(model("bert-embed-mean"))
    with pytest.raises(ValueError, match="does not support vision-language embedding"):
        embed_vision_language(text_alone, tokenizer, [{"image": BLOB}])
    late, processor = load(model("colqwen3"))
    matrices = np.asarray(embed_vision_language(late, processor, [{"image": BLOB}, {"image": PAGE}]))
    rows = list(retriever.embed_tokens([BLOB, PAGE]))
    assert matrices.shape == (2, max(map(len, rows)), rows[0].shape[1])
    assert all((matrix[:len(own)] == own).all() and not matrix[len(own):].any() for matrix, own in zip(matrices, rows))


def test_mlx_embeddings_command_line():
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "vecton.mlx_embeddings", "--model", model("qwen3-vl-embedding"), *arguments],
                              capture_output=True, text=True, env=os.environ)

    answer = json.loads(run("--text", "a page", "--image", str(PAGE), "--output", "json").stdout)
    assert answer["embeddings"] == engine("qwen3-vl-embedding").embed([{"text": "a page", "image": PAGE}]).tolist()
    assert json.loads(run("--image", str(PAGE), "--image", str(BLOB), "--text", "a").stdout)["shape"] == [2, answer["shape"][1]]
    wrong = run("--text", "a", "--text", "b", "--image", str(PAGE), "--image", str(PAGE), "--image", str(PAGE))
    assert wrong.returncode == 1 and "found 2" in wrong.stderr


def test_vllm_helpers(embedder):
    image = pytest.importorskip("PIL.Image")
    from vecton.vllm.multimodal.utils import encode_image_url, fetch_image

    for url in (uri(BLOB), BLOB.as_uri()):
        assert (np.asarray(fetch_image(url)) == np.asarray(image.open(BLOB).convert("RGB"))).all()
    assert (embedder.embed({"image": encode_image_url(image.open(BLOB))}) == embedder.embed(BLOB)).all()
    with pytest.raises(ValueError, match="found 'page.png'"):
        fetch_image("page.png")


@pytest.mark.parametrize("name", ["siglip", "clip"])
def test_mlx_embeddings_compares_texts_with_pictures(name):
    """As the pages for SigLIP do it: a processor's arrays, turned to [images, height, width, 3], and the model called with them."""
    image = pytest.importorskip("PIL.Image")
    from vecton.mlx_embeddings import load

    loaded, processor = load(model(name))
    texts = ["cat", "two dogs"]
    opened = image.open(PHOTO)
    inputs = processor(text=texts, images=opened, padding="max_length", truncation=True, return_tensors="np")
    pixels = np.transpose(np.asarray(inputs["pixel_values"]), (0, 2, 3, 1)).astype(np.float32)
    output = loaded(input_ids=np.asarray(inputs["input_ids"]), pixel_values=pixels, attention_mask=inputs.get("attention_mask"))
    own = engine(name)
    assert np.allclose(np.asarray(output.text_embeds), own.embed(texts, normalize=True), atol=1e-5)
    assert np.allclose(np.asarray(output.image_embeds), own.embed([PHOTO], normalize=True), atol=1e-4)
    logits = np.asarray(output.logits_per_image)
    assert logits.shape == (1, 2) and np.array_equal(logits.T, np.asarray(output.logits_per_text))
    scores = [own.score(text, PHOTO, raw=True) for text in texts]
    assert np.allclose(logits[0], scores, atol=1e-2), (logits, scores)
    # One side alone, other kinds of pictures, and the layout that torch has.
    alone = loaded(pixel_values=processor(images=[str(PHOTO), PHOTO.read_bytes()], return_tensors="np").pixel_values)
    assert alone.text_embeds is None and np.allclose(np.asarray(alone.image_embeds), np.asarray(output.image_embeds).repeat(2, 0))
    with pytest.raises(ValueError, match="input_ids, pixel_values"):
        loaded()
    with pytest.raises(ValueError, match="text, images or both"):
        processor()
    with pytest.raises(ValueError, match="pixel_values must have the shape"):
        loaded(pixel_values=np.zeros((3, 32, 32), np.float32))


def test_mlx_embeddings_processors_of_pages():
    from vecton.mlx_embeddings import load

    late, processor = load(model("colqwen3"))
    rows = [np.asarray(one) for one in late.engine.embed_tokens(["a query", "another"])]
    assert np.asarray(processor.score_retrieval(rows, rows)).shape == (2, 2)
    assert processor("a text").input_ids == late.engine.tokenizer("a text").input_ids


@pytest.mark.parametrize("name", ["qwen3-vl-embedding", "colqwen2.5"])
def test_mlx_embeddings_processors_give_the_families_arrays(name):
    pytest.importorskip("PIL.Image")
    from vecton.mlx_embeddings import load

    _, processor = load(model(name))
    (case,) = (case for case in cases(name, "image_preprocess") if case["id"] == "pre_blob_small_png")
    found, values = processor(images=[BLOB], return_tensors="np"), expected(name, case, "pixel_values")
    assert found.image_grid_thw.tolist() == [[1, 6, 4]]
    assert np.abs(np.asarray(found.pixel_values).reshape(values.shape) - values).max() < 2e-5


def test_mlx_embeddings_calls_qwen3_vl_with_pictures():
    """processor(text=, images=), and the model called with its arrays: what the engine gives to the same prompt, and the reference."""
    pytest.importorskip("PIL.Image")
    from vecton.mlx_embeddings import load

    loaded, processor = load(model("qwen3-vl-embedding"), trust_remote_code=True)
    named = {case["id"]: case for case in cases("qwen3-vl-embedding", "multimodal_embed")}
    pictured = [named["i_blob"], named["it_photo"]]
    prompts = [case["input"]["prompt"] for case in pictured]
    inputs = processor(text=prompts, images=[BLOB, PHOTO], padding=True, return_tensors="np")
    assert [row[kept == 1].tolist() for row, kept in zip(inputs.input_ids, inputs.attention_mask)] == [case["input"]["input_ids"] for case in pictured]
    output = loaded(**inputs)
    vectors = np.asarray(output.text_embeds)
    assert np.array_equal(vectors, np.asarray(output.image_embeds))
    for vector, case in zip(vectors, pictured):
        assert np.abs(vector - expected("qwen3-vl-embedding", case, "embedding").reshape(-1)).max() < 1e-4
    own = engine("qwen3-vl-embedding").embed([BLOB, {"text": pictured[1]["input"]["text"], "image": PHOTO}], normalize=True)
    assert np.allclose(vectors, own, atol=1e-5)
    alone = processor(text="a page", images=PAGE)
    assert alone.input_ids.count(loaded.engine.tokenizer.convert_tokens_to_ids("<|image_pad|>")) == np.prod(alone.image_grid_thw[0]) // 4
    with pytest.raises(ValueError, match=r"got 2 text item\(s\) and 1 image item"):
        processor(text=["a", "b"], images=[PAGE])
    with pytest.raises(ValueError, match="have 1 placeholders .*, and there are 2 images"):
        processor(text=prompts[0], images=[BLOB, PAGE])
    with pytest.raises(ValueError, match="given together"):
        loaded(inputs.input_ids, pixel_values=inputs.pixel_values)
    one = {"input_ids": inputs.input_ids[:1], "attention_mask": inputs.attention_mask[:1]}
    swapped = processor(images=[PHOTO, BLOB], return_tensors="np", padding=True)
    with pytest.raises(ValueError, match="other placeholders than"):
        loaded(**one, pixel_values=swapped.pixel_values, image_grid_thw=swapped.image_grid_thw)
    with pytest.raises(ValueError, match="no placeholders for 1 images"):
        loaded(**one, pixel_values=inputs.pixel_values, image_grid_thw=inputs.image_grid_thw)


def test_mlx_embeddings_calls_colqwen_with_pages():
    pytest.importorskip("PIL.Image")
    from vecton.mlx_embeddings import load

    loaded, processor = load(model("colqwen2.5"))
    inputs = processor(images=[BLOB, PAGE], padding=True, return_tensors="np")
    assert inputs.pixel_values.ndim == 3 and len(inputs.pixel_values) == 2
    case = next(case for case in cases("colqwen2.5", "multimodal_token_embed") if case["id"] == "d_blob_small")
    assert inputs.input_ids[0][inputs.attention_mask[0] == 1].tolist() == case["input"]["input_ids"]
    matrices = np.asarray(loaded(**inputs).image_embeds)
    for matrix, own in zip(matrices, engine("colqwen2.5").embed_tokens([BLOB, PAGE], role="document")):
        assert np.allclose(matrix[:len(own)], own, atol=1e-5) and not matrix[len(own):].any()
    queries = np.asarray(loaded(np.asarray(processor(text=["a query"], return_tensors="np").input_ids)).text_embeds)
    assert np.asarray(processor.score_retrieval(list(queries), list(matrices))).shape == (1, 2)
    with pytest.raises(ValueError, match="must be those of processor"):
        loaded(**processor(text="<|vision_start|><|image_pad|><|vision_end|>What?", images=[BLOB], return_tensors="np"))
    with pytest.raises(ValueError, match="at most 200 times"):
        processor(images=[np.zeros((1, 500, 3), np.uint8)])
