#include "engine/preparer.h"

#include <algorithm>
#include <utility>

#include "engine/lower_case.h"
#include "engine/matryoshka.h"
#include "engine/prompts.h"
#include "vecton/error.h"
#include "vecton/request.h"

namespace vecton::engine {

namespace {

std::string names_of(const std::vector<Task>& tasks) {
  std::string names;
  for (const Task task : tasks) names += (names.empty() ? "" : ", ") + std::string(to_string(task));
  return names;
}

}  // namespace

void refuse_field(const std::string& message, const char* field) {
  throw Error(ErrorCode::kInvalidArgument, message, field);
}

Preparer::Preparer(const Plan& plan, std::shared_ptr<const Tokenizer> tokenizer,
                   PictureReader reader)
    : plan_(plan),
      tokenizer_(std::move(tokenizer)),
      reader_(std::move(reader)),
      mask_id_(tokenizer_->special_token_id("mask_token")) {
  names_.prompts = plan_.modules.prompts;
  names_.scorer = to_string(plan_.scorer);
  names_.roles = plan_.tells_roles_apart();
  if (plan_.pipeline.input.messages || plan_.embedding_prompt) {
    templates_ =
        std::make_shared<const ChatTemplates>(ChatTemplates::open(plan_.pipeline.input.folder));
  }
  if (plan_.pipeline.input.messages) check_template();
  if (plan_.shape.padded_to > 0) {
    pad_id_ = tokenizer_->special_token_id("pad_token");
    if (!pad_id_ || *pad_id_ >= plan_.shape.vocab) {
      throw Error(ErrorCode::kCorrupt, plan_.tokenizer.string() +
                                           ": the model reads texts with padding, and its "
                                           "tokenizer has no pad_token of its vocabulary");
    }
  }
  if (reader_ && plan_.images && !plan_.images->row_break.empty()) {
    const std::string token(plan_.images->row_break);
    row_break_ = tokenizer_->token_to_id(token).value_or(-1);
    if (row_break_ < 0) {
      throw Error(ErrorCode::kCorrupt, plan_.tokenizer.string() + ": the tokenizer has no " +
                                           token + ", which stands between the rows of images");
    }
  }
  if (!plan_.late_interaction) return;
  const checkpoint::LateInteraction& late = *plan_.late_interaction;
  const auto marker = [&](const std::string& token) {
    if (token.empty()) return -1;
    if (const auto id = tokenizer_->token_to_id(token)) return static_cast<int>(*id);
    throw Error(ErrorCode::kCorrupt, plan_.folder.string() + ": the marker token \"" + token +
                                         "\" is not in the tokenizer's vocabulary");
  };
  query_marker_ = marker(late.query_marker);
  document_marker_ = marker(late.document_marker);
  if (late.expand_queries) fill_ = marker(late.fill_token);
  for (const char* name : {"mask_token", "eos_token", "pad_token"}) {
    const auto id = tokenizer_->special_token_id(name);
    if (fill_ < 0 && id) fill_ = *id;
  }
  if (late.expand_queries && fill_ < 0) {
    throw Error(ErrorCode::kCorrupt, plan_.folder.string() +
                                         ": queries are filled with the mask token, and the "
                                         "tokenizer has none");
  }
  for (const std::string& word : late.skiplist) {
    if (const auto id = tokenizer_->token_to_id(word)) skiplist_.insert(*id);
  }
}

void Preparer::check_task(const Request& request) const {
  const auto check = [&](Task task) {
    const bool chooses = plan_.images && plan_.images->pooled && plan_.shape.vocab > 0;
    if (task == Task::kClassify && chooses)
      refuse_field(
          "the model has no labels: classify takes an image and candidates, texts of which one "
          "says what it shows",
          "candidates");
    const bool scored = task == Task::kScore && plan_.scorer != Scorer::kNone;
    if (scored || std::ranges::count(plan_.tasks, task) > 0) return;
    const bool has_backbone = task == Task::kEmbed || task == Task::kTokenEmbed;
    refuse_field("Unsupported task: '" + std::string(to_string(task)) +
                     "'. The loaded model supports: " + names_of(plan_.tasks) +
                     (has_backbone ? ". Opened with convert \"embed\" it gives the embeddings of "
                                     "its backbone"
                                   : ""),
                 "task");
  };
  check(task_of(request.task));
  for (const TaskParameters& also : request.also) {
    const Task task = task_of(also);
    check(task);
    if (task != Task::kTokenEmbed && task != Task::kSparseEmbed && task != Task::kEmbed)
      refuse_field("also: only embed, token_embed and sparse_embed come from one forward pass",
                   "also");
    if (const auto* embed = std::get_if<Embed>(&also); embed && !embed->late_chunks.empty())
      refuse_field("also: late chunking is for a request of its own", "also");
  }
  const bool generates = std::holds_alternative<Generate>(request.task);
  if (generates && !request.also.empty())
    refuse_field("also: nothing else comes of a generation", "also");
  if (request.on_delta && !generates) refuse_field("on_delta: is for Generate", "on_delta");
  const auto* classify = std::get_if<Classify>(&request.task);
  if (classify && !classify->candidates.empty())
    refuse_field("candidates: are for models that compare images and texts", "candidates");
  const auto* score = std::get_if<Score>(&request.task);
  if (score && !score->document)
    refuse_field("a score needs a document: the second text", "document");
  const bool instructed =
      plan_.rerank_prompt || (plan_.pipeline.input.messages && plan_.pipeline.gives_scores());
  if (score && score->instruction && !instructed)
    refuse_field(
        "an instruction is for rerankers whose prompt has one; `prompt` and `prompt_name` choose "
        "the text before a query",
        "instruction");
}

Role role_of(const Request& request) {
  if (request.prompt.role != Role::kNone || !request.prompt.prompt_name) return request.prompt.role;
  return role_named(*request.prompt.prompt_name);
}

std::string Preparer::prompt_of(const Request& request) const {
  if (request.prompt.prompt_text) return *request.prompt.prompt_text;
  const auto& prompts = plan_.modules.prompts;
  const auto text_of = [&](const std::string& name) {
    return std::ranges::find(prompts, name, [](const auto& prompt) { return prompt.first; })
        ->second;
  };
  if (request.prompt.prompt_name) {
    if (const auto found = find_prompt(names_, *request.prompt.prompt_name))
      return found->prompt_name ? text_of(*found->prompt_name) : "";
    std::string known;
    for (const auto& prompt : prompts) known += (known.empty() ? "" : ", ") + prompt.first;
    refuse_field("prompt_name \"" + *request.prompt.prompt_name +
                     "\" is not known; the model has " + (known.empty() ? "no prompts" : known),
                 "prompt_name");
  }
  if (request.prompt.role != Role::kNone) {
    const auto found =
        find_prompt(names_, request.prompt.role == Role::kQuery ? "query" : "document");
    if (found && found->prompt_name) return text_of(*found->prompt_name);
  }
  if (plan_.default_prompt) return *plan_.default_prompt;
  if (request.prompt.role != Role::kNone)
    return "";  // the checkpoint's default is for texts without one
  const auto& name = plan_.modules.default_prompt_name;
  return name ? text_of(*name) : "";
}

// The length that the request asks to be cut to.
int64_t Preparer::max_tokens(const Request& request, int64_t limit) const {
  const int64_t k = *request.prompt.truncation.to;
  if (k == -1) return limit;
  if (k > std::max(limit, plan_.max_model_len)) {
    // vLLM's words, which its clients compare.
    refuse_field(
        "truncate_prompt_tokens value is greater than max_model_len. "
        "Please request a smaller truncation size.",
        "truncate_prompt_tokens");
  }
  if (k < 1)
    refuse_field("truncate_prompt_tokens must be -1 or at least 1", "truncate_prompt_tokens");
  return std::min(k, limit);
}

// The most tokens that the model takes of a text of this role.
int64_t Preparer::max_model_len(const Request& request) const {
  const int64_t limit = role_len(role_of(request));
  // set_marked() has the lengths of its roles.
  return plan_.late_interaction ? std::max(limit, plan_.max_model_len) : limit;
}

// A role's own length stands above max_seq_length, as in sentence-transformers and PyLate.
int64_t Preparer::role_len(Role role) const {
  const auto own = [&](int64_t query, int64_t document) {
    return role == Role::kQuery ? query : role == Role::kDocument ? document : 0;
  };
  const checkpoint::InputModule& input = plan_.pipeline.input;
  const int64_t length =
      plan_.late_interaction
          ? own(plan_.late_interaction->query_length, plan_.late_interaction->document_length)
          : own(input.query_length.value_or(0), input.document_length.value_or(0));
  return length > 0 ? std::min(length, plan_.max_role_len) : plan_.max_model_len;
}

// The most tokens that the request may have.
int64_t Preparer::limit_of(const Request& request) const {
  const int64_t most = max_model_len(request);
  return std::min(most, request.prompt.max_tokens.value_or(most));
}

// A text that the request doesn't cut, and that has to fit.
Encoding Preparer::encode_whole(const std::string& text, const Request& request,
                                const EncodeOptions& options) const {
  EncodeOptions bounded = options;
  bounded.at_most = limit_of(request);
  Encoding encoding = encode(text, bounded);
  if (encoding.partial && options.truncation == EncodeOptions::Truncation::kNone)
    refuse_length("more than " + std::to_string(bounded.at_most), bounded.at_most, request);
  return encoding;
}

Encoding Preparer::encode(const std::string& text, EncodeOptions options) const {
  const checkpoint::InputModule& input = plan_.pipeline.input;
  if (input.kind != checkpoint::InputModule::Kind::kTransformer) options.add_special_tokens = false;
  return tokenizer_->encode(input.lower_case ? lower_case(text) : text, options);
}

void Preparer::check_dimensions(const Embed& task) const {
  if (!task.dimensions) return;
  const auto refusal = refusal_of_dimensions(plan_, *task.dimensions, task.dimensions_of_any_model);
  if (refusal) refuse_field(*refusal, "dimensions");
}

void Preparer::set_targets(const FillMask& task, Sequence& sequence) const {
  const std::string mask(tokenizer_->id_to_token(*mask_id_));
  if (std::ranges::count(sequence.ids, *mask_id_) == 0)
    refuse_field("the input has no mask token (" + mask + ")", "input");
  if (task.top_k < 1 || task.top_k > plan_.shape.vocab)
    refuse_field("top_k must be from 1 to " + std::to_string(plan_.shape.vocab), "top_k");
  for (const MaskTarget& target : find_targets(task.targets, *tokenizer_)) {
    const bool fresh = target.token && std::ranges::count(sequence.targets, *target.token) == 0;
    if (fresh) sequence.targets.push_back(*target.token);
  }
  if (!task.targets.empty() && sequence.targets.empty())
    refuse_field("none of the targets has a token", "targets");
}

// What the tables of embeddings have a row for.
void Preparer::check_ids(const Sequence& sequence) const {
  if (plan_.images && plan_.images->pooled && sequence.pictures) return;  // an image has no token
  for (const int32_t id : sequence.ids) {
    if (id < 0 || id >= plan_.shape.vocab) {
      refuse_field(
          "token id " + std::to_string(id) + " is out of vocabulary: ids are from 0 to " +
              std::to_string(plan_.shape.vocab - 1) +
              ". Ids have to be of this model's tokenizer: send text where the client tokenizes "
              "for another (LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False)",
          "input");
    }
  }
  const int64_t types = plan_.shape.token_types;
  if (types <= 1) return;
  for (const int32_t type : sequence.type_ids) {
    if (type < 0 || type >= types) {
      refuse_field("the tokenizer gives a token of this input the type " + std::to_string(type) +
                       "; the model's types are 0 to " + std::to_string(types - 1),
                   "input");
    }
  }
}

void Preparer::refuse_length(const std::string& tokens, int64_t limit, const Request& request) {
  if (limit == request.prompt.max_tokens) {
    throw Error(ErrorCode::kTooLong,
                "the input has " + tokens + " tokens; at most " + std::to_string(limit) +
                    " are to be taken. Please reduce the length of the input prompt or ask for "
                    "truncation.",
                "max_tokens");
  }
  throw Error(ErrorCode::kTooLong,
              "This model's maximum context length is " + std::to_string(limit) +
                  " tokens. However, the input has " + tokens +
                  " tokens. Please reduce the length of the input prompt or ask for truncation.",
              "input");
}

void Preparer::check_length(const Sequence& sequence, int64_t limit, const Request& request) {
  if (sequence.tokens() > limit) refuse_length(std::to_string(sequence.tokens()), limit, request);
}

// Which of two texts is at fault for a length: the second, unless the first is too long without it.
std::string Preparer::field_too_long(const Request& request, FetchedPictures* fetched) const {
  Request alone = request;
  std::string field = "input";
  if (auto* score = std::get_if<Score>(&alone.task)) {
    if (!score->document || (score->document->empty() && score->document_images.empty()))
      return field;
    field = "document";
    score->document = "";
    score->document_images.clear();
  } else if (auto* classify = std::get_if<Classify>(&alone.task)) {
    if (!classify->pair || classify->pair->empty()) return field;
    field = "pair";
    classify->pair = "";
  } else {
    return field;
  }
  try {
    prepare(alone, "", fetched);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kTooLong) return "input";
  }
  return field;
}

