// The small files of a new checkpoint as MLX's converters write them. Functions of their arguments,
// for any thread.
#pragma once

#include <string>

#include "base/json.h"
#include "convert/layout.h"
#include "convert/shards.h"

namespace vecton::convert {

// config.json: keys sorted, without _name_or_path, and of the quantisation what `entries` says;
// null = none.
std::string config_text(json::object config, const json::object* entries, Layout layout);

// model.safetensors.index.json.
std::string index_text(const Shards& shards, int64_t parameters, Layout layout);

// README.md; `source` is the model's name on the hub, or "".
std::string card_text(const std::string& source, Layout layout);

// JSON as Python's json.dump(..., indent=4) writes it.
std::string indented(const json::value& value);

}  // namespace vecton::convert
