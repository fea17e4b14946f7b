// What threads of an engine and the interpreter's end mean for each other.
#include <atomic>

#include "binding.h"

namespace vecton::python {

namespace {

thread_local int callbacks = 0;
std::atomic<bool> ends{false};

}  // namespace

CallbackScope::CallbackScope() { ++callbacks; }
CallbackScope::~CallbackScope() { --callbacks; }
bool CallbackScope::active() { return callbacks > 0; }

bool interpreter_ends() { return ends; }
void set_interpreter_ends() { ends = true; }

std::shared_ptr<PyObject> hold(nb::object object) {
  return {object.release().ptr(), [](PyObject* held) {
            if (interpreter_ends()) return;
            nb::gil_scoped_acquire acquire;
            Py_DECREF(held);
          }};
}

}  // namespace vecton::python
