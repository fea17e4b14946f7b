"""tools/check_odr.py, tools/check_heaps.py and tools/check_glibc say yes to what is right and no to what is wrong."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / "tools"


class OneDefinition(unittest.TestCase):
    def check(self, **files):
        """(exit status, output) for a tree of src/NAME.h files."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                file = pathlib.Path(folder, "src", name + ".h")
                file.parent.mkdir(exist_ok=True)
                file.write_text(text)
            done = subprocess.run([sys.executable, "-B", TOOLS / "check_odr.py", folder], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_two_classes_of_one_name(self):
        status, output = self.check(a="namespace x {\nclass Model {\n};\n}", b="namespace x { class Model final : public Base { int i; }; }")
        self.assertEqual(status, 1)
        self.assertIn("x::Model is defined in src/a.h:2 and src/b.h:1", output)

    def test_structs_enums_and_nested_namespaces(self):
        for kind in ("struct", "union", "enum class"):
            with self.subTest(kind):
                status, output = self.check(a=f"namespace x::y {{ {kind} T {{}}; }}", b=f"namespace x {{ namespace y {{ {kind} T {{}}; }} }}")
                self.assertEqual(status, 1)
                self.assertIn("x::y::T", output)

    def test_what_is_allowed(self):
        for b in ("namespace y { class T {}; }",  # another name
                  "namespace x { class T; }",  # a declaration
                  "namespace x { namespace { class T {}; } }",  # of one file
                  "namespace x { class U { class T {}; }; }",  # inside of a class
                  "namespace x { struct T f() { return {}; } }",  # a function
                  "namespace x { /* class T {}; */ const char* s = \"class T {}; {\"; }"):
            with self.subTest(b):
                self.assertEqual(self.check(a="namespace x { class T {}; }", b=b)[0], 0)

    def test_this_project(self):
        done = subprocess.run([sys.executable, "-B", TOOLS / "check_odr.py"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


class Heaps(unittest.TestCase):
    def check(self, **files):
        """(exit status, output) for a tree of src/x/NAME.cpp files, whose text stands in an unnamed namespace."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                file = pathlib.Path(folder, "src", "x", name + ".cpp")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("namespace x {\nnamespace {\n" + text + "\n}\n}\n")
            done = subprocess.run([sys.executable, "-B", TOOLS / "check_heaps.py", folder], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_one_name_of_two_files(self):
        for text in ("constexpr int kMost = 4;", "struct kMost { int i; };", "constexpr const char* kMost[] = {\"a\"};",
                     "constexpr int kLeast = 1, kMost = size_t{2} << 20;", "int kMost(int) { return 1; }\nint kMost;"):
            with self.subTest(text):
                status, output = self.check(a="constexpr int kMost = 3;", b=text)
                self.assertEqual(status, 1)
                self.assertIn("x::kMost is defined in src/x/a.cpp:3 and src/x/b.cpp:", output)

    def test_functions_of_the_same_parameters(self):
        function = "[[noreturn]] void refuse(const std::string& file, int n) { throw file; }"
        self.assertEqual(self.check(a=function, b=function.replace("file", "field"))[0], 1)
        self.assertEqual(self.check(a=function, b=function.replace("int n", "long n"))[0], 0)
        template = "template <int (*Map)(int)>\nint all(int n) { return Map(n); }"
        self.assertEqual(self.check(a=template, b=template)[0], 1)

    def test_what_is_allowed(self):
        for text in ("using V = std::vector<int>;", "constexpr int kOther = 1;", "struct kMost;", "namespace fs = std::filesystem;",
                     "void f() {\n  constexpr int kMost = 2;\n  g(kMost);\n}", "}\nnamespace y {\nconstexpr int kMost = 2;"):
            with self.subTest(text):
                status, output = self.check(a="using V = std::vector<int>;\nconstexpr int kMost = 3;", b=text)
                self.assertEqual(status, 0, output)

    def test_this_project(self):
        done = subprocess.run([sys.executable, "-B", TOOLS / "check_heaps.py"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


class Glibc(unittest.TestCase):
    def test_a_program_is_held_to_a_version(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program")
            subprocess.run([os.environ.get("CXX", "c++"), "-x", "c++", "-", "-o", program], check=True, text=True,
                           input="#include <cstdio>\nint main() { return std::puts(\"\") < 0; }")
            check = lambda version: subprocess.run([TOOLS / "check_glibc", program, version], capture_output=True, text=True)
            self.assertEqual(check("99.0").returncode, 0, check("99.0").stdout)
            old = check("2.0")
            self.assertEqual(old.returncode, 1)
            self.assertIn("puts@GLIBC_", old.stdout)


if __name__ == "__main__":
    unittest.main()
