// vecton tokenize: texts to token ids. Only the tokenizer's files are read.
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <optional>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/line_filter.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/record_reader.h"
#include "vecton/tokenizer.h"

namespace vecton::cli {

namespace {

struct TokenizeOptions {
  std::string model;
  HubOptions hub = HubOptions::from_environment();
  std::vector<std::string> texts;
  bool json = false, no_special = false;
};

using TruncationStrategy = EncodeOptions::Truncation;
using Padding = EncodeOptions::Padding;
using Side = EncodeOptions::Side;

TruncationStrategy truncation_of(const json::object& line) {
  const json::value* value = member(line, "truncation");
  if (!value) {  // a length alone means that texts are cut to it
    const bool pads = member(line, "padding") && line.at("padding") != json::value(false);
    return member(line, "max_length") && !pads ? TruncationStrategy::kLongestFirst
                                               : TruncationStrategy::kNone;
  }
  if (value->is_bool())
    return value->get_bool() ? TruncationStrategy::kLongestFirst : TruncationStrategy::kNone;
  const std::string name = value->is_string() ? std::string(value->get_string()) : "";
  if (name == "longest_first") return TruncationStrategy::kLongestFirst;
  if (name == "only_first") return TruncationStrategy::kOnlyFirst;
  if (name == "only_second") return TruncationStrategy::kOnlySecond;
  if (name == "do_not_truncate") return TruncationStrategy::kNone;
  refuse_member(
      "truncation",
      "true, false, \"longest_first\", \"only_first\", \"only_second\" or \"do_not_truncate\"");
}

Padding padding_of(const json::object& line) {
  const json::value* value = member(line, "padding");
  if (!value) return Padding::kNone;
  if (value->is_bool()) return value->get_bool() ? Padding::kLongest : Padding::kNone;
  const std::string name = value->is_string() ? std::string(value->get_string()) : "";
  if (name == "longest") return Padding::kLongest;
  if (name == "max_length") return Padding::kMaxLength;
  if (name == "do_not_pad") return Padding::kNone;
  refuse_member("padding", "true, false, \"longest\", \"max_length\" or \"do_not_pad\"");
}

Side side_of(const json::object& line, const char* field) {
  const json::value* value = member(line, field);
  if (!value) return Side::kTokenizer;
  if (*value == json::value("left")) return Side::kLeft;
  if (*value == json::value("right")) return Side::kRight;
  refuse_member(field, "\"left\" or \"right\"");
}

EncodeOptions encode_options(const json::object& line) {
  EncodeOptions options;
  options.add_special_tokens = bool_or(line, "add_special_tokens", true);
  options.truncation = truncation_of(line);
  options.padding = padding_of(line);
  options.max_length = count_or(line, "max_length", 0);
  options.truncation_side = side_of(line, "truncation_side");
  options.padding_side = side_of(line, "padding_side");
  options.pad_to_multiple_of = count_or(line, "pad_to_multiple_of", 0);
  return options;
}

// A text, or a list of them.
std::vector<std::string> texts_of(const json::value& value, const char* field) {
  if (!value.is_array()) return {text_member(value, field)};
  std::vector<std::string> texts;
  for (const json::value& text : value.get_array()) texts.push_back(text_member(text, field));
  return texts;
}

// One member of the answer: a list for a text, a list of lists for texts.
void append_rows(std::string& out, const char* name, const std::vector<Encoding>& rows, bool many,
                 std::vector<int32_t> Encoding::*values) {
  out += '"' + std::string(name) + "\": ";
  if (many) out += '[';
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_array(out, std::span<const int32_t>(rows[i].*values));
  }
  if (many) out += ']';
}

void append_encodings(std::string& out, const std::vector<Encoding>& rows, bool many) {
  out += '{';
  append_rows(out, "input_ids", rows, many, &Encoding::ids);
  out += ", ";
  append_rows(out, "token_type_ids", rows, many, &Encoding::type_ids);
  out += ", ";
  append_rows(out, "attention_mask", rows, many, &Encoding::attention_mask);
  out += '}';
}

void answer(const Tokenizer& tokenizer, const json::object& line, std::string& out) {
  const json::value *text = member(line, "text"), *texts = member(line, "texts");
  if (!text == !texts) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a field \"text\", \"texts\" or \"messages\"");
  }
  const json::value* pair = member(line, "pair") ? member(line, "pair") : member(line, "pairs");
  const bool many = texts || text->is_array();
  const auto firsts = texts ? texts_of(*texts, "texts") : texts_of(*text, "text");
  const auto seconds = pair ? texts_of(*pair, "pair") : std::vector<std::string>();
  if (pair && seconds.size() != firsts.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                "field \"pair\": expected as many texts as there are first ones", "pair");
  }
  append_encodings(out, tokenizer.encode_batch(firsts, seconds, encode_options(line)), many);
}

// The JSON text of a member; empty when it is absent.
std::string json_member(const json::object& line, const char* field) {
  const json::value* value = member(line, field);
  return value ? json::serialize(*value) : "";
}

