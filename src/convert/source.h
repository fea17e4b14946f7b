// Source: a checkpoint that is converted, with its tensors as what they are read. Used by
// convert.cpp, from one thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/json.h"
#include "convert/layout.h"

namespace vecton::convert {

struct Source {
  std::string name;                          // for messages
  std::filesystem::path folder,              // the model's; empty of a GGUF file
      weights;                               // the transformer's, which may lie in it
  json::object config;                       // config.json
  std::map<std::string, std::string> files;  // of a GGUF file: what its metadata says, as files
  bool quantised = false;
  Tensors tensors;
};

// A model's folder or a GGUF file. Errors name what can't be converted.
Source open_source(const std::filesystem::path& model);

// The settings, the tokenizer, chat templates and the pooling of a GGUF file as the files of a
// checkpoint's folder, and its tensors under the names that they have there.
Source open_gguf(const std::filesystem::path& file);

}  // namespace vecton::convert
