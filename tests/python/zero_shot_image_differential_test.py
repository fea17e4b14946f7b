"""Pictures and labels through `vecton serve` and transformers' zero-shot-image-classification pipeline: the same labels and scores.

    pip install torch transformers pillow && VECTON=build/dev/vecton python tests/python/zero_shot_image_differential_test.py
"""
import base64
import sys
import unittest

try:
    import PIL  # noqa: F401
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer, pipeline
except ImportError:
    torch = None

from reference import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
import serving  # noqa: E402

LABELS = ["cat", "two dogs", "Straße", "a page with text, 12 lines", "!", "sofa", "the sea at night"]
PICTURES = ["gray.png", "photo.jpg", "wide.png", "blob_small.png"]
TEMPLATES = [None, "{}", "A drawing of {} on a table."]


class Cut:
    """A tokenizer that cuts and pads at the model's own length: the pipeline writes 64 into SigLIP's calls."""

    def __init__(self, tokenizer, length):
        self.tokenizer, self.length = tokenizer, length

    def __call__(self, texts, **settings):
        return self.tokenizer(texts, **{**settings, "max_length": self.length, "truncation": True})


@unittest.skipIf(torch is None, "torch, transformers and PIL are not installed")
@unittest.skipUnless(PROGRAM, "no program vecton: build it, or set VECTON")
class ZeroShotImageDifferentialTest(unittest.TestCase):
    def test_labels_and_scores(self):
        serving.VECTON = PROGRAM
        for name in ("clip", "siglip", "siglip2-naflex"):
            with self.subTest(name):
                self.compare(name)

    def compare(self, name):
        folder = serving.model(name)
        # The numbers of PIL, whichever of its processors transformers would take.
        reference = pipeline("zero-shot-image-classification", model=AutoModel.from_pretrained(folder, dtype=torch.float32),
                             tokenizer=AutoTokenizer.from_pretrained(folder),
                             image_processor=AutoImageProcessor.from_pretrained(folder, backend="pil"))
        reference.tokenizer = Cut(reference.tokenizer, reference.model.config.text_config.max_position_embeddings)
        server = serving.Server(folder)
        self.addCleanup(server.stop)
        for template in TEMPLATES:
            more = {"hypothesis_template": template} if template else {}
            for picture in PICTURES:
                file = ROOT / "tests" / "golden" / "images" / picture
                want = reference(str(file), candidate_labels=LABELS, **more)
                inputs = base64.b64encode(file.read_bytes()).decode()
                answer = server.post("/", {"inputs": inputs, "truncate": True, "parameters": {"candidate_labels": LABELS, **more}})
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual([e["label"] for e in answer.json], [e["label"] for e in want])
                for got, expected in zip(answer.json, want, strict=True):
                    self.assertAlmostEqual(got["score"], expected["score"], delta=1e-4)


if __name__ == "__main__":
    unittest.main()
