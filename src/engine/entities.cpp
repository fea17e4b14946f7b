#include "vecton/entities.h"

#include <algorithm>
#include <string>
#include <utility>

#include "vecton/error.h"

namespace vecton {

namespace {

// A token, or the tokens of a word, with the probabilities of the labels.
struct Piece {
  std::vector<float> values;
  int64_t begin = 0, end = 0;

  size_t best() const {
    return static_cast<size_t>(std::ranges::max_element(values) - values.begin());
  }
  float score() const { return values[best()]; }
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Offsets of some tokenizers begin with the spaces before a word.
void trim(std::string_view text, Piece& piece) {
  while (piece.begin < piece.end && is_space(text[static_cast<size_t>(piece.begin)])) ++piece.begin;
}

std::vector<Piece> pieces_of(const Result& result, std::string_view text) {
  std::vector<Piece> pieces;
  const auto columns = static_cast<size_t>(result.columns);
  for (size_t i = 0; i < result.tokens.size(); ++i) {
    const TokenInfo& token = result.tokens[i];
    const bool inside = token.begin >= 0 && token.end <= static_cast<int64_t>(text.size());
    if (token.special || !inside || token.begin >= token.end) continue;
    const float* row = result.values.data() + i * columns;
    pieces.push_back({{row, row + columns}, token.begin, token.end});
    trim(text, pieces.back());
  }
  return pieces;
}

// Joins the tokens of each word; a word ends at a space.
std::vector<Piece> words_of(std::vector<Piece> tokens, std::string_view text,
                            Aggregation aggregation) {
  std::vector<Piece> words;
  std::vector<size_t> counts;
  for (Piece& token : tokens) {
    const bool fresh = words.empty() || token.begin > words.back().end ||
                       (token.begin > 0 && is_space(text[static_cast<size_t>(token.begin) - 1]));
    if (fresh) {
      words.push_back(std::move(token));
      counts.push_back(1);
      continue;
    }
    Piece& word = words.back();
    word.end = std::max(word.end, token.end);
    ++counts.back();
    if (aggregation == Aggregation::kAverage) {
      for (size_t j = 0; j < word.values.size(); ++j) word.values[j] += token.values[j];
    } else if (aggregation == Aggregation::kMax && token.score() > word.score()) {
      word.values = std::move(token.values);
    }
  }
  if (aggregation == Aggregation::kAverage) {
    for (size_t i = 0; i < words.size(); ++i) {
      for (float& value : words[i].values) value /= static_cast<float>(counts[i]);
    }
  }
  return words;
}

// "B-PER" -> begins, "PER".
std::pair<bool, std::string> split_label(const std::string& label) {
  if (label.starts_with("B-")) return {true, label.substr(2)};
  if (label.starts_with("I-")) return {false, label.substr(2)};
  return {false, label};
}

Entity entity_of(const Piece& piece, std::string label, std::string_view text) {
  return {std::move(label), piece.score(), piece.begin, piece.end,
          std::string(text.substr(static_cast<size_t>(piece.begin),
                                  static_cast<size_t>(piece.end - piece.begin)))};
}

}  // namespace

std::optional<Aggregation> aggregation_from_string(std::string_view name) {
  static constexpr std::pair<std::string_view, Aggregation> kNames[] = {
      {"none", Aggregation::kNone},
      {"simple", Aggregation::kSimple},
      {"first", Aggregation::kFirst},
      {"average", Aggregation::kAverage},
      {"max", Aggregation::kMax}};
  for (const auto& [known, aggregation] : kNames) {
    if (name == known) return aggregation;
  }
  return std::nullopt;
}

std::vector<Entity> find_entities(const Result& result, std::string_view text,
                                  std::span<const std::string> labels, Aggregation aggregation) {
  if (std::cmp_not_equal(labels.size(), result.columns)) {
    throw Error(ErrorCode::kUnsupported,
                "entities: the model has " + std::to_string(labels.size()) + " labels for the " +
                    std::to_string(result.columns) +
                    " numbers of a token; token classifiers have one each");
  }
  std::vector<Piece> pieces = pieces_of(result, text);
  const bool by_words = aggregation == Aggregation::kFirst ||
                        aggregation == Aggregation::kAverage || aggregation == Aggregation::kMax;
  if (by_words) pieces = words_of(std::move(pieces), text, aggregation);
  std::vector<Entity> entities;
  if (aggregation == Aggregation::kNone) {
    for (const Piece& piece : pieces) {
      if (labels[piece.best()] != "O")
        entities.push_back(entity_of(piece, labels[piece.best()], text));
    }
    return entities;
  }
  // Neighbours go together while their label stays and none begins anew.
  std::string open;  // the label of the pieces before, "O" included
  float sum = 0;
  int64_t count = 0;
  for (const Piece& piece : pieces) {
    auto [begins, label] = split_label(labels[piece.best()]);
    if (label == "O") {
      open = "O";
      continue;
    }
    if (label == open && !begins) {
      Entity& entity = entities.back();
      sum += piece.score();
      ++count;
      entity.score = sum / static_cast<float>(count);
      entity.end = piece.end;
      entity.text = text.substr(static_cast<size_t>(entity.begin),
                                static_cast<size_t>(entity.end - entity.begin));
    } else {
      entities.push_back(entity_of(piece, label, text));
      sum = piece.score();
      count = 1;
    }
    open = label;
  }
  return entities;
}

}  // namespace vecton
