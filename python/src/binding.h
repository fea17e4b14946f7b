// What the parts of the module share: reading Python's arguments, and the classes that one part
// makes and another takes.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vecton/vecton.h"

namespace vecton::python {

namespace nb = nanobind;

void bind_errors(nb::module_& m);
void bind_tokenizer(nb::module_& m);
void bind_requests(nb::module_& m);
void bind_engine(nb::module_& m);
void bind_generation(nb::module_& m);
void bind_answers(nb::module_& m);
void bind_max_sim(nb::module_& m);

// The Python exception of an error, not raised.
nb::object exception_of(const Error& error);

// "int", "NoneType": what an argument is, for a message.
std::string kind_of(nb::handle value);

// A text as UTF-8. Halves of surrogate pairs, which Python's texts may have, become U+FFFD.
// `where` names it in an error: "texts[3]".
std::string to_text(nb::handle value, const std::string& where);
std::vector<int32_t> to_ids(nb::handle value, const std::string& where);

// The texts of a list of them.
std::vector<std::string> to_texts(nb::handle list, const std::string& where);

bool to_bool(nb::handle value, std::string_view name);
int64_t to_integer(nb::handle value, std::string_view name);
double to_number(nb::handle value, std::string_view name);

// A dictionary's entries, each of which is to be taken; None counts as absent.
class Arguments {
 public:
  explicit Arguments(nb::dict values) : values_(std::move(values)) {}

  // The value of a name, or a null handle.
  nb::handle take(const char* name);
  void text(const char* name, std::string& target);
  void flag(const char* name, bool& target);
  template <class Integer>
  void integer(const char* name, Integer& target) {
    if (const nb::handle value = take(name)) target = static_cast<Integer>(to_integer(value, name));
  }
  // Raises TypeError for what nobody has taken.
  void finish(const char* what) const;

 private:
  nb::dict values_;
  std::vector<std::string> taken_;
};

EngineOptions to_engine_options(nb::dict options);

// Whether this thread runs a Python function for an engine, one of whose own threads it is.
class CallbackScope {
 public:
  CallbackScope();
  ~CallbackScope();
  static bool active();
};

// A Python object that threads without the interpreter's lock hold. After shutdown it is leaked.
std::shared_ptr<PyObject> hold(nb::object object);
// Set once the interpreter is about to end: nothing of Python may be touched by other threads.
bool interpreter_ends();
void set_interpreter_ends();

}  // namespace vecton::python
