// The ways from a request to token ids: texts, pairs, marked texts, prompts of rerankers, ids,
// parts.
#include <algorithm>
#include <utility>

#include "engine/lower_case.h"
#include "engine/preparer.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

bool of_tokens(const Request& request) {
  const auto by_token = [](const TaskParameters& task) {
    return task_of(task) == Task::kTokenEmbed || task_of(task) == Task::kTokenClassify;
  };
  return by_token(request.task) || std::ranges::any_of(request.also, by_token);
}

// What encode() is asked for when the request wants `room` tokens at most; 0 = no limit.
EncodeOptions cut_to(const Request& request, int64_t room) {
  EncodeOptions options{.add_special_tokens = request.prompt.add_special_tokens.value_or(true),
                        .offsets = of_tokens(request)};
  if (room == 0) return options;
  options.truncation = EncodeOptions::Truncation::kLongestFirst;
  options.truncation_side = request.prompt.truncation.side;
  options.max_length = room;
  return options;
}

void check_room(int64_t room, int64_t special) {
  if (room >= special) return;
  refuse_field("truncate_prompt_tokens " + std::to_string(room) + " has no room for the " +
                   std::to_string(special) + " special tokens",
               "truncate_prompt_tokens");
}

}  // namespace

const std::string* second_text(const Request& request) {
  const auto text_of = [](const std::optional<std::string>& text) {
    return text ? &*text : nullptr;
  };
  if (const auto* score = std::get_if<Score>(&request.task)) return text_of(score->document);
  const auto* classes = std::get_if<Classify>(&request.task);
  return classes ? text_of(classes->pair) : nullptr;
}

void Preparer::take(Encoding encoding, bool of_tokens, Sequence& sequence) const {
  sequence.truncated = encoding.truncated > 0;
  if (of_tokens) {
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      sequence.tokens_info.push_back({.id = encoding.ids[i],
                                      .begin = encoding.offsets[i].first,
                                      .end = encoding.offsets[i].second,
                                      .special = encoding.special_tokens_mask[i] != 0});
    }
  }
  sequence.ids = std::move(encoding.ids);
  const bool typed = std::ranges::any_of(encoding.type_ids, [](int32_t type) { return type != 0; });
  if (typed && tokenizer_->model_takes_type_ids()) sequence.type_ids = std::move(encoding.type_ids);
}

void Preparer::set_text(const Request& request, const std::string& text, Sequence& sequence) const {
  const std::string prompt = prompt_of(request);
  const int64_t room =
      request.prompt.truncation.to ? max_tokens(request, max_model_len(request)) : 0;
  const bool special = plan_.pipeline.input.kind == checkpoint::InputModule::Kind::kTransformer;
  if (room > 0 && request.prompt.add_special_tokens.value_or(true) && special)
    check_room(room, tokenizer_->num_special_tokens());
  take(encode_whole(prompt + text, request, cut_to(request, room)), of_tokens(request), sequence);
  for (TokenInfo& token : sequence.tokens_info) {
    const auto skipped = static_cast<int64_t>(prompt.size());
    token.begin = std::max<int64_t>(0, token.begin - skipped);
    token.end = std::max<int64_t>(0, token.end - skipped);
  }
  if (prompt.empty() || !plan_.pipeline.pooling || plan_.pipeline.pooling->include_prompt) return;
  const Encoding alone =
      encode(prompt, {.add_special_tokens = request.prompt.add_special_tokens.value_or(true)});
  const bool closed = !alone.special_tokens_mask.empty() && alone.special_tokens_mask.back() != 0;
  sequence.prompt_tokens = static_cast<int64_t>(alone.ids.size()) - (closed ? 1 : 0);
  if (sequence.prompt_tokens >= sequence.tokens()) {
    refuse_field(
        "the prompt alone fills the " + std::to_string(sequence.tokens()) + " tokens there are",
        "input");
  }
}

void Preparer::set_pair(const Request& request, const std::string& text, const std::string& pair,
                        Sequence& sequence) const {
  const int64_t room =
      request.prompt.truncation.to ? max_tokens(request, max_model_len(request)) : 0;
  if (room > 0) check_room(room, tokenizer_->num_special_tokens(true));
  EncodeOptions options = cut_to(request, room);
  options.at_most = limit_of(request);
  const bool lower = plan_.pipeline.input.lower_case;
  const std::string first = prompt_of(request) + text;
  Encoding encoding = tokenizer_->encode(lower ? lower_case(first) : first,
                                         lower ? lower_case(pair) : pair, options);
  if (encoding.partial && room == 0)
    refuse_length("more than " + std::to_string(options.at_most), options.at_most, request);
  take(std::move(encoding), false, sequence);
}

