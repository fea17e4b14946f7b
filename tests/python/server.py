"""A server of one model, for differential tests of what it answers."""
import json
import re
import subprocess
import tempfile
import time
import urllib.request

from reference import PROGRAM


class Server:
    def __init__(self, model):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([PROGRAM, "serve", model, "--host", "127.0.0.1", "--port", "0", "--threads", "2"],
                                        stderr=self.log, stdout=self.log)
        end = time.monotonic() + 300
        self.url = None
        while not self.url:
            self.log.seek(0)
            text = self.log.read()
            found = re.search(r"http://127\.0\.0\.1:\d+", text)
            if found and "ready after" in text:
                self.url = found[0]
            elif self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise RuntimeError(text)
            time.sleep(0.05)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
