"""Texts of many megabytes: what can't be used of them is not read, and nobody waits for them."""

import threading
import time
import unittest

from serving import BERT, TIMEOUT, ServerTest

WORD = "capital of France, "
HUGE = WORD * (8_000_000 // len(WORD))
SLOWEST = 2  # seconds: a one-word request takes milliseconds, and this machine may be busy


class LongTexts(ServerTest):
    model = BERT
    flags = ("--workers", "2")

    def test_what_is_cut_is_what_the_whole_would_give(self):
        short = WORD * 2000
        for side in ("left", "right"):
            body = {"truncate_prompt_tokens": -1, "truncation_side": side}
            huge = self.post("/v1/embeddings", {"input": HUGE, **body})
            self.assertEqual(huge.headers["x-truncated-inputs"], "1")
            want = self.post("/v1/embeddings", {"input": short, **body}).json
            self.assertEqual(huge.json["usage"]["prompt_tokens"], 48)
            self.assertEqual(huge.json["data"], want["data"])

    def test_what_is_too_long_is_said_early(self):
        start = time.monotonic()
        error = self.post("/v1/embeddings", {"input": HUGE}, status=400).json["error"]
        self.assertLess(time.monotonic() - start, SLOWEST)
        self.assertIn("Please reduce the length of the input prompt", error["message"])
        self.assertIn("more than 48 tokens", error["message"])
        self.assertEqual(self.post("/embed", {"inputs": HUGE, "truncate": False}, status=422).json["error_type"], "Validation")

    def test_a_word_does_not_wait_for_them(self):
        stop = threading.Event()

        def send():  # texts that have to be read whole
            while not stop.is_set():
                self.server.post("/tokenize", {"prompt": HUGE})

        senders = [threading.Thread(target=send, daemon=True) for _ in range(4)]
        for sender in senders:
            sender.start()
        try:
            time.sleep(0.5)
            waits = []
            for _ in range(20):
                start = time.monotonic()
                self.post("/v1/embeddings", {"input": "word"})
                waits.append(time.monotonic() - start)
            self.assertLess(max(waits), SLOWEST)
        finally:
            stop.set()
            for sender in senders:
                sender.join(TIMEOUT)


if __name__ == "__main__":
    unittest.main()
