// Chat templates: messages to a prompt, as a checkpoint's Jinja template says and as transformers
// renders it. Both classes are immutable and thread-safe. Templates are treated as hostile: steps,
// memory, output and nesting are bounded, and nothing outside the template can be reached.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vecton/export.h"

namespace vecton {

// What a template is rendered with. Lists and objects are JSON text: keys keep their order, and 1
// and 1.0 stay different numbers.
struct ChatInput {
  std::string messages{};   // a list of {"role", "content", ...}; at least one
  std::string tools{};      // a list of objects; empty: the template sees none
  std::string documents{};  // a list of objects; empty: the template sees none
  std::string variables{};  // an object of further variables (chat_template_kwargs); empty: none
  bool add_generation_prompt = false;
  // The field of the last message that the answer continues ("content"), so that the prompt ends
  // where its text ends. Empty: none. Excludes add_generation_prompt.
  std::string continue_final_message{};
  // What strftime_now() tells; empty: the system's clock.
  std::optional<std::chrono::system_clock::time_point> now{};
};

// One template.
class VECTON_API ChatTemplate {
 public:
  // Errors (kInvalidArgument, kUnsupported) name the line of the template.
  static ChatTemplate parse(std::string_view text);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `special_tokens`: pairs of name and token that the template sees ("bos_token", "<s>"), unless
  // the input has a variable of that name. Errors of the template, its raise_exception among them,
  // are kInvalidArgument and name the line.
  std::string render(
      const ChatInput& input,
      const std::vector<std::pair<std::string, std::string>>& special_tokens = {}) const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// The templates of a checkpoint folder and its special tokens.
class VECTON_API ChatTemplates {
 public:
  // Reads chat_template.jinja, additional_chat_templates/*.jinja, tokenizer_config.json and
  // chat_template.json, the earlier of which win. A folder without any has no names. A template is
  // parsed when it is first rendered.
  static ChatTemplates open(const std::filesystem::path& folder);

  ChatTemplates(ChatTemplates&&) noexcept;
  ChatTemplates& operator=(ChatTemplates&&) noexcept;
  ~ChatTemplates();

  bool empty() const { return names().empty(); }
  const std::vector<std::string>& names() const;  // sorted; "default" for an only one
  const std::vector<std::pair<std::string, std::string>>& special_tokens() const;

  // `name`: one of names(), or the text of a template. Empty: "tool_use" when there are tools and a
  // template of that name, else "default".
  std::string render(const ChatInput& input, std::string_view name = {}) const;
  // The text of the template that render() would take.
  std::string text(const ChatInput& input, std::string_view name = {}) const;

 private:
  struct Impl;
  explicit ChatTemplates(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace vecton
