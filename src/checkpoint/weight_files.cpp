#include "checkpoint/weight_files.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/torch_file.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

// Files of `folder` that look like weights, and those of its onnx/ and openvino/ folders, for the
// message.
std::vector<std::string> other_weights(const fs::path& folder) {
  static constexpr std::string_view kEndings[] = {
      ".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".ckpt", ".gguf", ".safetensors"};
  std::vector<std::string> found;
  for (const std::string_view sub : {"", "onnx", "openvino"}) {
    std::error_code error;
    for (fs::directory_iterator it(folder / sub, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      const bool weights = std::ranges::any_of(
          kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
      if (weights && name != "training_args.bin") found.push_back((fs::path(sub) / name).string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// How to save a PyTorch checkpoint, or the one that a module's folder belongs to, as safetensors.
std::string conversion_hint(const fs::path& folder) {
  const bool sentences = base::is_file(folder / "modules.json") ||
                         base::is_file(folder.parent_path() / "modules.json");
  const std::string load =
      sentences
          ? "from sentence_transformers import SentenceTransformer; SentenceTransformer('OLD')"
          : "from transformers import AutoModel; AutoModel.from_pretrained('OLD')";
  return ". To convert it: python -c \"" + load +
         ".save_pretrained('NEW', safe_serialization=True)\"";
}

[[noreturn]] void fail_without_weights(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw Error(ErrorCode::kNotFound, folder.string() + ": no such folder");
  const std::vector<std::string> others = other_weights(folder);
  std::string expected;
  for (const WeightNames& names : {kSafetensorsNames, kTorchNames}) {
    expected += (expected.empty() ? "expected " : ", or ") + std::string(names.single) + " or " +
                std::string(names.index) + " with its shards";
  }
  if (others.empty())
    throw Error(ErrorCode::kNotFound, folder.string() + ": no weights: " + expected);
  std::string list;
  for (const std::string& name : others) list += (list.empty() ? "" : ", ") + name_text(name);
  const bool pytorch = std::ranges::any_of(others, [](const std::string& name) {
    return name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth");
  });
  throw Error(ErrorCode::kUnsupported, folder.string() + ": no weights that are read: " + expected +
                                           ", found only " + list +
                                           (pytorch ? conversion_hint(folder) : ""));
}

// A hub cache links its snapshots to blobs; one that was cut short or cleaned has links to nothing.
void check_link(const fs::path& file) {
  std::error_code error;
  if (fs::is_symlink(file, error) && !fs::exists(file, error)) {
    throw Error(ErrorCode::kNotFound,
                file.string() + ": links to a file that is not there: download the model again");
  }
}

// Shards lie beside their index or in folders below it, whatever the index says.
void check_shard_name(const std::string& shard, std::string_view ending, const std::string& index) {
  const fs::path path(shard);
  const bool inside = path.is_relative() &&
                      shard.find_first_of(std::string_view("\\\0", 2)) == std::string::npos &&
                      std::ranges::none_of(path, [](const fs::path& part) { return part == ".."; });
  if (!inside || !shard.ends_with(ending)) {
    throw Error(ErrorCode::kCorrupt, index + ": shard " + quoted_text(shard) +
                                         ": expected the name of a " + std::string(ending) +
                                         " file in the same folder or below it");
  }
}

// Tensor names by shard.
std::map<std::string, std::vector<std::string>> read_index(const fs::path& file,
                                                           std::string_view ending) {
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::kCorrupt, file.string() + ": " + message);
  };
  const json::value document = base::read_json(file);
  const json::object* top = document.if_object();
  const json::value* value = top ? top->if_contains("weight_map") : nullptr;
  const json::object* weight_map = value ? value->if_object() : nullptr;
  if (!weight_map) fail("has no object \"weight_map\"");
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [name, shard] : *weight_map) {
    if (!shard.is_string())
      fail("\"weight_map\": tensor " + quoted_text(name) + ": expected the name of a file");
    const std::string shard_name(shard.get_string());
    check_shard_name(shard_name, ending, file.string());
    shards[shard_name].emplace_back(name);
  }
  if (shards.empty()) fail("\"weight_map\" names no tensor");
  return shards;
}

// All tensors of the file or the shards of one format, read by `read`; nothing where there are
// neither.
std::optional<Tensors> read_format(const fs::path& folder, const WeightNames& names,
                                   Tensors (*read)(const fs::path&)) {
  const fs::path single = folder / names.single, index = folder / names.index;
  check_link(single);
  if (base::is_file(single)) return read(single);
  check_link(index);
  if (!base::is_file(index)) return std::nullopt;
  Tensors all;
  for (const auto& [shard, tensors_of_shard] : read_index(index, names.shard_ending)) {
    const fs::path file = folder / shard;
    check_link(file);
    if (!base::is_file(file)) {
      throw Error(ErrorCode::kNotFound, file.string() + ": no such file, but " +
                                            std::string(names.index) + " says it holds " +
                                            name_text(tensors_of_shard.front()));
    }
    Tensors tensors = read(file);
    for (const std::string& name : tensors_of_shard) {
      if (!tensors.contains(name)) {
        throw Error(ErrorCode::kCorrupt, file.string() + ": has no tensor " + name_text(name) +
                                             ", but " + std::string(names.index) + " says so");
      }
    }
    for (auto& [name, tensor] : tensors) {
      if (!all.emplace(name, std::move(tensor)).second) {
        throw Error(ErrorCode::kCorrupt,
                    file.string() + ": tensor " + name_text(name) + " is also in another shard");
      }
    }
  }
  return all;
}

}  // namespace

Tensors read_checkpoint(const fs::path& folder) {
  if (auto tensors = read_format(folder, kSafetensorsNames, read_safetensors))
    return std::move(*tensors);
  if (auto tensors = read_format(folder, kTorchNames, read_torch_file)) return std::move(*tensors);
  fail_without_weights(folder);
}

Tensors read_weights_beside(const fs::path& folder, const std::string& name) {
  const fs::path safe = folder / (name + ".safetensors"), torch = folder / (name + ".pt");
  check_link(safe);
  if (base::is_file(safe)) return read_safetensors(safe);
  check_link(torch);
  if (base::is_file(torch)) return read_torch_file(torch);
  throw Error(ErrorCode::kNotFound, folder.string() + ": expected " + name_text(name) +
                                        ".safetensors or " + name_text(name) + ".pt");
}

}  // namespace vecton::checkpoint
