// vecton similarity: how alike texts are.
#include <CLI/App.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>

#include "base/dot_product.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/arguments.h"
#include "cli/bar.h"
#include "cli/command.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/heat_map.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/record_reader.h"
#include "cli/similarity_map.h"

namespace vecton::cli {

namespace {

struct SimilarityOptions {
  EngineOptions engine;
  RequestOptions request;
  InputOptions input;
  std::vector<std::string> texts;
  std::string query, query_prompt_name, png, svg, colour = "auto";
  SimilarityMapOptions map;
  bool json = false, no_matrix = false;
};

using Rows = std::vector<std::vector<float>>;

double clamped_cosine(std::span<const float> a, std::span<const float> b) {
  const double length = std::sqrt(base::dot_product(a, a) * base::dot_product(b, b));
  return length > 0 ? std::clamp(base::dot_product(a, b) / length, -1.0, 1.0) : 0.0;
}

// The first of `names` that the checkpoint has a prompt for.
std::optional<std::string> prompt_among(const ModelInfo& info,
                                        std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto same = [&](const auto& prompt) { return prompt.first == name; };
    if (std::ranges::any_of(info.prompts, same)) return name;
  }
  return std::nullopt;
}

struct Similarities {
  std::optional<HeatMap> matrix;  // where something shows it: it grows with the square of the texts
  std::vector<double> ranking;    // of each text to the query; empty without one
};

HeatMap matrix_of(const Rows& vectors) {
  const size_t n = vectors.size();
  std::vector<double> matrix(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) {
      matrix[i * n + j] = matrix[j * n + i] = clamped_cosine(vectors[i], vectors[j]);
    }
  }
  return HeatMap(n, std::move(matrix));
}

Similarities score(const SimilarityOptions& options, bool shows_matrix) {
  const auto engine = open_engine(options.engine);
  Request like = options.request.request(Task::kEmbed);
  Request query = like;
  const bool chosen = like.prompt.prompt_name || like.prompt.prompt_text;
  if (!options.query.empty() && !chosen) {
    like.prompt.prompt_name = prompt_among(engine->info(), {"document", "passage", "corpus"});
    query.prompt.prompt_name = prompt_among(engine->info(), {"query"});
  }
  if (!options.query_prompt_name.empty()) {
    query.prompt.prompt_text.reset();
    query.prompt.prompt_name = options.query_prompt_name;
  }
  const Rows vectors = engine->embed(options.texts, like);
  Similarities similarities;
  if (shows_matrix) similarities.matrix = matrix_of(vectors);
  if (!options.query.empty()) {
    const Rows asked = engine->embed({options.query}, query);
    for (const auto& vector : vectors)
      similarities.ranking.push_back(clamped_cosine(asked.front(), vector));
  }
  return similarities;
}

// Indices of texts, best first; equal scores keep their order.
std::vector<size_t> best_first(const std::vector<double>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return scores[i]; });
  return order;
}

std::string numbered_texts(const std::vector<std::string>& texts, int width) {
  const size_t label = std::to_string(texts.size()).size();
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    out += std::string(label - number.size(), ' ') + number + "  " +
           fit(texts[i], width - static_cast<int>(label) - 2) + "\n";
  }
  return out;
}

std::string ranked_texts(const SimilarityOptions& options, const Similarities& similarities,
                         Colour colour, int width) {
  constexpr int kBar = 20;
  const double low = similarities.matrix
                         ? similarities.matrix->low()
                         : std::min(0.0, *std::ranges::min_element(similarities.ranking));
  std::string out = bold(colour) + fit(options.query, width) + plain(colour) + "\n";
  for (size_t i : best_first(similarities.ranking)) {
    char number[16];
    std::snprintf(number, sizeof number, "%6.3f  ", similarities.ranking[i]);
    out += number + foreground(colour, scale_colour((similarities.ranking[i] - low) / (1 - low))) +
           bar(similarities.ranking[i], kBar) + plain(colour) + "  " +
           fit(options.texts[i], width - kBar - 10) + "\n";
  }
  return out;
}

std::string as_json(const Similarities& similarities) {
  json::object out;
  if (similarities.matrix) {
    json::array rows;
    for (size_t i = 0; i < similarities.matrix->size(); ++i) {
      json::array row;
      for (size_t j = 0; j < similarities.matrix->size(); ++j)
        row.push_back(similarities.matrix->value(i, j));
      rows.push_back(std::move(row));
    }
    out["matrix"] = std::move(rows);
  }
  if (!similarities.ranking.empty()) {
    json::array ranking;
    for (size_t i : best_first(similarities.ranking)) {
      ranking.push_back(json::object{{"index", i}, {"score", similarities.ranking[i]}});
    }
    out["ranking"] = std::move(ranking);
  }
  return base::json_text(out) + "\n";
}

