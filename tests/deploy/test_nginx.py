"""deploy/docker/nginx.conf before two servers: what one refuses the other answers, and what all refuse is refused as they do."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "server"))
from serving import BERT, TIMEOUT, Server  # noqa: E402
from test_balancer import SKIPPED, free_port  # noqa: E402

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
OF_COMPOSE = "server vecton:8000 resolve"  # which Debian 12's nginx is too old for
BODY = json.dumps({"inputs": ["a " * 1000] * 100}).encode()  # more than nginx keeps in memory


class Nginx(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)  # nginx's workers are another user where root runs this
        keys = folder / "keys.json"
        keys.write_text(json.dumps([{"key": "often"}, {"key": "twice", "requests_per_minute": 2}]))
        unlimited = folder / "unlimited.json"
        unlimited.write_text(json.dumps([{"key": "often"}, {"key": "twice"}]))
        self.keys, self.unlimited, self.folder = str(keys), str(unlimited), folder

    def serve(self, *key_files):
        servers = [Server(BERT, "--api-key-file", keys) for keys in key_files]
        for server in servers:
            self.addCleanup(server.stop)
        text = (ROOT / "deploy" / "docker" / "nginx.conf").read_text()
        self.assertIn(OF_COMPOSE, text)
        rest = text.split(OF_COMPOSE)[1].split(";")[0]  # its other options
        text = text.replace(OF_COMPOSE + rest + ";", " ".join(f"server 127.0.0.1:{server.port}{rest};" for server in servers))
        self.port = free_port()
        text = text.replace("listen 8000", f"listen 127.0.0.1:{self.port}")
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text = text.replace("http {", f"http {{\n  {name}_temp_path {self.folder}/{name};", 1)
        config = self.folder / "nginx.conf"
        config.write_text(f"daemon off; pid {self.folder}/pid; error_log {self.folder}/log;\n" + text)
        proxy = subprocess.Popen([NGINX, "-c", str(config), "-e", "stderr"], stderr=subprocess.DEVNULL)
        self.addCleanup(proxy.wait, TIMEOUT)
        self.addCleanup(proxy.terminate)
        end = time.monotonic() + TIMEOUT
        while self.ask("often") != 200:
            if time.monotonic() > end:
                self.fail((self.folder / "log").read_text())
            time.sleep(0.05)

    def ask(self, key):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/embed", BODY, {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except urllib.error.URLError:
            return None  # nginx is not there yet

    def test_what_one_refuses_the_other_answers(self):
        self.serve(self.keys, self.unlimited)
        self.assertEqual([self.ask("twice") for _ in range(8)], [200] * 8)

    def test_what_all_refuse_is_refused_with_their_status(self):
        self.serve(self.keys, self.keys)
        self.assertEqual([self.ask("twice") for _ in range(10)], [200] * 4 + [429] * 6)
        self.assertEqual([self.ask("often") for _ in range(4)], [200] * 4)  # a full server is no dead one


if __name__ == "__main__":
    if not NGINX:
        print("there is no nginx")
        sys.exit(SKIPPED)
    unittest.main()
