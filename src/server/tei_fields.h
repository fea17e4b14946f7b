// What the bodies of TEI's routes have in common.
#pragma once

#include <string>

#include "server/dialect.h"
#include "server/fields.h"

namespace vecton::server::tei {

[[noreturn]] void refuse_empty(const std::string& field);

// Throws Failure (kTask) in TEI's words unless the loaded model does `task`.
void require(const ModelInfo& info, Task task);

// truncate, truncation_direction.
Request read_truncation(const Context& context, Fields& fields);
// These and prompt_name.
Request read_request(const Context& context, Fields& fields);

// A request like `like` per input.
void set_requests(const Call& call, Inputs inputs, const Request& like, Plan& plan);

}  // namespace vecton::server::tei
