// What the headers of requests mean, and those that answers have in every dialect.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "vecton/vecton.h"

namespace vecton::server {

// "application/json; charset=utf-8" and "application/vnd.x+json" are; a missing type is where the
// dialect's clients omit it.
bool is_json_type(std::string_view content_type, bool may_be_missing);

// How much `type` is wanted by an Accept header, from 0 to 1; nothing where it is not named.
std::optional<double> quality(std::string_view accept, std::string_view type);

// What `name` is in a target's query, "a=1&b=2", decoded; nothing where it is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

// TEI's headers: what an answer took. `total` in seconds; the parts are means over the inputs, as
// TEI has it.
void add_timings(HttpResponse& response, std::span<const Result> results, double total,
                 int64_t characters);

// RFC 7234's Warning header, one for all `warnings`.
void add_warnings(HttpResponse& response, std::span<const std::string> warnings);

// The answer to a browser that asks what it may send to `path`. An origin that is allowed may send
// every header that it asks for: none but those that are documented mean anything.
HttpResponse preflight(const std::string& path, const std::string& origin,
                       const std::string& asked_headers, const std::vector<std::string>& allowed);
// Lets a page of `origin` read the answer, if it is allowed. Where some are and others not, the
// answer says that it varies, also to those that are not: a cache keeps answers for everybody.
void add_origin(HttpResponse& response, const std::string& origin,
                const std::vector<std::string>& allowed);

}  // namespace vecton::server
