#include <optional>
#include <vector>

#include "checkpoint/gguf/model_file.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/hub_client.h"
#include "checkpoint/hub_download.h"
#include "checkpoint/hub_snapshot.h"
#include "checkpoint/name_text.h"
#include "gguf/file.h"
#include "vecton/error.h"
#include "vecton/options.h"

namespace vecton {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_not_found(const std::string& model, const std::string& why) {
  throw Error(ErrorCode::kNotFound, "model '" + model + "': " + why, "model");
}

// The name in the address of a model's page, "https://huggingface.co/org/name/tree/main"; "" of
// anything else.
std::string name_of_address(std::string_view model) {
  const size_t scheme = model.find("://");
  if (scheme == model.npos) return "";
  model.remove_prefix(scheme + 3);
  const size_t owner = model.find('/');
  if (owner == model.npos) return "";
  model.remove_prefix(owner + 1);
  model = model.substr(0, model.find_first_of("?#"));
  const size_t slash = model.find('/');
  const std::string name(model.substr(0, slash == model.npos ? slash : model.find('/', slash + 1)));
  return hub::is_model_name(name) ? name : "";
}

// The folder or GGUF file when `model` is one; nothing when it is a name on the hub.
std::optional<fs::path> existing_model(const std::string& model) {
  if (model.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "model: expected a folder, a GGUF file or a name on the model hub (org/name)",
                "model");
  }
  const fs::path path = model;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return checkpoint::gguf_in_folder(path).value_or(path);
  if (gguf::is_gguf(path)) return path;
  if (fs::exists(status))
    throw_not_found(model, "is a file; expected the folder of a model or a GGUF file");
  if (model.starts_with('/') || model.starts_with('.') || model.starts_with('~')) {
    throw_not_found(model, "no such folder");
  }
  if (const std::string name = name_of_address(model); !name.empty())
    throw_not_found(model, "is an address: give the model's name, " + name);
  if (!hub::is_model_name(model) && !checkpoint::gguf_reference(model)) {
    throw_not_found(model,
                    "no such folder, and not a name on the model hub (name or org/name, of "
                    "letters, digits, '-', '_' and '.'; of its GGUF files org/name:Q4_K_M or "
                    "org/name/file.gguf)");
  }
  return std::nullopt;
}

// What mlx-embeddings calls families, by the checkpoint that it means.
std::string full_name(const std::string& model) {
  return model == "qwen3-vl" || model == "qwen3_vl" ? "Qwen/Qwen3-VL-Embedding-2B" : model;
}

// The repository that a name on the hub is of, and the file of it that is meant.
checkpoint::GgufReference reference_of(const std::string& given) {
  const std::string model = full_name(given);
  const std::optional<checkpoint::GgufReference> gguf = checkpoint::gguf_reference(model);
  return gguf ? *gguf
              : checkpoint::GgufReference{.repository = model, .quantisation = {}, .file = {}};
}

// What the cache knows of a revision.
struct Cached {
  fs::path snapshot;                 // empty: the revision was never downloaded
  fs::path model;                    // the snapshot, or a GGUF file in it
  std::vector<std::string> missing;  // of the snapshot
  bool certain = false;              // the snapshot is known to lack no modules.json
  bool complete() const { return !snapshot.empty() && missing.empty(); }
};

// The GGUF file of a snapshot; its name alone where it is not there.
std::optional<std::string> find_gguf(const checkpoint::GgufReference& model,
                                     const fs::path& snapshot) {
  try {
    return hub::gguf_of(model, hub::files_of(snapshot));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    return model.file.empty() ? "*" + model.quantisation + "*.gguf" : model.file;
  }
}

