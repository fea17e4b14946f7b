// Downloading into the hub cache: blobs that are locked, resumed and checked, then linked into the
// snapshot. Used by resolve_model and pull_model.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "checkpoint/gguf/model_file.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/hub_client.h"
#include "vecton/options.h"

namespace vecton::hub {

// Brings the revision of the client's model into the cache; files that are there already are not
// fetched. Returns the snapshot, or the GGUF file in it where `model` means one. The ref is written
// last: what it points to is complete. What an interrupted download received is used by the next
// one.
std::filesystem::path download_snapshot(
    HubClient& client, const RepositoryCache& cache, const checkpoint::GgufReference& model,
    const HubOptions& options, const std::function<void(const DownloadProgress&)>& progress);

}  // namespace vecton::hub
