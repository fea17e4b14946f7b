#include <limits>

#include "binding.h"

namespace vecton::python {

std::string kind_of(nb::handle value) {
  return nb::cast<std::string>(value.type().attr("__name__"));
}

std::string to_text(nb::handle value, const std::string& where) {
  if (!PyUnicode_Check(value.ptr())) {
    const char* const hint = PyBytes_Check(value.ptr()) ? ": decode it first" : "";
    throw nb::type_error((where + " must be a text (str), found " + kind_of(value) + hint).c_str());
  }
  Py_ssize_t size = 0;
  if (const char* const text = PyUnicode_AsUTF8AndSize(value.ptr(), &size))
    return {text, static_cast<size_t>(size)};
  PyErr_Clear();
  const nb::object units = value.attr("encode")("utf-16-le", "surrogatepass");
  return to_text(units.attr("decode")("utf-16-le", "replace"), where);
}

std::vector<int32_t> to_ids(nb::handle value, const std::string& where) {
  std::vector<int32_t> ids;
  for (const nb::handle item : nb::iter(value)) {
    const nb::object index = nb::steal(PyNumber_Index(item.ptr()));
    if (!index.is_valid()) {
      PyErr_Clear();
      throw nb::type_error(
          (where + ": token ids must be integers, found " + kind_of(item)).c_str());
    }
    const long long id = PyLong_AsLongLong(index.ptr());
    if (PyErr_Occurred() || id < 0 || id > std::numeric_limits<int32_t>::max()) {
      PyErr_Clear();
      throw nb::value_error(
          (where + ": " + nb::cast<std::string>(nb::str(item)) + " is not a token id").c_str());
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

std::vector<std::string> to_texts(nb::handle list, const std::string& where) {
  if (PyUnicode_Check(list.ptr()))
    throw nb::type_error((where + " must be a list of texts, found one text").c_str());
  std::vector<std::string> texts;
  for (const nb::handle item : nb::iter(list))
    texts.push_back(to_text(item, where + "[" + std::to_string(texts.size()) + "]"));
  return texts;
}

bool to_bool(nb::handle value, std::string_view name) {
  if (value.is(Py_True)) return true;
  if (value.is(Py_False)) return false;
  const std::string type = kind_of(value);  // numpy's
  if (type == "bool" || type == "bool_") return PyObject_IsTrue(value.ptr()) == 1;
  throw nb::type_error((std::string(name) + " must be True or False, found " + type).c_str());
}

int64_t to_integer(nb::handle value, std::string_view name) {
  const nb::object index =
      nb::steal(PyBool_Check(value.ptr()) ? nullptr : PyNumber_Index(value.ptr()));
  if (!index.is_valid()) {
    PyErr_Clear();
    throw nb::type_error(
        (std::string(name) + " must be an integer, found " + kind_of(value)).c_str());
  }
  const long long number = PyLong_AsLongLong(index.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    throw nb::value_error((std::string(name) + " is too large").c_str());
  }
  return number;
}

double to_number(nb::handle value, std::string_view name) {
  const double number = PyBool_Check(value.ptr()) ? -1 : PyFloat_AsDouble(value.ptr());
  if (PyBool_Check(value.ptr()) || PyErr_Occurred()) {
    PyErr_Clear();
    throw nb::type_error(
        (std::string(name) + " must be a number, found " + kind_of(value)).c_str());
  }
  return number;
}

nb::handle Arguments::take(const char* name) {
  taken_.emplace_back(name);
  PyObject* const found = PyDict_GetItemString(values_.ptr(), name);
  return found == nullptr || found == Py_None ? nb::handle() : nb::handle(found);
}

void Arguments::text(const char* name, std::string& target) {
  if (const nb::handle value = take(name)) target = to_text(value, name);
}

void Arguments::flag(const char* name, bool& target) {
  if (const nb::handle value = take(name)) target = to_bool(value, name);
}

void Arguments::finish(const char* what) const {
  for (const auto& [key, value] : values_) {
    const std::string name = nb::cast<std::string>(nb::str(key));
    bool known = false;
    for (const std::string& taken : taken_) known = known || taken == name;
    if (!known)
      throw nb::type_error((std::string(what) + " has no argument '" + name + "'").c_str());
  }
}

}  // namespace vecton::python
