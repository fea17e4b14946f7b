// vecton detokenize: token ids to text.
#include <CLI/App.hpp>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/line_filter.h"
#include "cli/model_options.h"
#include "cli/output.h"

namespace vecton::cli {

namespace {

struct DetokenizeOptions {
  std::string model;
  HubOptions hub = HubOptions::from_environment();
  std::vector<int32_t> ids;
  bool json = false, skip_special = false;
};

std::vector<int32_t> ids_of(const json::object& line) {
  const json::value* value = member(line, "ids");
  if (!value || !value->is_array()) {
    throw Error(ErrorCode::kInvalidArgument, "expected a field \"ids\" with a list of token ids");
  }
  std::vector<int32_t> ids;
  for (const json::value& id : value->get_array()) {
    const int64_t* number = id.if_int64();
    if (!number || *number < 0 || *number > INT32_MAX) {
      throw Error(ErrorCode::kInvalidArgument,
                  "field \"ids\": " + json::serialize(id) + " is not a token id");
    }
    ids.push_back(static_cast<int32_t>(*number));
  }
  return ids;
}

void append_answer(std::string& out, const Tokenizer& tokenizer, std::span<const int32_t> ids,
                   bool skip_special) {
  out += "{\"text\": ";
  base::append_json_string(out, tokenizer.decode(ids, skip_special));
  out += '}';
}

void detokenize(const DetokenizeOptions& options) {
  const auto tokenizer = Tokenizer::open(find_model(options.model, options.hub));
  if (options.ids.empty() && !options.json) {
    throw Failure(ExitStatus::kUsage, "there is nothing to decode: give token ids, or --json");
  }
  if (options.ids.empty()) {
    filter_json_lines([&](const json::object& line, std::string& out) {
      append_answer(out, *tokenizer, ids_of(line),
                    bool_or(line, "skip_special_tokens", options.skip_special));
    });
    return;
  }
  std::string out;
  if (options.json) {
    append_answer(out, *tokenizer, options.ids, options.skip_special);
  } else {
    out = tokenizer->decode(options.ids, options.skip_special);
  }
  print(out + "\n");
}

}  // namespace

std::function<void()> define_detokenize(CLI::App& app) {
  auto options = std::make_shared<DetokenizeOptions>();
  add_hub_options(app, options->model, options->hub);
  app.add_option("ID", options->ids, "Token ids")->type_name("");
  app.add_flag("--json", options->json,
               "Print JSON lines; without ID read JSON lines from standard input");
  app.add_flag("--skip-special-tokens", options->skip_special, "Leave special tokens out");
  app.footer(
      "Examples:\n"
      "  vecton detokenize MODEL 101 7592 102\n"
      "  echo '{\"ids\": [101, 7592, 102], \"skip_special_tokens\": true}' | vecton detokenize "
      "MODEL --json");
  return [options] { detokenize(*options); };
}

}  // namespace vecton::cli
