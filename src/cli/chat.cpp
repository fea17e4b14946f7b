// vecton chat: a conversation with a model, in a terminal or through a pipe.
#include <unistd.h>

#include <CLI/App.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <utility>

#include "cli/answer_text.h"
#include "cli/answers.h"
#include "cli/arguments.h"
#include "cli/chat_history.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/sampling_options.h"
#include "cli/terminal.h"

namespace vecton::cli {

namespace {

constexpr char kHelp[] =
    "/image FILE   a picture that goes with what is said next\n"
    "/system TEXT  the system message; without a text none\n"
    "/reset        forget the conversation\n"
    "/save FILE    write the messages to FILE as JSON\n"
    "/help         this list\n"
    "/exit         leave; so does the end of the input\n"
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer.\n";

struct ChatOptions {
  EngineOptions engine;
  Generate generate;
  std::string system, chat_template, thinking = "auto";
  bool quiet = false;
};

class Conversation {
 public:
  Conversation(const ChatOptions& options, Engine& engine)
      : options_(options), engine_(engine), history_(options.system) {}

  void run() {
    const bool terminal = stdin_is_terminal();
    if (terminal && !options_.quiet)
      print("Talking with " + engine_.info().name + ". /help lists what else can be done.\n");
    std::string text;
    while (read_turn(std::cin, terminal ? "> " : "", text)) {
      if (text.empty()) continue;
      if (text.starts_with("/")) {
        if (!command(text)) return;
        continue;
      }
      answer(text);
    }
    if (terminal) print("\n");
  }

 private:
  static bool stdin_is_terminal() { return ::isatty(0) != 0; }

  // False = leave.
  bool command(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string name = line.substr(0, space),
                      rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (name == "/exit" || name == "/quit" || name == "/bye") return false;
    if (name == "/help" || name == "/?") {
      print(kHelp);
    } else if (name == "/image") {
      add_image(rest);
    } else if (name == "/reset" || name == "/clear") {
      history_.reset();
      images_.clear();
    } else if (name == "/system") {
      history_.set_system(rest);
    } else if (name == "/save") {
      save(rest);
    } else {
      std::fprintf(stderr, "vecton: there is no command %s; /help lists them\n", name.c_str());
    }
    return true;
  }

  void add_image(const std::string& path) {
    if (!engine_.info().images) {
      std::fprintf(stderr, "vecton: %s takes text\n", engine_.info().name.c_str());
    } else if (!std::ifstream(path)) {
      std::fprintf(stderr, "vecton: %s can't be read\n", path.c_str());
    } else {
      images_.push_back({.bytes = {}, .source = path});
    }
  }

  void save(const std::string& path) const {
    if (path.empty()) {
      std::fprintf(stderr, "vecton: /save needs a file's name\n");
      return;
    }
    std::ofstream file(path);
    file << history_.messages() << "\n";
    file.flush();
    if (!file) std::fprintf(stderr, "vecton: %s can't be written\n", path.c_str());
  }

  // An answer that is stopped, or that fails, is not part of the conversation.
  void answer(const std::string& text) {
    const InterruptGuard guard;
    history_.add("user", text, std::exchange(images_, {}));
    try {
      ChatInput input{.messages = history_.messages()};
      input.add_generation_prompt = true;
      const std::string prompt = engine_.chat_templates().render(input, options_.chat_template);
      Generate generate = options_.generate;
      AnswerText shown(parser_for(prompt, generate), thinking(),
                       [](std::string_view more) { print(more); });
      Request request{.prompt = {.input = prompt}, .task = generate};
      request.prompt.images = history_.images();
      request.prompt.prompt_text = "";
      request.prompt.add_special_tokens = false;
      request.on_delta = [&](const GenerationDelta& delta) {
        shown.add(delta.text);
        return InterruptGuard::signal() == 0;
      };
      const Result result = engine_.submit({std::move(request)}).get().front();
      const auto& generation = result.get<Generation>();
      shown.finish();
      print("\n");
      const Completion& completion = generation.completions.front();
      history_.add("assistant", shown.content());
      if (completion.finish_reason == FinishReason::kLength && !options_.quiet)
        std::fprintf(stderr, "(the answer was cut at its length)\n");
      tell_speed(result, generation);
    } catch (const Error& e) {
      history_.take_back();
      std::fprintf(stderr, "vecton: %s\n", e.what());
    }
    if (InterruptGuard::signal() == SIGTERM) InterruptGuard::check();
  }

