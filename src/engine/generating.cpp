#include "engine/generating.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/json.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

json::object overrides_of(const std::string& text) {
  if (text.empty()) return {};
  const char* field = "override_generation_config";
  try {
    json::value value = base::parse_json(text, field);
    if (value.is_object()) return std::move(value.as_object());
  } catch (const Error& e) {
    throw Error(ErrorCode::kInvalidArgument, e.what(), field);
  }
  throw Error(ErrorCode::kInvalidArgument, std::string(field) + ": expected a JSON object", field);
}

}  // namespace

Written write_tokens(Sequence& sequence) {
  Generating& generating = *sequence.generating;
  generation::Writer& writer = generating.writer;
  if (!generating.first_token) generating.first_token = std::chrono::steady_clock::now();
  Written written{.drafted = std::exchange(sequence.drafted, 0)};
  const std::vector<int32_t> draft(sequence.ids.end() - written.drafted, sequence.ids.end());
  sequence.ids.resize(sequence.ids.size() - draft.size());
  const size_t vocab = generating.logits.size() / (1 + draft.size());
  try {
    for (size_t row = 0; row <= draft.size() && !writer.ended(); ++row) {
      if (row > 0 && sequence.ids.back() != draft[row - 1]) break;
      sequence.ids.push_back(
          writer.write(std::span(generating.logits).subspan(row * vocab, vocab)));
      ++written.tokens;
    }
    written.accepted = std::max<int64_t>(0, written.tokens - 1);
    if (generating.drafter && !writer.ended()) {
      generating.drafter->note(written.drafted, written.accepted);
      generating.draft = generating.drafter->draft(
          sequence.ids, writer.settings().max_tokens - writer.tokens() - 1);
    }
  } catch (const Error& e) {
    generating.error = e;
  } catch (const std::exception& e) {
    generating.error = Error(ErrorCode::kInternal, e.what());
  }
  return written;
}

void tell(Sequence& sequence) {
  Generating& generating = *sequence.generating;
  Stream& stream = *generating.stream;
  const bool begins = generating.writer.tokens() == 1;
  if (stream.on_delta && !generating.error && !stream.given_up) {
    GenerationDelta delta = generating.writer.take_delta();
    delta.request = stream.request;
    delta.prompt_tokens = generating.prompt_tokens;
    delta.cached_tokens = std::max<int64_t>(0, generating.cached_tokens);
    const std::vector<int32_t> prompt(
        sequence.ids.begin(), sequence.ids.begin() + (begins ? generating.prompt_tokens : 0));
    if (begins) {
      delta.prompt_token_ids = &prompt;
      delta.prompt_logprobs = &generating.prompt_logprobs;
    }
    const std::lock_guard lock(stream.mutex);
    try {
      if (!stream.on_delta(delta)) stream.given_up = true;
    } catch (...) {  // whose it is does not want it
      stream.given_up = true;
    }
  }
  if (stream.given_up) generating.writer.abort();
}

Generation take_generation(Sequence& sequence) {
  Generating& generating = *sequence.generating;
  const auto now = std::chrono::steady_clock::now();
  const auto first = generating.first_token.value_or(now);
  Generation generation;
  generating.writer.abort();  // unless it has ended
  generation.completions.push_back(generating.writer.take_completion());
  if (generating.writer.index() == 0)
    generation.prompt_token_ids.assign(sequence.ids.begin(),
                                       sequence.ids.begin() + generating.prompt_tokens);
  generation.prompt_logprobs = std::move(generating.prompt_logprobs);
  generation.cached_tokens = std::max<int64_t>(0, generating.cached_tokens);
  generation.time_to_first_token = std::chrono::duration<double>(first - sequence.queued).count();
  generation.generation_time = std::chrono::duration<double>(now - first).count();
  return generation;
}

Writers::Writers(const Plan& plan, const EngineOptions& options,
                 std::shared_ptr<const Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)),
      defaults_(generation::read_defaults(plan.weights, options.generation_config,
                                          overrides_of(options.override_generation_config),
                                          *tokenizer_, plan.config)),
      limits_{.vocab = plan.shape.vocab,
              .max_model_len = plan.max_model_len,
              .max_logprobs = options.max_logprobs},
      lookup_(generation::read_speculative_config(options.speculative_config)),
      constraints_(generation::make_grammar_constraints(tokenizer_)) {
  std::erase_if(defaults_.eos_token_ids, [&](int32_t id) { return id >= plan.shape.vocab; });
}

std::vector<Sequence> Writers::make(Sequence prepared, const Request& request, size_t index,
                                    int64_t most_tokens) const {
  const Generate& asked = std::get<Generate>(request.task);
  const int64_t prompt = prepared.tokens();
  if (prompt >= limits_.max_model_len) {
    throw Error(ErrorCode::kTooLong,
                "This model's maximum context length is " + std::to_string(limits_.max_model_len) +
                    " tokens. However, the prompt has " + std::to_string(prompt) +
                    " tokens, which leaves no room to generate. Please reduce the length of the "
                    "input prompt.",
                "input");
  }
  generation::Settings settings =
      generation::decide(asked, defaults_, *tokenizer_, limits_, prompt);
  // The last token is not kept.
  const int64_t room = most_tokens > 0 ? most_tokens - prompt + 1 : settings.max_tokens;
  if (room < 1 || (asked.max_tokens && settings.max_tokens > room)) {
    throw Error(ErrorCode::kTooLong,
                "the cache has room for " + base::counted(most_tokens, "token") +
                    " of one sequence; the prompt has " + std::to_string(prompt) + " and " +
                    std::to_string(settings.max_tokens) +
                    " are to be generated. Please ask for less, or open the model with a larger "
                    "cache (cache_bytes)",
                "max_tokens");
  }
  settings.max_tokens = std::min(settings.max_tokens, room);
  auto stream = std::make_shared<Stream>();
  stream->on_delta = request.on_delta;
  stream->request = index;
  std::unique_ptr<generation::TokenConstraint> constraint;
  if (asked.structured_output) constraint = constraints_->make(*asked.structured_output);
  const generation::History history(prepared.ids, settings.sampling);
  std::vector<Sequence> sequences(static_cast<size_t>(asked.n - 1), prepared);
  sequences.push_back(std::move(prepared));
  for (int64_t i = 0; i < asked.n; ++i) {
    generation::Settings own = settings;
    own.sampling.seed += static_cast<uint64_t>(i);
    std::shared_ptr<Generating>& generating = sequences[static_cast<size_t>(i)].generating;
    generating = std::make_shared<Generating>(
        Generating{.writer = generation::Writer(std::move(own), history, i, tokenizer_,
                                                constraint ? constraint->clone() : nullptr),
                   .stream = stream,
                   .prompt_tokens = prompt});
    if (lookup_) generating->drafter.emplace(*lookup_);
  }
  return sequences;
}

}  // namespace vecton::engine