// Late interaction: the marker goes after the first token; queries are filled up.
void Preparer::set_marked(const Request& request, const std::string& text, Role role,
                          Sequence& sequence) const {
  const checkpoint::LateInteraction& late = *plan_.late_interaction;
  const bool query = role == Role::kQuery;
  const int32_t marker = query ? query_marker_ : role == Role::kDocument ? document_marker_ : -1;
  const int64_t limit = role_len(role);
  int64_t room = 0;
  if (request.prompt.truncation.to) {
    room = max_tokens(request, limit) - (marker < 0 ? 0 : 1);
    check_room(room, tokenizer_->num_special_tokens());
  }
  take(encode_whole(prompt_of(request) + text, request, cut_to(request, room)), of_tokens(request),
       sequence);
  const auto at = std::min<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(sequence.ids.size()));
  if (marker >= 0) {
    sequence.ids.insert(sequence.ids.begin() + at, marker);
    if (!sequence.type_ids.empty()) sequence.type_ids.insert(sequence.type_ids.begin() + at, 0);
    if (!sequence.tokens_info.empty())
      sequence.tokens_info.insert(sequence.tokens_info.begin() + at, {marker, 0, 0, true});
  }
  check_length(sequence, limit, request);
  const int64_t filled =
      late.fill_length > 0 ? std::min(late.fill_length, plan_.max_role_len) : limit;
  if (query && late.expand_queries && sequence.tokens() < filled) {
    if (!late.attend_to_expansion) sequence.attended = sequence.tokens();
    sequence.ids.resize(static_cast<size_t>(filled), fill_);
    if (!sequence.tokens_info.empty())
      sequence.tokens_info.resize(sequence.ids.size(), {fill_, 0, 0, true});
  }
  set_answered(role, sequence);
}

// Late interaction of texts and images: the prompt is there already, and every token has a vector.
void Preparer::set_retrieval(const Request& request, const std::string& text,
                             Sequence& sequence) const {
  const int64_t room =
      request.prompt.truncation.to ? max_tokens(request, max_model_len(request)) : 0;
  EncodeOptions options = cut_to(request, room);
  options.add_special_tokens = plan_.images->retrieval.add_special_tokens;
  take(encode_whole(text, request, options), of_tokens(request), sequence);
  for (TokenInfo& token : sequence.tokens_info) token = {.id = token.id};  // of the prompt's text
}

// Late interaction: the tokens that have a vector. What is no query is a document.
void Preparer::set_answered(Role role, Sequence& sequence) const {
  const checkpoint::LateInteraction& late = *plan_.late_interaction;
  const bool query = role == Role::kQuery;
  const bool skips = query ? late.skip_in_queries : late.skip_in_documents;
  const bool only = !query && !late.keep_only.empty();
  if (!skips && !only) return;
  for (const int32_t id : sequence.ids) {
    const bool skipped = skips && skiplist_.contains(id);
    const bool left_out = only && std::ranges::count(late.keep_only, id) == 0;
    sequence.answered.push_back(skipped || left_out ? 0 : 1);
  }
}

// The document is cut; what stands around it stays.
void Preparer::set_rerank_prompt(const Request& request, const Score& task,
                                 const std::string& query, Sequence& sequence) const {
  const models::RerankPrompt& prompt = *plan_.rerank_prompt;
  const EncodeOptions plain{.add_special_tokens = false};
  const std::string before = prompt.before_document(
      task.instruction ? std::string_view(*task.instruction) : prompt.default_instruction, query);
  const std::vector<int32_t> suffix = encode(std::string(prompt.suffix), plain).ids;
  EncodeOptions options = plain;
  if (request.prompt.truncation.to) {
    const int64_t room =
        max_tokens(request, max_model_len(request)) - static_cast<int64_t>(suffix.size());
    const auto fixed = static_cast<int64_t>(encode_whole(before, request, plain).ids.size());
    if (room < fixed) {
      refuse_field("the prompt and the query alone are " +
                       std::to_string(fixed + static_cast<int64_t>(suffix.size())) +
                       " tokens; there is room for " +
                       std::to_string(room + static_cast<int64_t>(suffix.size())),
                   request.prompt.truncation.to == -1 ? "input" : "truncate_prompt_tokens");
    }
    options.truncation = EncodeOptions::Truncation::kLongestFirst;
    options.truncation_side = EncodeOptions::Side::kRight;
    options.max_length = room;
  }
  take(encode_whole(before + *task.document, request, options), false, sequence);
  sequence.ids.insert(sequence.ids.end(), suffix.begin(), suffix.end());
}