// The field of the last message to continue: true means its content.
std::string continued_field(const json::object& line) {
  const json::value* value = member(line, "continue_final_message");
  if (!value) return "";
  if (value->is_bool()) return value->get_bool() ? "content" : "";
  return text_member(*value, "continue_final_message");
}

// Messages through the model's chat template.
void answer_chat(const Tokenizer& tokenizer, const ChatTemplates& templates,
                 const json::object& line, std::string& out) {
  ChatInput input;
  input.messages = json_member(line, "messages");
  input.tools = json_member(line, "tools");
  input.documents = json_member(line, "documents");
  input.variables = json_member(line, "chat_template_kwargs");
  input.add_generation_prompt = bool_or(line, "add_generation_prompt", false);
  input.continue_final_message = continued_field(line);
  const json::value* name = member(line, "chat_template");
  const std::string prompt =
      templates.render(input, name ? text_member(*name, "chat_template") : "");
  EncodeOptions options = encode_options(line);
  // The template writes them where they belong.
  options.add_special_tokens = bool_or(line, "add_special_tokens", false);
  out += "{\"prompt\": ";
  base::append_json_string(out, prompt);
  out += ", ";
  append_rows(out, "input_ids", {tokenizer.encode(prompt, options)}, false, &Encoding::ids);
  out += '}';
}

// A line per token: id, token, and the bytes of the text it stands for.
std::string table(const Tokenizer& tokenizer, const std::string& text, const Encoding& encoding) {
  std::string out;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    const std::string token = fit(tokenizer.id_to_token(encoding.ids[i]), 40);
    const int padding = std::max(1, 26 - display_width(token));
    const std::string id = std::to_string(encoding.ids[i]);
    out += std::string(id.size() < 8 ? 8 - id.size() : 0, ' ') + id + "  " + token;
    if (end > begin && end <= text.size()) {
      out += std::string(static_cast<size_t>(padding), ' ') + std::to_string(begin) + ".." +
             std::to_string(end);
    }
    out += '\n';
  }
  return out + std::to_string(encoding.ids.size()) + " tokens\n";
}

void tokenize(TokenizeOptions& options) {
  const std::filesystem::path folder = find_model(options.model, options.hub);
  const auto tokenizer = Tokenizer::open(folder);
  if (options.json && options.texts.empty()) {
    std::optional<ChatTemplates> templates;  // read when the first line asks for them
    filter_json_lines([&](const json::object& line, std::string& out) {
      if (!member(line, "messages")) return answer(*tokenizer, line, out);
      if (!templates) templates.emplace(ChatTemplates::open(folder));
      answer_chat(*tokenizer, *templates, line, out);
    });
    return;
  }
  const auto reader = read_input(std::move(options.texts), {});
  EncodeOptions how;
  how.add_special_tokens = !options.no_special;
  how.offsets = true;
  Output output;
  Record record;
  for (bool first = true; reader->next(record); first = false) {
    const std::string& text = std::get<std::string>(record.input);
    const Encoding encoding = tokenizer->encode(text, how);
    if (options.json) {
      append_encodings(output.buffer(), {encoding}, false);
      output.buffer() += '\n';
    } else {
      output.buffer() += (first ? "" : "\n") + table(*tokenizer, text, encoding);
    }
    output.written();
  }
  output.flush();
}

}  // namespace

std::function<void()> define_tokenize(CLI::App& app) {
  auto options = std::make_shared<TokenizeOptions>();
  add_hub_options(app, options->model, options->hub);
  add_texts(app, "TEXT", options->texts, "Texts; without any, a text per line of standard input");
  app.add_flag("--json", options->json,
               "Print JSON lines; without TEXT read JSON lines from standard input");
  app.add_flag("--no-special-tokens", options->no_special, "Without the model's special tokens");
  app.footer(
      "Examples:\n"
      "  vecton tokenize MODEL \"a sentence\"\n"
      "  echo '{\"text\": \"a sentence\", \"pair\": \"another\", \"truncation\": true, "
      "\"max_length\": 8}' |\n"
      "    vecton tokenize MODEL --json\n"
      "\nA JSON line has \"text\", or \"texts\" (a list), and may have \"pair\", "
      "\"add_special_tokens\", \"truncation\",\n"
      "\"max_length\", \"truncation_side\", \"padding\", \"padding_side\" and "
      "\"pad_to_multiple_of\", which mean what they mean\n"
      "to a Hugging Face tokenizer. The answer has \"input_ids\", \"token_type_ids\" and "
      "\"attention_mask\".\n"
      "\nA line with \"messages\" goes through the model's chat template: it may have \"tools\", "
      "\"documents\",\n"
      "\"add_generation_prompt\", \"continue_final_message\", \"chat_template\" and "
      "\"chat_template_kwargs\". The answer has\n"
      "\"prompt\" and \"input_ids\".");
  return [options] { tokenize(*options); };
}

}  // namespace vecton::cli
