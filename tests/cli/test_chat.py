"""`vecton chat` in a pipe, with a small model."""

import json
import pathlib
import tempfile
import unittest

from program import GOLDEN, ProgramTest, run

LLAMA = GOLDEN / "gen-llama3" / "model"
TEMPLATE = ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant:{% endif %}")
# The prompt begins the thinking, and the model never ends it.
THINKS = TEMPLATE + "</think><think>\n"


def chat(lines, *more, template=TEMPLATE, status=0):
    return run("chat", LLAMA, "--chat-template", template, "--temperature", "0", "--max-tokens", "4", *more,
               stdin="".join(line + "\n" for line in lines), status=status)


class Chat(ProgramTest):
    def test_answers_every_line(self):
        done = chat(["Hi", "", "/help", "and\\", "more"], "-q")
        self.assertIn("/reset", done.out)
        self.assertEqual(done.err, "")

    def test_history_is_kept_and_saved(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "talk.json"
            done = chat(["/system be kind", "Hi", f"/save {path}", "/reset", "/no such", "/exit", "never read"], "-q")
            self.assertIn("there is no command /no", done.err)
            messages = json.loads(path.read_text("utf8"))
        self.assertEqual([m["role"] for m in messages], ["system", "user", "assistant"])
        self.assertEqual(messages[1]["content"], "Hi")
        self.assertEqual(messages[2]["content"] + "\n", done.out)

    def test_thinking_is_left_out_of_a_pipe(self):
        self.assertEqual(chat(["Hi"], "-q", template=THINKS).out, "\n")
        shown = chat(["Hi"], "-q", "--thinking", "show", template=THINKS).out
        self.assertTrue(shown.strip())
        self.assertNotIn("\x1b", shown)  # no colours in a pipe
        self.assertIn("--thinking", chat(["Hi"], "--thinking", "maybe", status=2).err)



if __name__ == "__main__":
    unittest.main()