void Preparer::set_ids(const Request& request, const std::vector<int32_t>& ids,
                       Sequence& sequence) const {
  const auto size = static_cast<int64_t>(ids.size());
  const int64_t limit =
      request.prompt.truncation.to ? max_tokens(request, max_model_len(request)) : size;
  const int64_t keep = std::min(limit, size);
  sequence.truncated = keep < size;
  const bool left = request.prompt.truncation.side == EncodeOptions::Side::kLeft;
  sequence.ids = left ? std::vector<int32_t>(ids.end() - keep, ids.end())
                      : std::vector<int32_t>(ids.begin(), ids.begin() + keep);
  if (!of_tokens(request)) return;
  for (const int32_t id : sequence.ids) sequence.tokens_info.push_back({.id = id});
}

// The parts are tokenized as one text; a token belongs to the part that it begins in, and special
// tokens at the ends to the first and the last.
void Preparer::set_parts(const Request& request, const Embed& task, Sequence& sequence) const {
  const bool poolable = std::ranges::all_of(plan_.pooling, [](ops::Pooling pooling) {
    return pooling == ops::Pooling::kMean || pooling == ops::Pooling::kMeanSqrtLen;
  });
  if (!poolable)
    refuse_field("late chunking is for embedding models with mean pooling", "late_chunks");
  if (!request.also.empty()) refuse_field("also: is not for late chunking", "also");
  std::string text = prompt_of(request);
  std::vector<size_t> ends;
  for (const std::string& chunk : task.late_chunks) {
    if (chunk.empty()) refuse_field("a chunk is empty", "late_chunks");
    text += chunk;
    ends.push_back(text.size());
  }
  const EncodeOptions options{
      .add_special_tokens = request.prompt.add_special_tokens.value_or(true),
      .offsets = true,
      .at_most = max_model_len(request)};
  const Encoding encoding =
      request.prompt.truncation.to ? encode(text, options) : encode_whole(text, request, options);
  size_t chunk = 0;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const bool special = encoding.special_tokens_mask[i] != 0;
    while (!special && encoding.offsets[i].first >= ends[chunk] && chunk + 1 < ends.size()) {
      sequence.parts.push_back(static_cast<int64_t>(i));
      ++chunk;
    }
  }
  sequence.parts.push_back(static_cast<int64_t>(encoding.ids.size()));
  sequence.ids = encoding.ids;
  if (request.prompt.truncation.to) {
    const int64_t room = max_tokens(request, max_model_len(request));
    sequence.truncated = sequence.tokens() > room;
    if (sequence.truncated) sequence.ids.resize(static_cast<size_t>(room));
    for (int64_t& end : sequence.parts) end = std::min(end, room);
  }
  int64_t begin = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    const bool empty = i >= sequence.parts.size() || sequence.parts[i] == begin;
    if (empty) {
      refuse_field(
          "chunk " + std::to_string(i) +
              (sequence.truncated ? " lies beyond the " + std::to_string(sequence.tokens()) +
                                        " tokens that there is room for"
                                  : std::string(" has no tokens of its own")),
          "late_chunks");
    }
    begin = sequence.parts[i];
  }
}

void Preparer::set_input(const Request& request, Sequence& sequence) const {
  const auto* embed = std::get_if<Embed>(&request.task);
  if (embed && !embed->late_chunks.empty()) return set_parts(request, *embed, sequence);
  const std::string* pair = second_text(request);
  const auto* text = std::get_if<std::string>(&request.prompt.input);
  if (!text) {
    if (pair) refuse_field("token ids can't be one of two texts", "input");
    return set_ids(request, std::get<std::vector<int32_t>>(request.prompt.input), sequence);
  }
  const auto* score = std::get_if<Score>(&request.task);
  if (score && plan_.rerank_prompt) return set_rerank_prompt(request, *score, *text, sequence);
  if (plan_.pipeline.input.messages) return set_messages(request, *text, sequence);
  if (pair) return set_pair(request, *text, *pair, sequence);
  if (plan_.images && plan_.late_interaction) return set_retrieval(request, *text, sequence);
  const Role role = role_of(request);
  if (plan_.late_interaction && (role != Role::kNone || plan_.late_interaction->any_text))
    return set_marked(request, *text, role, sequence);
  set_text(request, *text, sequence);
}

}  // namespace vecton::engine
