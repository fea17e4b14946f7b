#include "cli/similarity_map.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/heat_map.h"
#include "cli/output.h"
#include "cli/patch_map.h"
#include "cli/terminal.h"
#include "media/decode.h"
#include "media/source.h"

namespace vecton::cli {

namespace {

struct Token {
  int32_t id = 0;
  std::string text{};
  bool special = false;
};

// Of every token of the query: its values at the patches of each grid.
struct Maps {
  std::vector<Token> tokens{};
  std::vector<ImageGrid> grids{};
  std::vector<std::vector<float>> values{};  // of each grid, [tokens, rows, columns]

  PatchValues patches(size_t token, size_t grid) const {
    const auto count = static_cast<size_t>(grids[grid].rows * grids[grid].columns);
    const float* first = values[grid].data() + token * count;
    return {.grid = grids[grid], .values = {first, first + count}};
  }
};

Vectors rows_of(Engine& engine, Request request) {
  std::vector<Request> requests;
  requests.push_back(std::move(request));
  std::vector<Result> results = engine.submit(std::move(requests)).get();
  if (const Error* error = results[0].error())
    throw Failure(exit_status_of_text(error->code()), error->what());
  return results[0].get<Vectors>();
}

Maps maps_of(Engine& engine, const Request& like, const std::string& query, std::string picture) {
  Request asked = like, seen = like;
  asked.prompt.input = query;
  asked.prompt.role = Role::kQuery;
  seen.prompt.input = std::string();
  seen.prompt.images.push_back({.bytes = std::move(picture)});
  seen.prompt.role = Role::kDocument;
  const Vectors tokens = rows_of(engine, std::move(asked));
  const Vectors document = rows_of(engine, std::move(seen));
  Maps maps{.grids = document.images};
  for (const TokenInfo& token : tokens.tokens) {
    maps.tokens.push_back({.id = token.id,
                           .text = engine.tokenizer().decode({&token.id, 1}),
                           .special = token.special});
  }
  for (const ImageGrid& grid : maps.grids)
    maps.values.push_back(similarity_maps(tokens, document, grid));
  return maps;
}

// Of a picture that was cut into tiles the tiles, which are finer than the whole.
std::vector<size_t> finest_grids(const Maps& maps) {
  std::vector<size_t> grids;
  for (size_t i = 0; i < maps.grids.size(); ++i) {
    const bool whole = maps.grids[i].width == 1 && maps.grids[i].height == 1;
    if (!whole || maps.grids.size() == 1) grids.push_back(i);
  }
  return grids;
}

std::string label_of(const Maps& maps, size_t token) {
  return std::to_string(token) + "  " + maps.tokens[token].text;
}

PatchMap map_of(const Maps& maps, size_t token) {
  PatchMap map{.label = label_of(maps, token)};
  for (const size_t grid : finest_grids(maps)) map.patches.push_back(maps.patches(token, grid));
  return map;
}

// The tokens that say something: what the tokenizer or the model adds is special.
std::vector<size_t> words_of(const Maps& maps) {
  std::vector<size_t> words;
  for (size_t i = 0; i < maps.tokens.size(); ++i)
    if (!maps.tokens[i].special) words.push_back(i);
  for (size_t i = 0; words.empty() && i < maps.tokens.size(); ++i) words.push_back(i);
  return words;
}

// Of each patch the highest of the tokens' values.
PatchMap highest_of(const Maps& maps, const std::string& query) {
  const std::vector<size_t> words = words_of(maps);
  PatchMap highest = map_of(maps, words.front());
  highest.label = query;
  for (const size_t token : words) {
    const PatchMap own = map_of(maps, token);
    for (size_t g = 0; g < own.patches.size(); ++g) {
      std::ranges::transform(highest.patches[g].values, own.patches[g].values,
                             highest.patches[g].values.begin(),
                             [](float a, float b) { return std::max(a, b); });
    }
  }
  return highest;
}

std::vector<PatchMap> chosen_maps(const Maps& maps, const std::string& query,
                                  const std::string& token) {
  if (token == "max") return {highest_of(maps, query)};
  std::vector<PatchMap> chosen;
  if (token == "all") {
    for (const size_t word : words_of(maps)) chosen.push_back(map_of(maps, word));
    return chosen;
  }
  size_t index = 0;
  const char* const end = token.data() + token.size();
  const auto [at, error] = std::from_chars(token.data(), end, index);
  if (error != std::errc() || at != end || index >= maps.tokens.size()) {
    throw Failure(ExitStatus::kUsage, "--query-token: expected max, all, or a number from 0 to " +
                                          std::to_string(maps.tokens.size() - 1) +
                                          ", the query's tokens; found " + token);
  }
  chosen.push_back(map_of(maps, index));
  return chosen;
}

std::string as_json(const Maps& maps, const std::string& query) {
  json::array tokens, images;
  for (const Token& token : maps.tokens) {
    tokens.push_back(
        json::object{{"id", token.id}, {"text", token.text}, {"special", token.special}});
  }
  for (size_t i = 0; i < maps.grids.size(); ++i) {
    const ImageGrid& grid = maps.grids[i];
    json::array similarities;
    for (size_t token = 0; token < maps.tokens.size(); ++token) {
      const PatchValues patches = maps.patches(token, i);
      json::array rows;
      for (auto at = patches.values.begin(); at != patches.values.end(); at += grid.columns)
        rows.push_back(json::array(at, at + grid.columns));
      similarities.push_back(std::move(rows));
    }
    images.push_back(json::object{{"rows", grid.rows},
                                  {"columns", grid.columns},
                                  {"left", grid.left},
                                  {"top", grid.top},
                                  {"width", grid.width},
                                  {"height", grid.height},
                                  {"similarities", std::move(similarities)}});
  }
  return base::json_text(json::object{
             {"query", query}, {"tokens", std::move(tokens)}, {"images", std::move(images)}}) +
         "\n";
}

// A line per token: where in the picture its best patch lies.
std::string as_text(const Maps& maps) {
  constexpr int kText = 24;
  std::string out;
  for (size_t token = 0; token < maps.tokens.size(); ++token) {
    std::optional<PatchValues> best;
    for (const size_t grid : finest_grids(maps)) {
      PatchValues patches = maps.patches(token, grid);
      if (!best || patches.values[patches.best()] > best->values[best->best()])
        best = std::move(patches);
    }
    const ImageGrid& grid = best->grid;
    const auto index = static_cast<int64_t>(best->best());
    const auto percent = [](double begin, double length, int64_t place, int64_t count) {
      const double middle = (static_cast<double>(place) + 0.5) / static_cast<double>(count);
      return formatted("%.0f", 100 * (begin + length * middle)) + " % from the ";
    };
    const std::string text = fit(maps.tokens[token].text, kText);
    const auto gap = static_cast<size_t>(kText - display_width(text) + 2);
    out += std::to_string(token) + "  " + text + std::string(gap, ' ') +
           formatted("%.3f", static_cast<double>(best->values[best->best()])) + "  at " +
           percent(grid.left, grid.width, index % grid.columns, grid.columns) + "left, " +
           percent(grid.top, grid.height, index / grid.columns, grid.rows) + "top\n";
  }
  return out;
}

}  // namespace

void print_similarity_map(Engine& engine, const Request& like, const std::string& query,
                          const SimilarityMapOptions& options) {
  if (engine.info().scorer != "late-interaction" || !engine.info().images) {
    throw Failure(ExitStatus::kUsage,
                  "--image: " + engine.info().name +
                      " has no vectors of a picture's patches that are compared with those of a "
                      "query's tokens, as ColPali and ColQwen have");
  }
  std::string bytes;
  media::Picture page;
  try {
    bytes = media::read_source(options.image, {}, "--image");
    page = media::decode(bytes, {}, "--image");
  } catch (const Error& error) {
    throw Failure(ExitStatus::kInput, error.what());
  }
  const Maps maps = maps_of(engine, like, query, std::move(bytes));
  const std::vector<PatchMap> chosen = chosen_maps(maps, query, options.token);
  print(options.json ? as_json(maps, query) : as_text(maps));
  if (!options.file.empty() && !write_patch_maps(page, chosen, options.file)) {
    std::fputs("vecton: the picture has boxes for letters that no font here has\n", stderr);
  }
}

}  // namespace vecton::cli
