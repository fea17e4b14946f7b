// Uploading a folder to the model hub as one commit: the repository is made, the hub is asked which
// files it keeps as they are and which as large objects, these are sent, and the commit names all.
// Used by convert_model; for one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "checkpoint/hub_connection.h"
#include "vecton/options.h"

namespace vecton::hub {

struct UploadReport {
  std::string url;     // of the commit
  std::string commit;  // forty hexadecimal digits
};

// What can be told before anything is made: the name, the token, whether the network may be used.
// Errors (kInvalidArgument, kUnauthorized) name the option.
void check_upload(const std::string& repository, const HubOptions& options);

// Every file below `folder` but hidden ones, to the branch main of `repository`, which is made
// where it is not there. Objects that the hub has already are not sent again. `progress` is told
// the bytes of large objects that are done, and of all of them. Errors in words for the user.
UploadReport upload_folder(const std::filesystem::path& folder, const std::string& repository,
                           const HubOptions& options, RetryPolicy retry,
                           const std::function<void(int64_t, int64_t)>& progress = {});

}  // namespace vecton::hub
