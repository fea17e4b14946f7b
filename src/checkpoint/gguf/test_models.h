// GGUF files of small models, for tests. Included by *_test.cpp only.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/gguf/config.h"
#include "gguf/file.h"
#include "gguf/test_file.h"

namespace vecton::checkpoint {

using gguf::TestFile;

// Bytes and what was read of them.
struct Opened {
  explicit Opened(const TestFile& test)
      : bytes(test.bytes()),
        file(gguf::File::parse(std::as_bytes(std::span(bytes)), "model.gguf")) {}
  std::string bytes;
  gguf::File file;
};

// What a model of two layers says, whatever its norms are.
inline TestFile two_layers(const std::string& name) {
  TestFile test(name);
  test.integer(name + ".block_count", 2)
      .integer(name + ".embedding_length", 8)
      .integer(name + ".feed_forward_length", 16)
      .integer(name + ".context_length", 64)
      .integer(name + ".attention.head_count", 2)
      .floats("token_embd.weight", {5, 8}, std::vector<float>(40));
  return test;
}

inline TestFile decoder(const std::string& name) {
  return two_layers(name).number(name + ".attention.layer_norm_rms_epsilon", 0.5f);
}

inline Config config_of(const TestFile& test, const json::object& overrides = {}) {
  const Opened opened(test);
  return gguf_config(opened.file, overrides);
}

}  // namespace vecton::checkpoint
