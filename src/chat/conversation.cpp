#include "chat/conversation.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "chat/interpreter.h"
#include "chat/json_values.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "vecton/error.h"

namespace vecton::chat {

namespace {

// The names under which messages carry the model's reasoning; templates read the first one.
constexpr std::array<const char*, 3> kReasoning = {"reasoning_content", "thinking", "reasoning"};
// Stands for the end of the text to continue.
constexpr std::string_view kTag = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kTagWord = kTag.substr(0, kTag.size() - 1);

[[noreturn]] void invalid(const std::string& message, const std::string& field) {
  throw Error(ErrorCode::kInvalidArgument, message, field);
}

Value list_of_objects(Heap& heap, const std::string& text, const std::string& field) {
  if (text.empty()) return Value::none();
  Value value = parse_json_values(heap, text, field);
  if (value.is_none()) return value;
  const bool fine =
      value.is(Type::kList) && std::all_of(value.items().begin(), value.items().end(),
                                           [](const Value& item) { return item.is(Type::kDict); });
  if (!fine) invalid("field \"" + field + "\": expected a list of objects", field);
  return value;
}

// A message without members that are null, with its reasoning under the names that templates read.
std::unique_ptr<Dict> prepared(const Dict& message) {
  const Value* reasoning = nullptr;
  for (const char* name : kReasoning) {
    const Value* value = message.find(name);
    if (value && !value->is_none() && !reasoning) reasoning = value;
  }
  auto result = std::make_unique<Dict>();
  if (reasoning) result->set(Value::text("thinking"), *reasoning);
  for (const auto& [key, value] : message.items) {
    if (!value.is_none()) result->set(key, value);
  }
  if (reasoning) result->set(Value::text("reasoning_content"), *reasoning);
  return result;
}

// Puts the tag behind the text of the last message that is to be continued.
class Continuation {
 public:
  Continuation(Heap& heap, std::string field, std::string_view text)
      : heap_(heap), field_(std::move(field)), text_(text) {}

  void mark(Dict& message) {
    const Value* found = message.find(field_);
    if (!found) {
      fail("the final message has no \"" + field_ + "\" to continue");
    }
    const Value final_value = *found;
    const std::vector<std::string> fields = names(message, final_value);
    const bool read = std::any_of(fields.begin(), fields.end(), [&](const std::string& name) {
      return text_.find(name) != std::string_view::npos;
    });
    if (!read) fail("the template does not read the field \"" + field_ + "\"");
    if (final_value.is(Type::kList)) {
      message.set(Value::text(field_), marked_blocks(final_value));
    } else {
      continued_ = text_of(final_value);
      for (const std::string& name : fields) message.set(Value::text(name), tagged(continued_));
    }
  }

  // The prompt up to the tag.
  std::string cut(std::string prompt) const {
    const std::string_view wanted = strip_space(continued_, Side::kBoth);
    const size_t at = prompt.rfind(kTagWord);
    if (prompt.find(wanted) == std::string::npos || at == std::string::npos) {
      fail("the final message does not appear in the prompt: the template changes it");
    }
    const bool kept_space = std::string_view(prompt).substr(at).starts_with(kTag);
    prompt.resize(at);
    return kept_space ? prompt : std::string(strip_space(prompt, Side::kRight));
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    invalid("continue_final_message is set, but " + message, "continue_final_message");
  }

  std::vector<std::string> names(const Dict& message, const Value& final_value) const {
    if (std::find(kReasoning.begin(), kReasoning.end(), field_) == kReasoning.end())
      return {field_};
    std::vector<std::string> same;
    for (const char* name : kReasoning) {
      const Value* value = message.find(name);
      if (value && equal(heap_, *value, final_value)) same.emplace_back(name);
    }
    return same;
  }

  static std::string text_of(const Value& value) {
    if (!value.is_text()) fail("what is to be continued is no text");
    return value.text();
  }

  Value tagged(const std::string& text) const { return heap_.text(text + std::string(kTag)); }

  // The last part of the content that has a text.
  Value marked_blocks(const Value& blocks) {
    std::vector<Value> items = blocks.items();
    for (size_t i = items.size(); i-- > 0;) {
      const Value* text = items[i].is(Type::kDict) ? items[i].get<Dict>().find("text") : nullptr;
      if (!text) continue;
      continued_ = text_of(*text);
      auto block = std::make_unique<Dict>(items[i].get<Dict>());
      block->set(Value::text("text"), tagged(continued_));
      items[i] = heap_.dict(std::move(block));
      return heap_.list(std::move(items));
    }
    fail("the final message has no text to continue");
  }

  Heap& heap_;
  const std::string field_;
  const std::string_view text_;
  std::string continued_;
};

Value messages_of(Heap& heap, const ChatInput& input, Continuation* continuation) {
  const Value given = list_of_objects(heap, input.messages, "messages");
  if (given.is_none() || given.items().empty()) {
    invalid("field \"messages\": expected a list of at least one message", "messages");
  }
  std::vector<Value> messages;
  for (const Value& message : given.items()) {
    std::unique_ptr<Dict> dict = prepared(message.get<Dict>());
    if (continuation && messages.size() + 1 == given.items().size()) continuation->mark(*dict);
    messages.push_back(heap.dict(std::move(dict)));
  }
  return heap.list(std::move(messages));
}

void add_variables(Heap& heap, const ChatInput& input, Dict& context) {
  if (input.variables.empty()) return;
  const Value variables = parse_json_values(heap, input.variables, "chat_template_kwargs");
  if (variables.is_none()) return;
  if (!variables.is(Type::kDict)) {
    invalid("field \"chat_template_kwargs\": expected an object", "chat_template_kwargs");
  }
  for (const auto& [name, value] : variables.get<Dict>().items) {
    for (const char* own : {"messages", "tools", "documents", "add_generation_prompt"}) {
      if (name.text() == own) {
        invalid("field \"chat_template_kwargs\": \"" + name.text() + "\" is a field of its own",
                "chat_template_kwargs");
      }
    }
    context.set(name, value);
  }
}

}  // namespace

std::string render_conversation(
    Heap& heap, const Program& program, std::string_view text, const ChatInput& input,
    const std::vector<std::pair<std::string, std::string>>& special_tokens) {
  const bool continues = !input.continue_final_message.empty();
  if (continues && input.add_generation_prompt) {
    invalid("continue_final_message and add_generation_prompt exclude each other",
            "continue_final_message");
  }
  try {
    Continuation continuation(heap, input.continue_final_message, text);
    Dict context;
    for (const auto& [name, token] : special_tokens)
      context.set(Value::text(name), heap.text(token));
    add_variables(heap, input, context);
    context.set(Value::text("messages"),
                messages_of(heap, input, continues ? &continuation : nullptr));
    context.set(Value::text("tools"), list_of_objects(heap, input.tools, "tools"));
    context.set(Value::text("documents"), list_of_objects(heap, input.documents, "documents"));
    context.set(Value::text("add_generation_prompt"), Value::boolean(input.add_generation_prompt));
    std::string prompt = Interpreter(program, heap, context, input.now).run();
    return continues ? continuation.cut(std::move(prompt)) : prompt;
  } catch (const Failure& failure) {
    invalid(std::string("chat template: ") + failure.what(), "messages");
  }
}

}  // namespace vecton::chat
