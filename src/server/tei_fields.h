// What the bodies of TEI's routes have in common.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "server/dialect.h"
#include "server/fields.h"

namespace vecton::server::tei {

// A body, with the members of its object `parameters` beside its own: where Hugging Face's clients
// may put options. Its own win.
class Body {
 public:
  explicit Body(const json::object& body);  // which outlives it
  const json::object& get() const { return merged_ ? *merged_ : body_; }

 private:
  const json::object& body_;
  std::optional<json::object> merged_;
};

[[noreturn]] void refuse_empty(const std::string& field);

// Throws Failure (kTask) in TEI's words unless the loaded model does `task`.
void require(const ModelInfo& info, Task task);

// A request for `task` with truncate and truncation_direction.
Request read_truncation(const Context& context, Fields& fields, TaskParameters task);
// These and prompt_name.
Request read_request(const Context& context, Fields& fields, TaskParameters task);

// A request like `like` per input.
void set_requests(const Call& call, Inputs inputs, const Request& like, CallPlan& plan);

}  // namespace vecton::server::tei
