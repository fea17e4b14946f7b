// Routes: the plans of a model with what prepares requests for each. A model has one, or with a
// sentence-transformers Router one per kind of text. Immutable and thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/preparer.h"
#include "engine/sequence.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton::engine {

class Routes {
 public:
  // Errors as make_plans() and Preparer have them.
  Routes(const EngineOptions& options,
         const std::function<void(const DownloadProgress&)>& progress);

  size_t size() const { return plans_.size(); }
  const Plan& plan(size_t route) const { return plans_[route]; }  // 0: of texts without a role
  const Tokenizer& tokenizer(size_t route) const { return *tokenizers_[route]; }
  std::shared_ptr<const Tokenizer> main_tokenizer() const { return tokenizers_.front(); }

  // As Preparer's, by the preparer of the request's role. Errors name the role that has no route.
  Sequence prepare(const Request& request, const std::string& where,
                   FetchedPictures* fetched = nullptr) const;
  std::vector<Request> pieces(const Request& request, const std::string& where) const;

  // A request whose messages have become the text that its chat template makes of them.
  Request render(const Request& request, const std::string& where) const;
  // Of the model's folder, read when they are first asked for.
  const ChatTemplates& chat_templates() const;

 private:
  // The messages of a chat as a text, and the images in them.
  void flatten(const Chat& chat, Prompt& prompt) const;
  size_t route_of(const Request& request, const std::string& where) const;

  std::vector<Plan> plans_;
  std::vector<std::shared_ptr<const Tokenizer>> tokenizers_;  // of each plan
  std::vector<Preparer> preparers_;                           // of each plan
  mutable std::once_flag templates_read_;
  mutable std::optional<ChatTemplates> templates_;
};

}  // namespace vecton::engine