// The mean of no rows of a static embedding's table is the zero vector, which the modules after it
// read as any other; no weights of a sparse one are the vector without any.
bool Preparer::is_zero(const Request& request) const {
  using Kind = checkpoint::InputModule::Kind;
  if (!request.also.empty() || !std::holds_alternative<std::string>(request.prompt.input))
    return false;
  if (std::holds_alternative<SparseEmbed>(request.task))
    return plan_.pipeline.input.kind == Kind::kSparseStaticEmbedding;
  const auto* embed = std::get_if<Embed>(&request.task);
  return embed && embed->late_chunks.empty() && plan_.pipeline.input.kind == Kind::kStaticEmbedding;
}

// To the length that the model was trained with, whatever a text's own limit is.
void Preparer::pad(Sequence& sequence) const {
  if (!pad_id_ || sequence.pictures) return;
  sequence.padding = std::max<int64_t>(plan_.shape.padded_to - sequence.tokens(), 0);
  sequence.ids.resize(static_cast<size_t>(sequence.tokens() + sequence.padding), *pad_id_);
}

Sequence Preparer::prepare(const Request& request, const std::string& where,
                           FetchedPictures* fetched) const try {
  const auto start = std::chrono::steady_clock::now();
  check_task(request);
  Sequence sequence;
  sequence.tasks = {request.task};
  sequence.tasks.insert(sequence.tasks.end(), request.also.begin(), request.also.end());
  sequence.cache_salt = request.cache_salt;
  sequence.priority = request.priority;
  for (const TaskParameters& task : sequence.tasks) {
    if (const auto* embed = std::get_if<Embed>(&task)) check_dimensions(*embed);
  }
  set_images(request, fetched, sequence);
  if (sequence.ids.empty() && !is_zero(request)) refuse_field("the input has no tokens", "input");
  check_ids(sequence);
  if (const auto* mask = std::get_if<FillMask>(&request.task)) set_targets(*mask, sequence);
  check_length(sequence, limit_of(request), request);
  pad(sequence);
  sequence.tokenization =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return sequence;
} catch (const Error& e) {
  const bool which = e.code() == ErrorCode::kTooLong && e.field() == "input";
  throw Error(e.code(), where + e.what(), which ? field_too_long(request, fetched) : e.field());
}

