#include "fixture.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/json.h"

namespace vecton::golden {

// VECTON_GOLDEN_DIR: another folder of fixtures, such as those that another version of a library
// made.
static std::filesystem::path fixtures_folder() {
  const char* other = std::getenv("VECTON_GOLDEN_DIR");
  return other ? other : VECTON_GOLDEN_DIR;
}

std::vector<std::string> fixtures_with(const std::vector<std::string>& tasks) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures_folder())) {
    if (!std::filesystem::exists(entry.path() / "cases.json")) continue;
    const json::value cases = base::read_json(entry.path() / "cases.json");
    const bool has = std::ranges::any_of(cases.at("cases").as_array(), [&](const json::value& c) {
      return std::ranges::count(tasks, std::string(c.at("task").as_string())) > 0;
    });
    if (has) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Fixture::Fixture(const std::string& name)
    : folder_(fixtures_folder() / name),
      cases_(base::read_json(folder_ / "cases.json").as_object()) {
  const auto file = folder_ / "expected.safetensors";
  if (std::filesystem::exists(file)) tensors_ = checkpoint::read_safetensors(file);
}

std::string Fixture::architecture() const {
  if (!std::filesystem::exists(model() / "config.json")) return "";
  const json::value config = base::read_json(model() / "config.json");
  const json::value* names = config.as_object().if_contains("architectures");
  return names && names->is_array() ? std::string(names->as_array().front().as_string()) : "";
}

Matrix Fixture::tensor(const json::value& reference) const {
  const checkpoint::StoredTensor& stored =
      tensors_.at(std::string(reference.at("tensor").as_string()));
  if (stored.dtype == tensor::DType::kI64) {
    std::vector<int64_t> integers(stored.bytes.size() / sizeof(int64_t));
    std::memcpy(integers.data(), stored.bytes.data(), stored.bytes.size());
    return {stored.shape, {integers.begin(), integers.end()}};
  }
  Matrix matrix{stored.shape, std::vector<float>(stored.bytes.size() / sizeof(float))};
  std::memcpy(matrix.values.data(), stored.bytes.data(), stored.bytes.size());
  return matrix;
}

std::vector<std::byte> Fixture::bytes(const json::value& reference) const {
  const auto bytes = tensors_.at(std::string(reference.at("tensor").as_string())).bytes;
  return {bytes.begin(), bytes.end()};
}

}  // namespace vecton::golden
