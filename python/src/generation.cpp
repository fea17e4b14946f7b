#include "generation.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine.h"

namespace vecton::python {

namespace {

nb::object text_of(const std::string& text) {
  return nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

nb::tuple to_tuple(const TokenLogprob& token) {
  return nb::make_tuple(token.id, token.logprob, token.rank, text_of(token.text),
                        nb::bytes(token.bytes.data(), token.bytes.size()));
}

// A pair per token: it, and the likeliest ones.
nb::list to_list(const std::vector<TokenLogprobs>& tokens) {
  nb::list list;
  for (const TokenLogprobs& token : tokens) {
    nb::list top;
    for (const TokenLogprob& likely : token.top) top.append(to_tuple(likely));
    list.append(nb::make_tuple(to_tuple(token.token), top));
  }
  return list;
}

nb::object to_python(const StopReason& reason) {
  if (const auto* token = std::get_if<int32_t>(&reason)) return nb::cast(*token);
  if (const auto* text = std::get_if<std::string>(&reason)) return text_of(*text);
  return nb::none();
}

nb::dict to_python(const Completion& completion) {
  nb::dict d;
  d["index"] = completion.index;
  d["text"] = text_of(completion.text);
  d["token_ids"] = nb::cast(completion.token_ids);
  d["logprobs"] = to_list(completion.logprobs);
  d["cumulative_logprob"] = completion.cumulative_logprob;
  d["finish_reason"] = to_string(completion.finish_reason);
  d["stop_reason"] = to_python(completion.stop_reason);
  return d;
}

nb::dict to_python(const GenerationDelta& delta) {
  nb::dict d;
  d["request"] = delta.request;
  d["index"] = delta.index;
  d["text"] = text_of(delta.text);
  d["token_ids"] = nb::cast(delta.token_ids);
  d["logprobs"] = to_list(delta.logprobs);
  d["finish_reason"] =
      delta.finish_reason ? nb::object(nb::cast(to_string(*delta.finish_reason))) : nb::none();
  d["stop_reason"] = to_python(delta.stop_reason);
  d["prompt_tokens"] = delta.prompt_tokens;
  d["completion_tokens"] = delta.completion_tokens;
  d["cached_tokens"] = delta.cached_tokens;
  return d;
}

template <class Number>
void optional_number(Arguments& arguments, const char* name, std::optional<Number>& target) {
  const nb::handle value = arguments.take(name);
  if (!value) return;
  if constexpr (std::is_floating_point_v<Number>) {
    target = to_number(value, name);
  } else {
    target = static_cast<Number>(to_integer(value, name));
  }
}

std::vector<std::string> texts_of(nb::handle value, const char* name) {
  if (PyUnicode_Check(value.ptr())) return {to_text(value, name)};
  return to_texts(value, name);
}

std::vector<std::pair<int32_t, float>> bias_of(nb::handle value) {
  if (!PyDict_Check(value.ptr()))
    throw nb::type_error(
        ("logit_bias must be a dict of token ids and numbers, found " + kind_of(value)).c_str());
  std::vector<std::pair<int32_t, float>> bias;
  for (const auto& [key, number] : nb::borrow<nb::dict>(value)) {
    // JSON's keys are texts.
    const nb::object id = PyUnicode_Check(key.ptr())
                              ? nb::handle(reinterpret_cast<PyObject*>(&PyLong_Type))(key, 10)
                              : nb::borrow(key);
    bias.emplace_back(static_cast<int32_t>(to_integer(id, "logit_bias")),
                      static_cast<float>(to_number(number, "logit_bias")));
  }
  return bias;
}

StructuredOutput structure_of(nb::handle value) {
  if (!PyDict_Check(value.ptr()))
    throw nb::type_error(("structured_output must be a dict, found " + kind_of(value)).c_str());
  Arguments arguments(nb::borrow<nb::dict>(value));
  StructuredOutput structure;
  int kinds = 0;
  if (const nb::handle schema = arguments.take("json")) {
    structure.kind = JsonSchema{to_text(schema, "structured_output: json")};
    ++kinds;
  }
  if (const nb::handle any = arguments.take("json_object"); any && to_bool(any, "json_object")) {
    structure.kind = JsonObject{};
    ++kinds;
  }
  if (const nb::handle pattern = arguments.take("regex")) {
    structure.kind = Regex{to_text(pattern, "structured_output: regex")};
    ++kinds;
  }
  if (const nb::handle choices = arguments.take("choice")) {
    structure.kind = Choice{to_texts(choices, "structured_output: choice")};
    ++kinds;
  }
  if (const nb::handle grammar = arguments.take("grammar")) {
    structure.kind = Grammar{to_text(grammar, "structured_output: grammar")};
    ++kinds;
  }
  if (const nb::handle tag = arguments.take("structural_tag")) {
    // One of the notations of a grammar.
    structure.kind = Grammar{to_text(tag, "structured_output: structural_tag")};
    if (!std::get<Grammar>(structure.kind).grammar.starts_with('{'))
      throw nb::value_error("structured_output: structural_tag must be a JSON object");
    ++kinds;
  }
  if (kinds != 1)
    throw nb::value_error(
        "structured_output must have exactly one of json, json_object, regex, choice, grammar and "
        "structural_tag");
  arguments.flag("disable_any_whitespace", structure.disable_any_whitespace);
  arguments.flag("disable_additional_properties", structure.disable_additional_properties);
  if (const nb::handle pattern = arguments.take("whitespace_pattern"))
    structure.whitespace_pattern = to_text(pattern, "whitespace_pattern");
  if (const nb::handle ids = arguments.take("begins_after"))
    structure.begins_after = to_ids(ids, "begins_after");
  if (const nb::handle ids = arguments.take("thinking_begins"))
    structure.thinking_begins = to_ids(ids, "thinking_begins");
  arguments.finish("structured_output");
  return structure;
}

}  // namespace

void read_generate(Arguments& arguments, Generate& task) {
  optional_number(arguments, "max_tokens", task.max_tokens);
  arguments.integer("min_tokens", task.min_tokens);
  optional_number(arguments, "temperature", task.temperature);
  optional_number(arguments, "top_k", task.top_k);
  optional_number(arguments, "top_p", task.top_p);
  optional_number(arguments, "min_p", task.min_p);
  optional_number(arguments, "repetition_penalty", task.repetition_penalty);
  optional_number(arguments, "repetition_context_size", task.repetition_context_size);
  optional_number(arguments, "presence_penalty", task.presence_penalty);
  optional_number(arguments, "frequency_penalty", task.frequency_penalty);
  if (const nb::handle bias = arguments.take("logit_bias")) task.logit_bias = bias_of(bias);
  if (const nb::handle words = arguments.take("bad_words"))
    task.bad_words = texts_of(words, "bad_words");
  if (const nb::handle ids = arguments.take("allowed_token_ids"))
    task.allowed_token_ids = to_ids(ids, "allowed_token_ids");
  if (const nb::handle stop = arguments.take("stop")) task.stop = texts_of(stop, "stop");
  if (const nb::handle ids = arguments.take("stop_token_ids"))
    task.stop_token_ids = to_ids(ids, "stop_token_ids");
  arguments.flag("include_stop_str_in_output", task.include_stop_str_in_output);
  arguments.flag("ignore_eos", task.ignore_eos);
  optional_number(arguments, "seed", task.seed);
  arguments.integer("n", task.n);
  optional_number(arguments, "logprobs", task.logprobs);
  optional_number(arguments, "prompt_logprobs", task.prompt_logprobs);
  if (const nb::handle skip = arguments.take("skip_special_tokens"))
    task.skip_special_tokens = to_bool(skip, "skip_special_tokens");
  arguments.flag("spaces_between_special_tokens", task.spaces_between_special_tokens);
  if (const nb::handle structure = arguments.take("structured_output"))
    task.structured_output = structure_of(structure);
}

nb::object to_python(const Generation& generation) {
  nb::list completions;
  for (const Completion& completion : generation.completions)
    completions.append(to_python(completion));
  nb::dict d;
  d["completions"] = completions;
  d["prompt_token_ids"] = nb::cast(generation.prompt_token_ids);
  d["prompt_logprobs"] = to_list(generation.prompt_logprobs);
  d["cached_tokens"] = generation.cached_tokens;
  d["time_to_first_token"] = generation.time_to_first_token;
  d["generation_time"] = generation.generation_time;
  return d;
}

TextStream::State::~State() {
  for (const int end : pipe_) {
    if (end >= 0) ::close(end);
  }
}

void TextStream::State::tell() {
  changed_.notify_all();
  if (pipe_[1] < 0) return;
  const char one = 1;
  // It only fails when the pipe is full, which is readable already.
  [[maybe_unused]] const ssize_t written = ::write(pipe_[1], &one, sizeof one);
}

bool TextStream::State::put(const GenerationDelta& delta) {
  const std::lock_guard lock(mutex_);
  if (dropped_) return false;
  deltas_.push_back(delta);
  deltas_.back().prompt_token_ids = nullptr;  // they live no longer than this call
  deltas_.back().prompt_logprobs = nullptr;
  tell();
  return true;
}

void TextStream::State::finish(std::vector<Result> results) {
  const std::lock_guard lock(mutex_);
  results_ = std::move(results);
  done_ = true;
  tell();
}

int TextStream::State::descriptor() {
  const std::lock_guard lock(mutex_);
  if (pipe_[0] < 0) {
    if (::pipe(pipe_) != 0)
      throw Error(ErrorCode::kInternal, "pipe: " + std::generic_category().message(errno));
    for (const int end : pipe_) {
      ::fcntl(end, F_SETFD, FD_CLOEXEC);
      ::fcntl(end, F_SETFL, O_NONBLOCK);
    }
    if (done_ || !deltas_.empty()) tell();
  }
  return pipe_[0];
}

nb::object TextStream::take(bool wait) {
  State& state = *state_;
  if (wait) {
    try {
      wait_until(state.mutex_, state.changed_,
                 [&] { return state.done_ || !state.deltas_.empty(); });
    } catch (const nb::python_error&) {
      cancel();
      throw;
    }
  }
  std::deque<GenerationDelta> deltas;
  bool done = false;
  {
    const std::lock_guard lock(state.mutex_);
    deltas.swap(state.deltas_);
    done = state.done_;
    if (state.pipe_[0] >= 0 && !done) {
      char told[256];
      while (::read(state.pipe_[0], told, sizeof told) == static_cast<ssize_t>(sizeof told)) {
      }
    }
  }
  if (deltas.empty() && done) return nb::none();
  nb::list list;
  for (const GenerationDelta& delta : deltas) list.append(to_python(delta));
  return list;
}

Results TextStream::results() {
  const std::lock_guard lock(state_->mutex_);
  if (!state_->done_) throw nb::value_error("the stream has not ended");
  return Results(state_->results_);
}

void TextStream::cancel() {
  {
    const std::lock_guard lock(state_->mutex_);
    state_->dropped_ = true;
  }
  nb::gil_scoped_release release;
  ticket_.cancel();
}

void bind_generation(nb::module_& m) {
  nb::class_<TextStream>(m, "TextStream", "What requests write, as it comes.")
      .def("take", &TextStream::take, nb::arg("wait") = true)
      .def("results", &TextStream::results)
      .def("fileno", &TextStream::descriptor)
      .def("cancel", &TextStream::cancel);
}

}  // namespace vecton::python
