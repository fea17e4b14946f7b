// The hub cache on disk: <cache>/models--org--name/{refs,snapshots,blobs}, laid out as the Python
// hub client does, so that both share one cache. Used by the hub client only; any number of threads
// and processes may work in one cache.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace vecton::hub {

// "org/name" or a bare "name" of letters, digits and "-_.", at most 96 long; "--", ".." and ".git"
// at the end are no names.
bool is_model_name(std::string_view name);

// Forty hexadecimal digits.
bool is_commit(std::string_view revision);

// A branch, tag, "refs/pr/1" or commit, safe as a path below refs/.
bool is_revision(std::string_view revision);

// A relative path of plain components: what a repository may name a file.
bool is_repository_path(std::string_view path);

// Says that a snapshot is a sentence-transformers folder; its absence is remembered.
inline constexpr std::string_view kModules = "modules.json";

// One model's part of the cache.
class RepositoryCache {
 public:
  RepositoryCache(const std::filesystem::path& cache, std::string_view name);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path snapshot(std::string_view commit) const;
  std::filesystem::path blob(std::string_view etag) const;
  std::filesystem::path lock_file(std::string_view etag) const;

  // The commit that `revision` stood for when it was last downloaded; a commit stands for itself.
  std::optional<std::string> commit_of(const std::string& revision) const;
  // Written whole or not at all; a commit needs no ref.
  void write_ref(const std::string& revision, const std::string& commit) const;

  // Makes snapshots/<commit>/<file> a relative link to the blob.
  void link(std::string_view commit, const std::string& file, std::string_view etag) const;

  // Whether it is known that the repository has no modules.json, or that the snapshot was taken
  // whole. Libraries that load a bare transformer leave a snapshot that has its weights but not the
  // files that say how to pool.
  bool modules_known(std::string_view commit) const;
  // No error when the cache is read-only: the hub will be asked again.
  void remember_no_modules(std::string_view commit) const;

 private:
  std::filesystem::path folder_, locks_;
};

}  // namespace vecton::hub
