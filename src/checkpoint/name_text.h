// Names that come from files, as messages show them: whole when they are plain, else quoted with
// escapes and cut, so that a hostile file writes neither control characters nor megabytes into a
// log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"

namespace vecton::checkpoint {

struct StoredTensor;

// encoder.layer.0.weight, or "a\nb" with quotes.
std::string name_text(std::string_view name);
// The same, always with quotes.
std::string quoted_text(std::string_view text);
// Several that name_text() made, the first twenty of them.
std::string names_text(const std::vector<std::string>& names);
// What messages call a tensor: "model.safetensors: encoder.weight", its file and its name there.
std::string title(const StoredTensor& tensor);
// JSON, cut.
std::string value_text(const json::value& value);

}  // namespace vecton::checkpoint
