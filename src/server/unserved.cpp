#include "server/unserved.h"

namespace vecton::server::unserved {

Plan generation(const Call& call) {
  const bool chat = call.http.path.find("chat") != std::string::npos;
  throw Failure(Cause::kRoute,
                std::string("The model does not support the ") +
                    (chat ? "Chat Completions" : "Completions") +
                    " API. The loaded model supports: " + task_names(call.context.info));
}

}  // namespace vecton::server::unserved
