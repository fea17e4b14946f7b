#include "cli/foreign_commands.h"

#include <algorithm>
#include <filesystem>

#include "cli/failure.h"

namespace vecton::cli {

namespace {

struct ForeignCommand {
  const char* name;
  const char* instead;
  unsigned program = 0;  // whose name stands before it; 0 = none or any
};

constexpr ForeignCommand kNotHere[] = {
    {"chat", "'vecton chat MODEL' talks to a model itself; to a server, any of OpenAI's clients",
     kVllm},
    {"complete", "'vecton generate MODEL' completes a prompt itself"},
    {"run-batch", "'vecton embed MODEL --input FILE.jsonl --output FILE' works through files"},
    {"collect-env", "'vecton bench MODEL' tells of the machine"},
    {"launch", "'vecton serve MODEL' is the server"},
    {"snapshot", "'vecton serve MODEL' is the server"},
    {"v1", "'vecton serve MODEL' has the options of infinity_emb v2"},
};

struct ProgramName {
  const char* name;
  Program program;
  bool serves;  // whether options follow, without a command
};

constexpr ProgramName kPrograms[] = {
    {"vllm", kVllm, false},
    {"vllm.entrypoints.openai.api_server", kVllm, true},
    {"text-embeddings-router", kTei, true},
    {"infinity_emb", kInfinity, true},
    {"llama-server", kLlamaServer, true},
    {"mlx_embeddings", kMlxEmbeddings, false},
    {"mlx_embeddings.generate", kMlxEmbeddings, false},
};

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* each) { return name == each; });
}

// "mlx_lm.convert" and "mlx_embeddings convert" are this program's convert in their layout.
bool become_convert(Arguments& typed) {
  for (const auto& [program, layout] :
       {std::pair{"mlx_lm", "mlx-lm"}, std::pair{"mlx_embeddings", "mlx-embeddings"}}) {
    if (typed.empty()) return false;
    const bool one_word = typed.front() == std::string(program) + ".convert";
    const bool two_words = typed.size() > 1 && typed.front() == program && typed[1] == "convert";
    if (!one_word && !two_words) continue;
    typed.erase(typed.begin(), typed.begin() + (one_word ? 1 : 2));
    typed.insert(typed.begin(), {"convert", "--layout", layout});
    return true;
  }
  return false;
}

// Options before any command: another program's, whose name "vecton" took.
bool begins_with_options(const Arguments& typed) {
  return !typed.empty() && typed.front().starts_with('-') &&
         !is_one_of(typed.front(), {"-h", "--help", "-V", "--version", "--list-families"});
}

// "vllm bench serve" and its kin; a model of such a name is a folder.
void refuse_benchmarks(const Arguments& typed) {
  std::error_code error;
  if (typed.size() < 2 || typed.front() != "bench" ||
      !is_one_of(typed[1], {"serve", "latency", "throughput", "startup", "sweep"}) ||
      std::filesystem::exists(typed[1], error))
    return;
  throw Failure(ExitStatus::kUsage,
                "bench " + typed[1] +
                    ": 'vecton bench MODEL' measures a model, its texts per second and the latency "
                    "of one; a server is measured by its clients (wrk, 'vllm bench serve "
                    "--backend openai-embeddings')");
}

// "-m MODEL" and "-hf MODEL" are its alone.
bool names_model_as_llama_server(const Arguments& typed) {
  return std::ranges::any_of(typed, [](const std::string& text) {
    return is_one_of(text.substr(0, text.find('=')), {"-m", "-hf", "-hfr"});
  });
}

bool embeds_texts(const Arguments& typed) {
  return std::ranges::any_of(typed, [](const std::string& text) {
    return is_one_of(text.substr(0, text.find('=')), {"--text", "--image"});
  });
}

}  // namespace

OwnCommand own_command(const Arguments& typed) {
  OwnCommand command;
  Arguments& rest = command.arguments;
  rest = typed;
  const auto drop_first = [&] { rest.erase(rest.begin()); };
  bool server = false;
  if (become_convert(rest)) return command;
  for (const ProgramName& known : kPrograms) {
    if (rest.empty() || rest.front() != known.name) continue;
    drop_first();
    server = known.serves;
    command.program = known.program;
    break;
  }
  if (!rest.empty() && rest.front() == "v2") {  // infinity_emb v2
    drop_first();
    server = true;
    command.program = kInfinity;
  }
  refuse_benchmarks(rest);
  if (!rest.empty()) {
    for (const ForeignCommand& foreign : kNotHere) {
      if (rest.front() != foreign.name ||
          (foreign.program != 0 && foreign.program != command.program))
        continue;
      throw Failure(ExitStatus::kUsage, "there is no command '" + rest.front() + "': " +
                                            foreign.instead + " ('vecton --help' lists them)");
    }
  }
  const bool asks_version =
      !rest.empty() && is_one_of(rest.front(), {"-V", "--version"}) && rest.size() == 1;
  if ((server && !asks_version) || begins_with_options(rest))
    rest.insert(rest.begin(), embeds_texts(rest) ? "embed" : "serve");
  if (command.program == 0 && names_model_as_llama_server(rest)) command.program = kLlamaServer;
  return command;
}

}  // namespace vecton::cli
