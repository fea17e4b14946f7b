// What the routes that score pairs of texts have in common.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "server/dialect.h"
#include "server/fields.h"
#include "server/images.h"

namespace vecton::server::openai {

// One side: a string, {"content": [parts]} whose parts are texts and images, {"text": string},
// {"image": string} or both. Wrong ones become problems of `where`; an image is a Failure where the
// model reads none.
Item read_item(const Context& context, Fields& fields, const std::string& where,
               const json::value& value);

// Reads the two sides under any of their names, and everything else of a request that scores;
// `plan` gets a request per pair. Ends the reading of `fields`.
void plan_scores(const Call& call, Fields& fields, CallPlan& plan);

}  // namespace vecton::server::openai
