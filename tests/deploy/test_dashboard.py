"""The dashboard, the autoscaler and the server agree about the names of metrics."""

import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "server"))
from serving import BERT, Server  # noqa: E402

METRIC = re.compile(r"\b(?:vllm:|te_|vecton_|process_)[a-z0-9_]+")


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = Server(BERT)
        server.post("/embed", {"inputs": 1})  # some names are there once something has failed
        text = server.get("/metrics").body.decode()
        server.stop()
        cls.known = set(re.findall(r"^([a-z0-9_:]+)[{ ]", text, re.M))

    def test_every_metric_of_the_dashboard_is_exported(self):
        dashboard = json.loads((ROOT / "deploy" / "grafana" / "vecton.json").read_text())
        asked = {name for panel in dashboard["panels"] for target in panel["targets"] for name in METRIC.findall(target["expr"])}
        asked |= set(METRIC.findall(json.dumps(dashboard["templating"])))
        self.assertGreater(len(asked), 15)
        self.assertEqual(asked - self.known, set())
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))

    def test_every_metric_of_the_autoscaler_is_exported(self):
        text = (ROOT / "deploy" / "kubernetes" / "vecton.yaml").read_text()
        asked = set(re.findall(r"metric: \{name: (\w+)\}", text))
        self.assertEqual(asked, {"vecton_tokens_waiting"})
        self.assertEqual(asked - self.known, set())


if __name__ == "__main__":
    unittest.main()
