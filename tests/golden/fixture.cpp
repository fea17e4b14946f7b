#include "fixture.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backend/registry.h"
#include "base/json.h"

namespace vecton::golden {

// VECTON_GOLDEN_DIR: another folder of fixtures, such as those that another version of a library
// made.
static std::filesystem::path fixtures_folder() {
  const char* other = std::getenv("VECTON_GOLDEN_DIR");
  return other ? other : VECTON_GOLDEN_DIR;
}

// The cases, and those of vectors of a query or a document: `role_cases`, apart because no request
// of a public interface can ask for them.
static json::object read_cases(const std::filesystem::path& file) {
  json::object cases = base::read_json(file).as_object();
  json::array& all = cases.at("cases").as_array();
  if (const json::value* roles = cases.if_contains("role_cases"))
    all.insert(all.end(), roles->as_array().begin(), roles->as_array().end());
  return cases;
}

std::vector<std::string> fixtures_with(const std::vector<std::string>& tasks) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures_folder())) {
    if (!std::filesystem::exists(entry.path() / "cases.json")) continue;
    const json::object cases = read_cases(entry.path() / "cases.json");
    const bool has = std::ranges::any_of(cases.at("cases").as_array(), [&](const json::value& c) {
      return std::ranges::count(tasks, std::string(c.at("task").as_string())) > 0;
    });
    if (has) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Ids ids_of(const json::value& list) {
  Ids ids;
  for (const json::value& id : list.as_array()) ids.push_back(static_cast<int32_t>(id.as_int64()));
  return ids;
}

std::vector<std::string> other_backends() {
  std::vector<std::string> names = backend::backends();
  std::erase(names, "cpu");
  return names;
}

Fixture::Fixture(const std::string& name)
    : folder_(fixtures_folder() / name), cases_(read_cases(folder_ / "cases.json")) {
  const auto file = folder_ / "expected.safetensors";
  if (std::filesystem::exists(file)) tensors_ = checkpoint::read_safetensors(file);
}

std::string Fixture::architecture() const {
  if (!std::filesystem::exists(model() / "config.json")) return "";
  const json::value config = base::read_json(model() / "config.json");
  const json::value* names = config.as_object().if_contains("architectures");
  return names && names->is_array() ? std::string(names->as_array().front().as_string()) : "";
}

std::string Fixture::patches_of() const {
  const json::value* other = cases_.if_contains("patches_of");
  return other ? std::string(other->as_string()) : folder_.filename().string();
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