std::vector<Request> Preparer::pieces(const Request& request, const std::string& where) const try {
  const auto* embed = std::get_if<Embed>(&request.task);
  if (!plan_.chunked.enabled || !embed || request.prompt.truncation.to ||
      !embed->late_chunks.empty() || !request.prompt.images.empty()) {
    return {};
  }
  std::vector<int32_t> ids;
  if (const auto* text = std::get_if<std::string>(&request.prompt.input)) {
    ids = encode(prompt_of(request) + *text,
                 {.add_special_tokens = request.prompt.add_special_tokens.value_or(true),
                  .at_most = plan_.chunked.max_embed_len})
              .ids;
  } else {
    ids = std::get<std::vector<int32_t>>(request.prompt.input);
  }
  const auto tokens = static_cast<int64_t>(ids.size());
  if (tokens <= plan_.max_model_len) return {};
  if (!request.also.empty())
    refuse_field("also: other tasks do not come of a text in pieces", "also");
  if (plan_.chunked.max_embed_len > 0 && tokens > plan_.chunked.max_embed_len) {
    throw Error(ErrorCode::kTooLong,
                "the input has too many tokens; max_embed_len is " +
                    std::to_string(plan_.chunked.max_embed_len) +
                    ". Please reduce the length of the input prompt.",
                "input");
  }
  std::vector<Request> requests;
  for (int64_t at = 0; at < tokens; at += plan_.max_model_len) {
    Request piece = request;
    piece.prompt.input = std::vector<int32_t>(
        ids.begin() + at, ids.begin() + std::min(tokens, at + plan_.max_model_len));
    requests.push_back(std::move(piece));
  }
  return requests;
} catch (const Error& e) {
  if (where.empty()) throw;
  throw Error(e.code(), where + e.what(), e.field());
}

}  // namespace vecton::engine
