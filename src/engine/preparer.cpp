#include "engine/preparer.h"

#include <algorithm>
#include <utility>

#include "engine/lower_case.h"
#include "vecton/error.h"

namespace vecton {

namespace {

[[noreturn]] void refuse(const std::string& message, const char* field) {
  throw Error(ErrorCode::kInvalidArgument, message, field);
}

}  // namespace

Preparer::Preparer(const Plan& plan, std::shared_ptr<const Tokenizer> tokenizer)
    : plan_(plan), tokenizer_(std::move(tokenizer)) {}

std::string Preparer::prompt_of(const Request& request) const {
  if (request.prompt) return *request.prompt;
  const auto& name = request.prompt_name ? request.prompt_name : plan_.modules.default_prompt_name;
  if (!name) return "";
  std::string known;
  for (const auto& [prompt_name, prompt] : plan_.modules.prompts) {
    if (prompt_name == *name) return prompt;
    known += (known.empty() ? "" : ", ") + prompt_name;
  }
  refuse("prompt_name \"" + *name + "\" is not known; the model has " +
             (known.empty() ? "no prompts" : known),
         "prompt_name");
}

// The length that the request asks to be cut to.
int64_t Preparer::max_tokens(const Request& request) const {
  const int64_t k = *request.truncate;
  if (k == -1) return plan_.max_model_len;
  if (k > plan_.max_model_len) {
    refuse("truncate_prompt_tokens value is greater than max_model_len (" +
               std::to_string(plan_.max_model_len) + "). Please request a smaller truncation size.",
           "truncate_prompt_tokens");
  }
  if (k < 1) refuse("truncate_prompt_tokens must be -1 or at least 1", "truncate_prompt_tokens");
  return k;
}

void Preparer::set_text(const Request& request, const std::string& text, Sequence& sequence) const {
  const std::string prompt = prompt_of(request);
  EncodeOptions options{.add_special_tokens = request.add_special_tokens};
  if (request.truncate) {
    options.truncation = EncodeOptions::Truncation::kLongestFirst;
    options.truncation_side = request.truncation_side;
    options.max_length = max_tokens(request);
    if (request.add_special_tokens && options.max_length < tokenizer_->num_special_tokens()) {
      refuse("truncate_prompt_tokens " + std::to_string(options.max_length) +
                 " has no room for the " + std::to_string(tokenizer_->num_special_tokens()) +
                 " special tokens",
             "truncate_prompt_tokens");
    }
  }
  const auto encode = [&](const std::string& t, const EncodeOptions& o) {
    return tokenizer_->encode(plan_.modules.lower_case ? lower_case(t) : t, o);
  };
  Encoding encoding = encode(prompt + text, options);
  sequence.truncated = encoding.truncated > 0;
  sequence.ids = std::move(encoding.ids);
  if (!prompt.empty() && !plan_.modules.include_prompt) {
    const Encoding alone = encode(prompt, {.add_special_tokens = request.add_special_tokens});
    const bool closed = !alone.special_tokens_mask.empty() && alone.special_tokens_mask.back() != 0;
    sequence.prompt_tokens = static_cast<int64_t>(alone.ids.size()) - (closed ? 1 : 0);
    if (sequence.prompt_tokens >= sequence.tokens()) {
      refuse(
          "the prompt alone fills the " + std::to_string(sequence.tokens()) + " tokens there are",
          "input");
    }
  }
}

void Preparer::set_ids(const Request& request, const std::vector<int32_t>& ids,
                       Sequence& sequence) const {
  const int64_t limit = request.truncate ? max_tokens(request) : static_cast<int64_t>(ids.size());
  const int64_t keep = std::min(limit, static_cast<int64_t>(ids.size()));
  sequence.truncated = keep < static_cast<int64_t>(ids.size());
  const bool left = request.truncation_side == EncodeOptions::Side::kLeft;
  sequence.ids = left ? std::vector<int32_t>(ids.end() - keep, ids.end())
                      : std::vector<int32_t>(ids.begin(), ids.begin() + keep);
}

void Preparer::set_dimensions(const Request& request, Sequence& sequence) const {
  if (!request.dimensions) return;
  const int64_t dimensions = *request.dimensions;
  const std::vector<int64_t>& allowed = plan_.matryoshka_dimensions;
  if (request.task != Task::kEmbed) refuse("dimensions are for the task embed only", "dimensions");
  if (!plan_.matryoshka) {
    refuse("Model \"" + plan_.name +
               "\" does not support matryoshka representation, changing output dimensions will "
               "lead to poor results. "
               "If it was trained for it, say so with --hf-overrides '{\"is_matryoshka\":true}'",
           "dimensions");
  }
  if (dimensions < 1 || dimensions > plan_.embedding_size) {
    refuse("dimensions should be from 1 to " + std::to_string(plan_.embedding_size) +
               ", the size of the model's embeddings",
           "dimensions");
  }
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), dimensions) == allowed.end()) {
    std::string list;
    for (const int64_t d : allowed) list += (list.empty() ? "" : ", ") + std::to_string(d);
    refuse("dimensions " + std::to_string(dimensions) +
               " is not one that the model was trained for: " + list,
           "dimensions");
  }
  sequence.dimensions = dimensions;
}

Sequence Preparer::prepare(const Request& request, const std::string& where) const try {
  const auto start = std::chrono::steady_clock::now();
  Sequence sequence{.task = request.task};
  sequence.normalize =
      request.use_activation.value_or(request.task == Task::kEmbed && plan_.normalize);
  set_dimensions(request, sequence);
  if (const auto* text = std::get_if<std::string>(&request.input)) {
    set_text(request, *text, sequence);
  } else {
    set_ids(request, std::get<std::vector<int32_t>>(request.input), sequence);
  }
  if (sequence.ids.empty()) refuse("the input has no tokens", "input");
  for (const int32_t id : sequence.ids) {
    if (id < 0 || id >= plan_.shape.vocab) {
      refuse("token id " + std::to_string(id) + " is out of vocabulary: ids are from 0 to " +
                 std::to_string(plan_.shape.vocab - 1),
             "input");
    }
  }
  if (sequence.tokens() > plan_.max_model_len) {
    throw Error(ErrorCode::kTooLong,
                "This model's maximum context length is " + std::to_string(plan_.max_model_len) +
                    " tokens. However, the input has " + std::to_string(sequence.tokens()) +
                    " tokens. Please reduce the length of the input prompt or ask for truncation.",
                "input");
  }
  sequence.tokenization =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return sequence;
} catch (const Error& e) {
  if (where.empty()) throw;
  throw Error(e.code(), where + e.what(), e.field());
}

}  // namespace vecton
