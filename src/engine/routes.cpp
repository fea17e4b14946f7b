#include "engine/routes.h"

#include <utility>

#include "engine/chat_images.h"
#include "engine/picture_reader.h"
#include "vecton/error.h"

namespace vecton::engine {

Routes::Routes(const EngineOptions& options,
               const std::function<void(const DownloadProgress&)>& progress)
    : plans_(make_plans(options, progress)) {
  for (size_t i = 0; i < plans_.size(); ++i) {
    const std::filesystem::path& folder = plans_[i].tokenizer;
    std::shared_ptr<const Tokenizer> tokenizer;
    for (size_t j = 0; j < i; ++j) {
      const bool same = plans_[j].tokenizer == folder &&
                        plans_[j].tokenizer_options == plans_[i].tokenizer_options;
      if (same) tokenizer = tokenizers_[j];
    }
    tokenizers_.push_back(tokenizer ? tokenizer
                                    : Tokenizer::open(folder, plans_[i].tokenizer_options));
    preparers_.emplace_back(plans_[i], tokenizers_.back(), make_picture_reader(plans_[i], options));
  }
}

size_t Routes::route_of(const Request& request, const std::string& where) const {
  const int route = plans_.front().modules.pipeline_of_role[static_cast<size_t>(role_of(request))];
  if (route >= 0) return static_cast<size_t>(route);
  const bool none = role_of(request) == Role::kNone;
  throw Error(
      ErrorCode::kInvalidArgument,
      where + (none ? "the model has modules of their own for queries and documents, and no "
                      "others: the role of the text is needed"
                    : "the model's Router has no route for a text of this role"),
      "role");
}

Sequence Routes::prepare(const Request& request, const std::string& where,
                         FetchedPictures* fetched) const {
  const size_t route = route_of(request, where);
  Sequence sequence = preparers_[route].prepare(request, where, fetched);
  sequence.route = route;
  return sequence;
}

std::vector<Request> Routes::pieces(const Request& request, const std::string& where) const {
  return preparers_[route_of(request, where)].pieces(request, where);
}

const ChatTemplates& Routes::chat_templates() const {
  std::call_once(templates_read_,
                 [this] { templates_.emplace(ChatTemplates::open(plans_.front().folder)); });
  return *templates_;
}

// Models that compare texts and images have prompts of their own around them.
void Routes::flatten(const Chat& chat, Prompt& prompt) const {
  const Plan& plan = plans_.front();
  ChatImages taken = take_images(chat.input.messages, prompt.images);
  prompt.images = std::move(taken.images);
  if (!plan.images && !prompt.images.empty()) refuse_images(plan.architecture, prompt.images);
  const bool alone = plan.images && (plan.images->pooled || plan.late_interaction);
  if (alone) {
    prompt.input = only_text(taken.messages);
    return;
  }
  ChatInput input = chat.input;
  input.messages = std::move(taken.messages);
  const std::string text = chat_templates().render(input, chat.chat_template);
  if (plan.images && !prompt.images.empty()) {
    if (text.find(placeholder_of(*plan.images, *tokenizers_.front())) == std::string::npos)
      throw Error(ErrorCode::kInvalidArgument,
                  "messages: the chat template writes nothing for images", "messages");
  }
  prompt.input = text;
}

// The template writes the special tokens, and the prompt that the checkpoint has for texts is not
// put before it.
Request Routes::render(const Request& request, const std::string& where) const try {
  Request rendered = request;
  Prompt& prompt = rendered.prompt;
  flatten(std::get<Chat>(request.prompt.input), prompt);
  if (!prompt.add_special_tokens) prompt.add_special_tokens = false;
  if (!prompt.prompt_name && !prompt.prompt_text && prompt.role == Role::kNone)
    prompt.prompt_text = "";
  return rendered;
} catch (const Error& e) {
  if (where.empty()) throw;
  throw Error(e.code(), where + e.what(), e.field());
}

}  // namespace vecton::engine