void map_picture(SimilarityOptions& options) {
  if (options.query.empty())
    throw Failure(ExitStatus::kUsage, "--image: --query TEXT says what is looked for in it");
  if (!options.texts.empty() || !options.input.path.empty() || !options.png.empty() ||
      !options.svg.empty()) {
    throw Failure(ExitStatus::kUsage,
                  "--image: a picture is compared with --query alone, and drawn by --map");
  }
  Request like = options.request.request(Task::kTokenEmbed);
  if (!options.query_prompt_name.empty())
    throw Failure(ExitStatus::kUsage, "--query-prompt-name is for texts");
  options.map.json = options.json;
  print_similarity_map(*open_engine(options.engine), like, options.query, options.map);
}

void similarity(SimilarityOptions& options) {
  if (!options.map.image.empty()) return map_picture(options);
  if (!options.map.file.empty() || options.map.token != "max") {
    throw Failure(ExitStatus::kUsage,
                  "--map and --query-token are of a picture: --image FILE names one");
  }
  if (!options.input.path.empty()) {
    const auto reader = read_input(std::move(options.texts), options.input);
    options.texts.clear();
    Record record;
    while (reader->next(record)) {
      const auto* text = std::get_if<std::string>(&record.input);
      if (!text) throw Failure(ExitStatus::kInput, reader->where(record) + ": expected a text");
      options.texts.push_back(*text);
    }
  }
  if (options.texts.empty()) {
    throw Failure(ExitStatus::kUsage, "there is nothing to compare: give texts, or --input FILE");
  }
  const bool pictures = !options.svg.empty() || !options.png.empty();
  if (options.no_matrix && (options.query.empty() || pictures)) {
    throw Failure(ExitStatus::kUsage,
                  "--no-matrix leaves the ranking by --query alone: it goes with --query, and "
                  "without --png and --svg");
  }
  const Colour colour = colour_of_stdout(options.colour);
  const int width = terminal_width();
  const bool draws =
      !options.no_matrix && !options.json && fits_terminal(options.texts.size(), colour, width);
  const Similarities similarities =
      score(options, draws || pictures || (options.json && !options.no_matrix));
  if (options.json) {
    print(as_json(similarities));
  } else {
    if (draws) {
      print(similarities.matrix->draw(colour, width));
    } else if (!options.no_matrix) {
      print("The matrix is too wide for this terminal; --png FILE draws it as a picture.\n");
    }
    if (!options.no_matrix) print("\n" + numbered_texts(options.texts, width));
    if (!similarities.ranking.empty())
      print((options.no_matrix ? "" : "\n") + ranked_texts(options, similarities, colour, width));
  }
  if (!options.svg.empty()) write_svg(*similarities.matrix, options.svg, options.texts);
  if (!options.png.empty() && !write_png(*similarities.matrix, options.png, options.texts)) {
    std::fputs(
        "vecton: the picture has boxes for letters that no font here has (or Pango, "
        "libpangocairo-1.0, is missing); --svg draws with the viewer's fonts\n",
        stderr);
  }
}

}  // namespace

std::function<void()> define_similarity(CLI::App& app) {
  auto options = std::make_shared<SimilarityOptions>();
  add_engine_options(app, options->engine);
  add_texts(app, "TEXT", options->texts, "Texts to compare");
  add_input_options(app, options->input);
  app.add_option("--query", options->query, "Rank the texts by their similarity to this one")
      ->type_name("TEXT");
  app.add_option("--query-prompt-name", options->query_prompt_name,
                 "Prompt of the checkpoint for the query [\"query\" where it has one]")
      ->type_name("NAME");
  app.add_flag("--no-matrix", options->no_matrix,
               "With --query: the ranking alone, of as many texts as there are");
  app.add_option("--png", options->png, "Draw the matrix as a picture too")->type_name("FILE");
  app.add_option("--svg", options->svg, "The same, with text in the viewer's fonts")
      ->type_name("FILE");
  app.add_option("--image", options->map.image,
                 "A picture instead of texts: which of its patches answer which tokens of --query, "
                 "by a late-interaction model")
      ->type_name("FILE");
  app.add_option("--map", options->map.file, "Draw that over the picture, as a PNG")
      ->type_name("FILE");
  app.add_option(
         "--query-token", options->map.token,
         "What is drawn: max (of each patch the best token), all, or a token's number [max]")
      ->type_name("N");
  app.add_option("--color,--colour", options->colour, "auto, always or never [auto]")
      ->type_name("WHEN")
      ->check(one_of({"auto", "always", "never"}));
  app.add_flag("--json", options->json, "Print JSON: the matrix, and the ranking best first");
  add_request_options(app, options->request);
  app.footer(
      "Examples:\n"
      "  vecton similarity MODEL \"a cat naps\" \"a kitten sleeps\" \"stocks fell\"\n"
      "  vecton similarity MODEL --query \"who sleeps?\" --png matrix.png --input texts.txt\n"
      "  vecton similarity MODEL --query \"who sleeps?\" --no-matrix --input many.txt\n"
      "  vecton similarity MODEL --image page.png --query \"total amount\" --map map.png\n"
      "\nThe numbers are cosines: 1 is the same direction. NO_COLOR turns colours off.");
  return [options] { similarity(*options); };
}

}  // namespace vecton::cli
