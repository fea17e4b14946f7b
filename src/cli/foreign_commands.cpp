#include "cli/foreign_commands.h"

#include <algorithm>

#include "cli/failure.h"

namespace vecton::cli {

namespace {

struct ForeignCommand {
  const char* name;
  const char* instead;
};

constexpr ForeignCommand kNotHere[] = {
    {"convert", "checkpoints are run as they are: 'vecton serve FOLDER'"},
    {"mlx_embeddings.convert", "checkpoints are run as they are: 'vecton serve FOLDER'"},
    {"chat", "nothing is generated; 'vecton tokenize' renders chat templates"},
    {"complete", "nothing is generated"},
    {"run-batch", "'vecton embed MODEL --input FILE.jsonl --output FILE' works through files"},
    {"collect-env", "'vecton bench MODEL' tells of the machine"},
    {"launch", "'vecton serve MODEL' is the server"},
    {"snapshot", "'vecton serve MODEL' is the server"},
    {"v1", "'vecton serve MODEL' has the options of infinity_emb v2"},
};

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* each) { return name == each; });
}

// Options before any command: another program's, whose name "vecton" took.
bool begins_with_options(const Arguments& typed) {
  return !typed.empty() && typed.front().starts_with('-') &&
         !is_one_of(typed.front(), {"-h", "--help", "-V", "--version", "--list-families"});
}

bool embeds_texts(const Arguments& typed) {
  return std::ranges::any_of(typed, [](const std::string& text) {
    return is_one_of(text.substr(0, text.find('=')), {"--text", "--image"});
  });
}

}  // namespace

Arguments own_command(const Arguments& typed) {
  Arguments rest = typed;
  const auto drop_first = [&] { rest.erase(rest.begin()); };
  bool server = false;
  if (!rest.empty() && is_one_of(rest.front(), {"vllm"})) {
    drop_first();
  } else if (!rest.empty() &&
             is_one_of(rest.front(), {"text-embeddings-router", "infinity_emb", "llama-server",
                                      "vllm.entrypoints.openai.api_server"})) {
    drop_first();
    server = true;
  } else if (!rest.empty() &&
             is_one_of(rest.front(), {"mlx_embeddings", "mlx_embeddings.generate"})) {
    drop_first();
  }
  if (!rest.empty() && rest.front() == "v2") {  // infinity_emb v2
    drop_first();
    server = true;
  }
  if (!rest.empty()) {
    for (const ForeignCommand& command : kNotHere) {
      if (rest.front() != command.name) continue;
      throw Failure(ExitStatus::kUsage, "there is no command '" + rest.front() + "': " +
                                            command.instead + " ('vecton --help' lists them)");
    }
  }
  const bool asks_version =
      !rest.empty() && is_one_of(rest.front(), {"-V", "--version"}) && rest.size() == 1;
  if ((server && !asks_version) || begins_with_options(rest))
    rest.insert(rest.begin(), embeds_texts(rest) ? "embed" : "serve");
  return rest;
}

}  // namespace vecton::cli
