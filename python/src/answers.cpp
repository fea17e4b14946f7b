#include "answers.h"

#include <algorithm>
#include <utility>

#include "engine.h"
#include "parsers/call_id.h"
#include "parsers/content_beginning.h"
#include "parsers/forced_calls.h"

namespace vecton::python {

namespace {

using parsers::Calling;

nb::object text_of(std::string_view text) {
  return nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

const char* kind_of(parsers::Event::Kind kind) {
  switch (kind) {
    case parsers::Event::Kind::kReasoning:
      return "reasoning";
    case parsers::Event::Kind::kContent:
      return "content";
    case parsers::Event::Kind::kCall:
      return "call";
    case parsers::Event::Kind::kArguments:
      break;
  }
  return "arguments";
}

nb::list to_list(const std::vector<parsers::Event>& events) {
  nb::list list;
  for (const parsers::Event& event : events)
    list.append(nb::make_tuple(kind_of(event.kind), text_of(event.text), event.call));
  return list;
}

// The tools of a conversation in OpenAI's form; functions that stand bare count as such.
json::array tools_of(const Chat& chat) {
  if (chat.input.tools.empty()) return {};
  json::value tools = json::parse(chat.input.tools);
  const auto refuse = [](const std::string& where) {
    throw Error(ErrorCode::kInvalidArgument,
                where + R"(: expected {"type": "function", "function": {"name": ...}})", "tools");
  };
  if (!tools.is_array()) refuse("tools");
  json::array out;
  for (size_t i = 0; i < tools.get_array().size(); ++i) {
    const json::object* tool = tools.get_array()[i].if_object();
    const json::value* function = tool ? tool->if_contains("function") : nullptr;
    const json::object* named = function ? function->if_object() : tool;
    const json::value* name = named ? named->if_contains("name") : nullptr;
    if (!name || !name->is_string() || name->get_string().empty())
      refuse("tools[" + std::to_string(i) + "]");
    out.push_back(json::object{{"type", "function"}, {"function", *named}});
  }
  return out;
}

Calling calling_named(const std::string& name) {
  if (name == "auto") return Calling::kAuto;
  if (name == "none") return Calling::kNone;
  if (name == "required") return Calling::kRequired;
  if (name == "named") return Calling::kNamed;
  throw Error(ErrorCode::kInvalidArgument,
              "tool_choice must be \"auto\", \"none\", \"required\" or one of the tools, found \"" +
                  name + "\"",
              "tool_choice");
}

}  // namespace

AnswerReader::AnswerReader(const parsers::ParserOptions& options)
    : parser_(options), special_(options.special_tokens) {}

nb::tuple AnswerReader::feed(std::string_view text) {
  std::string plain;
  for (const char c : text) special_.put(c, plain);
  return nb::make_tuple(text_of(plain), to_list(parser_.feed(text)));
}

nb::tuple AnswerReader::finish() {
  return nb::make_tuple(text_of(special_.flush()), to_list(parser_.finish()));
}

AnswerFormat::AnswerFormat(const Engine& engine, const Chat& chat, Arguments& how) {
  std::string choice = "auto", calls = "auto", reasoning = "auto";
  how.text("tool_choice", choice);
  how.text("named", options_.named);
  how.text("tool_call_parser", calls);
  how.text("reasoning_parser", reasoning);
  how.flag("parallel_tool_calls", parallel_);
  how.finish("answer_format");

  const json::array tools = tools_of(chat);
  const ChatTemplates& templates = engine.chat_templates();
  if (templates.empty() && chat.chat_template.empty()) return;  // the engine says so itself
  const std::string text = templates.text(chat.input, chat.chat_template);
  options_.formats = parsers::choose(text, calls, reasoning);
  options_.calling = tools.empty() ? Calling::kNone : calling_named(choice);
  options_.tools = parsers::offered_tools(tools);
  options_.continues = !chat.input.continue_final_message.empty();
  if (tools.empty() && choice != "auto" && choice != "none")
    throw Error(ErrorCode::kInvalidArgument, "tool_choice needs tools", "tool_choice");
  if (options_.calling == Calling::kNamed && !parsers::find_tool(options_.tools, options_.named))
    throw Error(ErrorCode::kInvalidArgument,
                "tool_choice: the tool \"" + options_.named + "\" is not in tools", "tool_choice");
  if (options_.calling == Calling::kAuto && text.find("tools") == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument,
                "the model's chat template does not show tools to the model: leave out tools, or "
                "set tool_choice to \"required\" or to one of them",
                "tools");
  if (!parts()) return;
  options_.prompt = templates.render(chat.input, chat.chat_template);
  const Tokenizer& tokenizer = engine.tokenizer();
  if (options_.calling == Calling::kRequired || options_.calling == Calling::kNamed) {
    forced_ = parsers::forced_calls(
        tools, parallel_, text,
        [&](std::string_view token) { return tokenizer.token_to_id(token); }, options_);
  }
  const parsers::ContentBeginning beginning = parsers::content_beginning(options_);
  const auto ids = [&](std::string_view marker) {
    return marker.empty() ? std::vector<int32_t>()
                          : tokenizer.encode(marker, {.add_special_tokens = false}).ids;
  };
  begins_after_ = ids(beginning.after);
  thinking_begins_ = ids(beginning.thinking);
  for (const auto& [name, token] : tokenizer.special_tokens()) {
    if (!token.empty() &&
        std::find(special_tokens_.begin(), special_tokens_.end(), token) == special_tokens_.end())
      special_tokens_.push_back(token);
  }
  const parsers::AnswerParser known(options_);  // or its Error
}

bool AnswerFormat::parts() const {
  return !options_.formats.tool_calls.empty() || !options_.formats.reasoning.empty() ||
         options_.calling == Calling::kRequired || options_.calling == Calling::kNamed;
}

std::string AnswerFormat::call_id(int64_t completion, size_t call) const {
  return parsers::call_id(options_, options_.prompt, completion, call);
}

Request AnswerFormat::request(const Request& like) {
  Request request = like;
  auto* const generate = std::get_if<Generate>(&request.task);
  if (!generate || !parts()) return request;
  if (forced_) {
    if (generate->structured_output)
      throw Error(ErrorCode::kInvalidArgument,
                  "tool_choice and a structured output exclude each other", "tool_choice");
    generate->structured_output = forced_;
  }
  if (StructuredOutput* const structure =
          generate->structured_output ? &*generate->structured_output : nullptr;
      structure && structure->begins_after.empty()) {
    structure->begins_after = begins_after_;
    structure->thinking_begins = thinking_begins_;
  }
  if (generate->skip_special_tokens.value_or(true) &&
      (!options_.formats.tool_calls.empty() || !options_.formats.reasoning.empty())) {
    generate->skip_special_tokens = false;
    options_.special_tokens = special_tokens_;
  }
  return request;
}

void bind_answers(nb::module_& m) {
  nb::class_<AnswerReader>(m, "AnswerReader", "Reads one answer, in whatever pieces it arrives.")
      .def("feed", &AnswerReader::feed, nb::arg("text"))
      .def("finish", &AnswerReader::finish);

  nb::class_<AnswerFormat>(m, "AnswerFormat",
                           "How the answer to a conversation is asked for and read.")
      .def("__init__",
           [](AnswerFormat* self, EngineHandle& engine, nb::handle messages, nb::kwargs how) {
             Arguments arguments{nb::dict(how)};
             new (self) AnswerFormat(*engine.use(), to_chat(messages), arguments);
           })
      .def_prop_ro("parts", &AnswerFormat::parts)
      .def_prop_ro("parallel", &AnswerFormat::parallel)
      .def("call_id", &AnswerFormat::call_id, nb::arg("completion"), nb::arg("call"))
      .def("request", &AnswerFormat::request, nb::arg("like"))
      .def("reader", &AnswerFormat::reader);
}

}  // namespace vecton::python
