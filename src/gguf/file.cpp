#include "gguf/file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "base/files.h"
#include "gguf/header_reader.h"

namespace vecton::gguf {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".gguf";
constexpr int64_t kMostParts = 99'999;

// The digits at text[at, at + 5).
std::optional<int64_t> five_digits(std::string_view text) {
  int64_t number = 0;
  if (text.size() != 5 || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string expected(std::string_view what, const Value* found) {
  if (!found) return "missing; " + std::string(what) + " is expected";
  return "expected " + std::string(what) + ", found " +
         (found->is_array ? "an array" : std::string(words_of(found->type)));
}

}  // namespace

bool is_gguf(const fs::path& path) {
  if (!base::is_file(path)) return false;
  if (path.extension() == kEnding) return true;
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "GGUF";
}

std::optional<SplitName> split_name(std::string_view name) {
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kDigits = 5, kTail = 1 + kDigits + kOf.size() + kDigits;
  if (!name.ends_with(kEnding)) return std::nullopt;
  name.remove_suffix(kEnding.size());
  if (name.size() <= kTail) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kTail);
  const auto number = five_digits(tail.substr(1, kDigits)),
             count = five_digits(tail.substr(kTail - kDigits));
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf || !number || !count)
    return std::nullopt;
  if (*number < 1 || *number > *count) return std::nullopt;
  return SplitName{std::string(name.substr(0, name.size() - kTail)), *number, *count};
}

std::string name_of_part(const SplitName& name, int64_t number) {
  char tail[32];
  std::snprintf(tail, sizeof tail, "-%05d-of-%05d.gguf", static_cast<int>(number),
                static_cast<int>(name.count));
  return name.prefix + tail;
}

File File::parse(std::span<const std::byte> bytes, const std::string& what) {
  File file = HeaderReader(bytes, what).read();
  file.sort_tensors();
  return file;
}

static File open_part(const fs::path& path, std::shared_ptr<const base::MappedFile>& map) {
  map = std::make_shared<const base::MappedFile>(path);
  const std::string what = path.string();
  return HeaderReader(map->bytes(), what).read();
}

File File::open(const fs::path& path) {
  const auto read = [](const fs::path& part) {
    std::shared_ptr<const base::MappedFile> map;
    File file = open_part(part, map);
    for (Tensor& tensor : file.tensors_) tensor.file = map;
    file.map_ = std::move(map);
    return file;
  };
  File file = read(path);
  const int64_t parts = file.integer_or("split.count", 0, 0, kMostParts);
  if (parts > 1) {
    const auto name = split_name(path.filename().string());
    const int64_t number = file.integer("split.no", 0, parts - 1);
    if (!name || name->count != parts || name->number != number + 1)
      file.fail("split.no", "part " + std::to_string(number + 1) + " of " + std::to_string(parts) +
                                ", which the file's name does not say (NAME-00001-of-00003.gguf)");
    if (number != 0) {
      throw Error(
          ErrorCode::kInvalidArgument,
          file.what() + ": a part of a split model; give the first one, " + name_of_part(*name, 1),
          "model");
    }
    for (int64_t i = 2; i <= parts; ++i) {
      File part = read(path.parent_path() / name_of_part(*name, i));
      if (part.integer("split.no", 0, parts - 1) != i - 1 ||
          part.integer("split.count", 0, kMostParts) != parts)
        part.fail("split.no", "another part than its name says");
      file.join(std::move(part));
    }
    const int64_t tensors = static_cast<int64_t>(file.tensors_.size());
    if (file.integer_or("split.tensors.count", tensors, 0, int64_t{1} << 31) != tensors)
      file.fail("split.tensors.count", "the parts have " + std::to_string(tensors) + " tensors");
  }
  file.sort_tensors();
  return file;
}

void File::join(File part) {
  for (Tensor& tensor : part.tensors_) tensors_.push_back(std::move(tensor));
}

void File::sort_tensors() {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!by_name_.emplace(tensors_[i].name, i).second)
      fail(tensors_[i].name, "a tensor of this name is there twice");
  }
}

const Value* File::find(std::string_view key) const {
  const auto found =
      std::ranges::lower_bound(metadata_, key, {}, [](const auto& entry) { return entry.first; });
  return found != metadata_.end() && found->first == key ? &found->second : nullptr;
}

const Tensor* File::tensor(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

void File::fail(std::string_view key, const std::string& message, ErrorCode code) const {
  std::string name;
  for (const char c : key.substr(0, 80)) name += static_cast<unsigned char>(c) >= ' ' ? c : '?';
  throw Error(code, what_ + ": " + name + ": " + message);
}

int64_t File::integer(std::string_view key, int64_t least, int64_t most) const {
  const auto range = [&] {
    return "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  };
  const Value* value = find(key);
  const std::optional<int64_t> found = value ? value->integer() : std::nullopt;
  if (!found) fail(key, expected(range(), value));
  const int64_t number = *found;
  if (number < least || number > most)
    fail(key, "expected " + range() + ", found " + std::to_string(number));
  return number;
}

int64_t File::integer_or(std::string_view key, int64_t fallback, int64_t least,
                         int64_t most) const {
  return has(key) ? integer(key, least, most) : fallback;
}

double File::number(std::string_view key) const {
  const Value* value = find(key);
  const std::optional<double> number = value ? value->number() : std::nullopt;
  if (!number) fail(key, expected("a number", value));
  if (!std::isfinite(*number)) fail(key, "expected a finite number");
  return *number;
}

double File::number_or(std::string_view key, double fallback) const {
  return has(key) ? number(key) : fallback;
}

bool File::boolean_or(std::string_view key, bool fallback) const {
  const Value* value = find(key);
  if (!value) return fallback;
  const std::optional<bool> boolean = value->boolean();
  if (!boolean) fail(key, expected("a boolean", value));
  return *boolean;
}

std::string_view File::text(std::string_view key) const {
  const Value* value = find(key);
  const std::optional<std::string_view> text = value ? value->text() : std::nullopt;
  if (!text) fail(key, expected("a string", value));
  return *text;
}

std::string_view File::text_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? text(key) : fallback;
}

std::vector<int64_t> File::integers(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return {};
  auto list = value->integers();
  if (!list) fail(key, "expected an array of integers");
  return std::move(*list);
}

std::vector<double> File::numbers(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return {};
  auto list = value->numbers();
  if (!list) fail(key, "expected an array of numbers");
  return std::move(*list);
}

std::vector<std::string_view> File::texts(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return {};
  auto list = value->texts();
  if (!list) fail(key, "expected an array of strings");
  return std::move(*list);
}

}  // namespace vecton::gguf
