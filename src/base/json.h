// JSON, through Boost.JSON: parsing of outside bytes with bounded depth and errors that name the
// file.
#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace vecton::base {

// Parses a whole document. `what` names it in errors (kCorrupt): "config.json", "request body".
// They have the place's line and column.
// `memory` is where the values live: a json::monotonic_resource makes large documents fast.
json::value parse_json(std::string_view text, const std::string& what,
                       json::storage_ptr memory = {});

// Reads and parses a file, whose numbers may be NaN and Infinity as Python writes them; the error
// for a missing one is kNotFound.
json::value read_json(const std::filesystem::path& file, json::storage_ptr memory = {});

}  // namespace vecton::base
