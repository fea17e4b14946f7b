#include "checkpoint/hub_cache.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxName = 96;  // the hub's own limit

// The C locale's ideas, whatever the program has set.
bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_part(std::string_view part) {
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  };
  const auto edge = [](char c) { return is_alphanumeric(c) || c == '_'; };
  return !part.empty() && edge(part.front()) && edge(part.back()) &&
         std::all_of(part.begin(), part.end(), allowed);
}

[[noreturn]] void throw_io(const std::string& what, const fs::path& path,
                           const std::error_code& error) {
  throw Error(ErrorCode::kIo, "cannot " + what + " " + path.string() + ": " + error.message() +
                                  " (HF_HUB_CACHE and HF_HOME say where the hub cache is)");
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw_io("make the folder", folder, error);
}

// A name beside `path` that no other process or thread uses.
fs::path temporary_beside(const fs::path& path) {
  std::string name = path.string() + ".XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) throw_io("write", path, {errno, std::generic_category()});
  close(file);
  return name;
}

void replace(const fs::path& temporary, const fs::path& path) {
  std::error_code error;
  fs::rename(temporary, path, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  throw_io("write", path, error);
}

}  // namespace

bool is_model_name(std::string_view name) {
  if (name.size() > kMaxName || name.find("--") != name.npos || name.find("..") != name.npos ||
      name.ends_with(".git")) {
    return false;
  }
  const size_t slash = name.find('/');
  if (slash == name.npos) return is_name_part(name);
  return is_name_part(name.substr(0, slash)) && is_name_part(name.substr(slash + 1));
}

bool is_commit(std::string_view revision) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(), hex);
}

bool is_revision(std::string_view revision) {
  return revision.size() <= 255 && is_repository_path(revision);
}

bool is_repository_path(std::string_view path) {
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
  };
  if (path.empty() || path.size() > 1024 || std::any_of(path.begin(), path.end(), bad)) {
    return false;
  }
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

RepositoryCache::RepositoryCache(const fs::path& cache, std::string_view name) {
  std::string folder = "models--" + std::string(name);
  if (const size_t slash = folder.find('/'); slash != folder.npos) folder.replace(slash, 1, "--");
  folder_ = cache / folder;
  locks_ = cache / ".locks" / folder;
}

fs::path RepositoryCache::snapshot(std::string_view commit) const {
  return folder_ / "snapshots" / commit;
}

fs::path RepositoryCache::blob(std::string_view etag) const { return folder_ / "blobs" / etag; }

fs::path RepositoryCache::lock_file(std::string_view etag) const {
  return locks_ / (std::string(etag) + ".lock");
}

std::optional<std::string> RepositoryCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  std::ifstream file(folder_ / "refs" / revision);
  std::string commit;
  if (!(file >> commit) || !is_commit(commit)) return std::nullopt;
  return commit;
}

void RepositoryCache::write_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) return;
  const fs::path path = folder_ / "refs" / revision;
  make_folder(path.parent_path());
  const fs::path temporary = temporary_beside(path);
  std::ofstream file(temporary);
  file << commit;
  file.close();
  if (!file) throw_io("write", path, {errno, std::generic_category()});
  fs::permissions(temporary, fs::perms(0644));
  replace(temporary, path);
}

void RepositoryCache::link(std::string_view commit, const std::string& file,
                           std::string_view etag) const {
  const fs::path path = snapshot(commit) / file;
  const fs::path target = blob(etag).lexically_relative(path.parent_path());
  make_folder(path.parent_path());
  std::error_code error;
  if (fs::read_symlink(path, error) == target) return;
  const fs::path temporary = temporary_beside(path);
  fs::remove(temporary);
  fs::create_symlink(target, temporary, error);
  // A file system without links holds the file itself.
  if (error) fs::rename(blob(etag), temporary, error);
  if (error) throw_io("link", path, error);
  replace(temporary, path);
}

bool RepositoryCache::modules_known(std::string_view commit) const {
  const fs::path files = snapshot(commit);
  const fs::path evidence[] = {files / kModules, folder_ / ".no_exist" / commit / kModules,
                               // Whole downloads bring these along; loaders of single parts do not.
                               files / ".gitattributes", files / "README.md"};
  return std::any_of(std::begin(evidence), std::end(evidence), [](const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
  });
}

void RepositoryCache::remember_no_modules(std::string_view commit) const {
  const fs::path path = folder_ / ".no_exist" / commit / kModules;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream(path).close();
}

}  // namespace vecton::hub
