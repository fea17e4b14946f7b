// How models write calls whose arguments are JSON: what stands around a function's name and its
// arguments. For structures that leave a model nothing but calls.
#pragma once

#include <optional>
#include <string_view>

namespace vecton::parsers {

struct CallSyntax {
  std::string_view begin{};                     // before the first call
  std::string_view before{};                    // before a call's name
  std::string_view between{};                   // between the name and the arguments
  std::string_view after{};                     // behind the arguments
  std::optional<std::string_view> separator{};  // between two calls; none = there is one call only
  std::string_view end{};                       // behind the last call
  // What may come before all: a message of thinking, with any text between these two.
  std::string_view thinking_begin{}, thinking_end{};
};

// Of a format of call_formats(), as `chat_template` has it. Nothing where arguments are not JSON.
std::optional<CallSyntax> call_syntax(std::string_view format, std::string_view chat_template);

}  // namespace vecton::parsers
