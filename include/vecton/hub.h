// The model hub: names to folders, in the hub cache's own layout
// (models--org--name/{refs,snapshots,blobs}).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "vecton/export.h"
#include "vecton/options.h"

namespace vecton {

struct DownloadProgress {
  std::string file{};      // name inside the repository
  int64_t file_bytes = 0;  // received so far, resumed bytes included
  int64_t file_size = 0;   // 0 = unknown
  int files_done = 0;
  int files_total = 0;
};

// The folder or GGUF file that holds `model`: itself, the GGUF file of a folder without a
// config.json, or the snapshot of a hub name, downloaded if it is not in the cache. GGUF files of a
// repository are named org/name:Q4_K_M or org/name/file.gguf. Errors: kNotFound (no such folder,
// name or revision), kUnauthorized (gated or private), kNetwork, kCorrupt (checksum).
VECTON_API std::filesystem::path resolve_model(
    const std::string& model, const HubOptions& options,
    const std::function<void(const DownloadProgress&)>& progress = {});

// As resolve_model, but asks the hub for the revision's current commit even when the cache has one.
VECTON_API std::filesystem::path pull_model(
    const std::string& model, const HubOptions& options,
    const std::function<void(const DownloadProgress&)>& progress = {});

}  // namespace vecton