  // How the model's answers are to be read. What thinking is marked by may be special tokens, which
  // the parser leaves out itself.
  parsers::ParserOptions parser_for(const std::string& prompt, Generate& generate) const {
    const std::string text = engine_.chat_templates().text({}, options_.chat_template);
    parsers::ParserOptions parser{.formats = {.reasoning = parsers::detect(text).reasoning},
                                  .prompt = prompt};
    if (!parser.formats.reasoning.empty() && generate.skip_special_tokens.value_or(true)) {
      generate.skip_special_tokens = false;
      for (const auto& [name, token] : engine_.tokenizer().special_tokens())
        parser.special_tokens.push_back(token);
    }
    return parser;
  }

  AnswerText::Thinking thinking() const {
    const Colour colour = colour_of_stdout("auto");
    const bool shown =
        options_.thinking == "auto" ? stdout_is_terminal() : options_.thinking == "show";
    return {.shown = shown, .begin = faint(colour), .end = plain(colour)};
  }

  void tell_speed(const Result& result, const Generation& generation) const {
    if (options_.quiet || !stderr_is_terminal()) return;
    const auto tokens = static_cast<double>(generation.completions.front().token_ids.size());
    std::fprintf(stderr,
                 "(%lld tokens read, %lld of them known; first after %.2f s; %.1f tokens/s)\n",
                 static_cast<long long>(result.usage.prompt_tokens),
                 static_cast<long long>(generation.cached_tokens), generation.time_to_first_token,
                 generation.generation_time > 0 ? (tokens - 1) / generation.generation_time : 0);
  }

  const ChatOptions& options_;
  Engine& engine_;
  ChatHistory history_;
  std::vector<Image> images_;  // of what is said next
};

void chat(const ChatOptions& options) {
  const auto engine = open_engine(options.engine);
  require_task(*engine, Task::kGenerate);
  if (engine->chat_templates().empty() && options.chat_template.empty()) {
    throw Failure(ExitStatus::kModel,
                  engine->info().name +
                      " has no chat template: it was not made for conversations. 'vecton generate' "
                      "goes on with a text, and --chat-template gives a template");
  }
  Conversation(options, *engine).run();
}

}  // namespace

std::function<void()> define_chat(CLI::App& app) {
  auto options = std::make_shared<ChatOptions>();
  options->engine.runner = "generate";
  add_engine_options(app, options->engine);
  add_speculative_options(app, options->engine);
  app.add_option("--system", options->system, "The system message")->type_name("TEXT");
  app.add_option("--chat-template", options->chat_template,
                 "One of the model's templates by name, or the text of one [the model's own]")
      ->type_name("TEMPLATE");
  app.add_option("--thinking", options->thinking,
                 "Thinking before an answer: show, hide, or auto, which shows it to a terminal")
      ->check(one_of({"auto", "show", "hide"}))
      ->type_name("WHEN")
      ->capture_default_str();
  add_sampling_options(app, options->generate);
  app.add_flag("-q,--quiet", options->quiet, "The answers alone");
  app.footer(std::string("In the conversation:\n") + kHelp +
             "\nExamples:\n"
             "  vecton chat MODEL\n"
             "  vecton chat MODEL --system \"Answer in one word.\" --temperature 0\n"
             "  echo \"Why is the sky blue?\" | vecton chat MODEL -q");
  return [options] { chat(*options); };
}

}  // namespace vecton::cli
