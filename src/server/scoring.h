// What the routes that score pairs of texts have in common.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "server/dialect.h"
#include "server/fields.h"

namespace vecton::server::openai {

// A text of one side: a string, {"content": [parts]} whose parts are texts, or {"text": string}.
// Wrong ones become problems of `where`; an image is a Failure.
std::string read_item(const Context& context, Fields& fields, const std::string& where,
                      const json::value& value);

// Reads the two sides under any of their names, and everything else of a request that scores;
// `plan` gets a request per pair. Ends the reading of `fields`.
void plan_scores(const Call& call, Fields& fields, Plan& plan);

}  // namespace vecton::server::openai
