// A golden fixture: a checkpoint folder, cases and the reference's outputs. Found by listing
// tests/golden.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace vecton::golden {

// Names of the fixture folders that have a case of one of these tasks, sorted.
std::vector<std::string> fixtures_with(const std::vector<std::string>& tasks);

// What a parameter of INSTANTIATE_TEST_SUITE_P is called: a fixture's name, of letters, digits and
// underscores.
inline constexpr auto test_name = [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
};

using Ids = std::vector<int32_t>;
Ids ids_of(const json::value& list);

// The backends of this build beside "cpu".
std::vector<std::string> other_backends();

struct Matrix {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

class Fixture {
 public:
  explicit Fixture(const std::string& name);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path model() const { return folder_ / "model"; }
  std::string architecture() const;  // config.json's first, or ""
  // The fixture whose image_preprocess cases have this one's patches: this, or one that it names.
  std::string patches_of() const;
  const json::array& cases() const { return cases_.at("cases").as_array(); }
  // The tensor that {"tensor": name} refers to.
  Matrix tensor(const json::value& reference) const;
  // Its bytes, whatever its type.
  std::vector<std::byte> bytes(const json::value& reference) const;

 private:
  std::filesystem::path folder_;
  json::object cases_;
  std::map<std::string, checkpoint::StoredTensor> tensors_;
};

}  // namespace vecton::golden
