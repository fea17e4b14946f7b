// vecton::Error to the classes of vecton/errors.py, which also derive from what scripts catch.
#include "binding.h"

namespace vecton::python {

nb::object exception_of(const Error& error) {
  const nb::object errors = nb::module_::import_("vecton.errors");
  const nb::object kind = errors.attr("BY_CODE")[to_string(error.code())];
  const std::string_view what = error.what();
  const nb::object message =
      nb::steal(PyUnicode_DecodeUTF8(what.data(), static_cast<Py_ssize_t>(what.size()), "replace"));
  const nb::object exception = kind(message);
  exception.attr("code") = to_string(error.code());
  exception.attr("field") = error.field();
  return exception;
}

void bind_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const nb::object exception = exception_of(error);
      PyErr_SetObject(exception.type().ptr(), exception.ptr());
    }
  });
}

}  // namespace vecton::python
