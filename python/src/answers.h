// How the answer to a conversation is read: thinking, content and calls of tools, by the parsers
// that the server has.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "binding.h"
#include "parsers/answer_parser.h"
#include "parsers/markers.h"
#include "vecton/request.h"

namespace vecton::python {

// One answer, in whatever pieces it arrives.
class AnswerReader {
 public:
  explicit AnswerReader(const parsers::ParserOptions& options);

  // What `text` adds, as (text without special tokens, [(kind, text, call)]); the kinds are
  // "reasoning", "content", "call" (a function's name) and "arguments".
  nb::tuple feed(std::string_view text);
  nb::tuple finish();

 private:
  parsers::AnswerParser parser_;
  parsers::Markers special_;
};

// Of one conversation: how it is asked and how its answer is read.
class AnswerFormat {
 public:
  // `how`: tool_choice ("auto", "none", "required" or "named"), named, parallel_tool_calls,
  // tool_call_parser and reasoning_parser.
  AnswerFormat(const Engine& engine, const Chat& chat, Arguments& how);

  // Whether answers have parts at all.
  bool parts() const;
  bool parallel() const { return parallel_; }
  std::string call_id(int64_t completion, size_t call) const;
  // `like`, with what the format asks for: forced calls, the place where a structure begins, and
  // special tokens in the text.
  Request request(const Request& like);
  std::unique_ptr<AnswerReader> reader() const { return std::make_unique<AnswerReader>(options_); }

 private:
  parsers::ParserOptions options_;
  std::optional<StructuredOutput> forced_;
  std::vector<std::string> special_tokens_;
  std::vector<int32_t> begins_after_, thinking_begins_;
  bool parallel_ = true;
};

}  // namespace vecton::python
