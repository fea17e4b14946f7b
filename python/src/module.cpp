#include "binding.h"

NB_MODULE(_core, m) {
  // Engines that a framework still holds when the interpreter ends are no mistake of a user.
  nanobind::set_leak_warnings(false);
  vecton::python::bind_errors(m);
  vecton::python::bind_tokenizer(m);
  vecton::python::bind_requests(m);
  vecton::python::bind_generation(m);
  vecton::python::bind_engine(m);
  vecton::python::bind_answers(m);
  vecton::python::bind_max_sim(m);
}