Cached look_up(const hub::RepositoryCache& cache, const checkpoint::GgufReference& model,
               const HubOptions& options) {
  const std::optional<std::string> commit = cache.commit_of(options.revision);
  const fs::path snapshot = cache.snapshot(commit.value_or(""));
  std::error_code error;
  if (!commit || !fs::is_directory(snapshot, error)) return {};
  const std::optional<std::string> gguf = find_gguf(model, snapshot);
  if (!gguf)
    return {snapshot, snapshot, hub::missing_files(snapshot, options.dense_path),
            cache.modules_known(*commit)};
  // The snapshot may lack others of the repository, of which none is named.
  const bool named = !model.file.empty() || !model.quantisation.empty();
  Cached cached{snapshot, snapshot / *gguf, {}, named};
  for (std::string& part : checkpoint::gguf_parts(*gguf)) {
    if (!fs::exists(snapshot / part, error)) cached.missing.push_back(std::move(part));
  }
  return cached;
}

[[noreturn]] void throw_offline(const std::string& model, const HubOptions& options,
                                const hub::RepositoryCache& cache, const Cached& cached) {
  std::string why =
      "revision " + options.revision + " is not in the hub cache (" + cache.folder().string() + ")";
  if (!cached.snapshot.empty()) {
    why = "its snapshot in the hub cache (" + cached.snapshot.string() + ") lacks";
    for (const std::string& file : cached.missing) why += " " + file;
  }
  throw_not_found(model,
                  why +
                      ", and HF_HUB_OFFLINE forbids to download it. Unset HF_HUB_OFFLINE, name the "
                      "cache that has the model (HF_HUB_CACHE, HF_HOME) or give a folder");
}

// Options that a program built field by field: what it left empty is the environment's.
HubOptions completed(HubOptions options) {
  if (!hub::is_revision(options.revision)) {
    throw Error(ErrorCode::kInvalidArgument,
                "revision: expected a branch, a tag, refs/pr/N or a commit, found " +
                    checkpoint::quoted_text(options.revision),
                "revision");
  }
  if (options.cache.empty() || options.endpoint.empty()) {
    const HubOptions defaults = HubOptions::from_environment();
    if (options.cache.empty()) options.cache = defaults.cache;
    if (options.endpoint.empty()) options.endpoint = defaults.endpoint;
  }
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  return options;
}

fs::path download(const std::string& model, const checkpoint::GgufReference& reference,
                  const HubOptions& options, const hub::RepositoryCache& cache,
                  const std::function<void(const DownloadProgress&)>& progress) {
  try {
    hub::HubClient client(options, reference.repository, {});
    return hub::download_snapshot(client, cache, reference, options, progress);
  } catch (const Error& error) {
    throw Error(error.code(), "model '" + model + "': " + error.what(), error.field());
  }
}

}  // namespace

fs::path resolve_model(const std::string& model, const HubOptions& given,
                       const std::function<void(const DownloadProgress&)>& progress) {
  if (const std::optional<fs::path> folder = existing_model(model)) return *folder;
  const HubOptions options = completed(given);
  const checkpoint::GgufReference reference = reference_of(model);
  const hub::RepositoryCache cache(options.cache, reference.repository);
  const Cached cached = look_up(cache, reference, options);
  if (cached.complete() && (cached.certain || options.offline)) return cached.model;
  if (options.offline) throw_offline(model, options, cache, cached);
  try {
    return download(model, reference, options, cache, progress);
  } catch (const Error& error) {
    // A model that was complete before a token ran out or the hub went away is complete still.
    const bool no_answer = error.code() == ErrorCode::kNetwork ||
                           error.code() == ErrorCode::kUnauthorized ||
                           error.code() == ErrorCode::kNotFound;
    if (no_answer && cached.complete()) return cached.model;
    throw;
  }
}

fs::path pull_model(const std::string& model, const HubOptions& given,
                    const std::function<void(const DownloadProgress&)>& progress) {
  if (const std::optional<fs::path> folder = existing_model(model)) return *folder;
  const HubOptions options = completed(given);
  if (options.offline) {
    throw Error(ErrorCode::kNetwork, "model '" + model +
                                         "': HF_HUB_OFFLINE forbids to ask the hub for it; unset "
                                         "HF_HUB_OFFLINE to download");
  }
  const checkpoint::GgufReference reference = reference_of(model);
  return download(model, reference, options,
                  hub::RepositoryCache(options.cache, reference.repository), progress);
}

}  // namespace vecton
