#include <algorithm>
#include <string>
#include <utility>

#include "base/json_text.h"
#include "base/utf8.h"
#include "vecton/error.h"
#include "vecton/vecton.h"

namespace vecton {

namespace {

constexpr std::string_view kOutside = "O";  // of no entity

// A token, or the tokens of a word, with the probabilities of the labels.
struct Piece {
  std::vector<float> values;
  int64_t begin = 0, end = 0;
  bool continues = false;  // the word of the one before

  size_t best() const {
    return static_cast<size_t>(std::ranges::max_element(values) - values.begin());
  }
  float score() const { return values[best()]; }
};

// Whether a token goes on with the word before it. Tokenizers that mark such tokens spell them
// longer than the text that they stand for. Of others it is known only that words have spaces
// between them. A token for what is unknown is a word of its own.
class WordRule {
 public:
  WordRule(const Tokenizer& tokenizer, std::string_view text)
      : tokenizer_(tokenizer),
        text_(text),
        marked_(!tokenizer.continuing_subword_prefix().empty()),
        unknown_(tokenizer.special_token_id("unk_token")) {}

  bool continues(const TokenInfo& token) const {
    if (unknown_ && token.id == *unknown_) return false;
    const auto begin = static_cast<size_t>(token.begin), end = static_cast<size_t>(token.end);
    if (marked_) {
      return utf8::count(tokenizer_.id_to_token(token.id)) !=
             utf8::count(text_.substr(begin, end - begin));
    }
    const bool spaced = begin > 0 && (text_[begin - 1] == ' ' || text_.substr(begin, 1) == " ");
    return begin > 0 && !spaced;
  }

 private:
  const Tokenizer& tokenizer_;
  std::string_view text_;
  bool marked_;
  std::optional<int32_t> unknown_;
};

// What is not special. Several tokens may stand for one character, and some for none.
std::vector<Piece> pieces_of(const Labels& answer, std::string_view text,
                             const Tokenizer& tokenizer) {
  std::vector<Piece> pieces;
  const WordRule rule(tokenizer, text);
  const auto columns = static_cast<size_t>(answer.columns);
  for (size_t i = 0; i < answer.tokens.size(); ++i) {
    const TokenInfo& token = answer.tokens[i];
    const bool inside = token.begin >= 0 && token.begin <= token.end &&
                        token.end <= static_cast<int64_t>(text.size());
    if (token.special || !inside) continue;
    const float* row = answer.values.data() + i * columns;
    pieces.push_back({{row, row + columns}, token.begin, token.end, rule.continues(token)});
  }
  return pieces;
}

// Joins the tokens of each word.
std::vector<Piece> words_of(std::vector<Piece> tokens, Aggregation aggregation) {
  std::vector<Piece> words;
  std::vector<size_t> counts;
  float surest = 0;
  for (Piece& token : tokens) {
    if (words.empty() || !token.continues) {
      surest = token.score();
      words.push_back(std::move(token));
      counts.push_back(1);
      continue;
    }
    Piece& word = words.back();
    word.end = token.end;
    ++counts.back();
    if (aggregation == Aggregation::kAverage) {
      for (size_t j = 0; j < word.values.size(); ++j) word.values[j] += token.values[j];
    } else if (aggregation == Aggregation::kMax && token.score() > surest) {
      surest = token.score();
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

// "B-PER" -> begins, "PER". Anything else goes on.
std::pair<bool, std::string_view> split_label(std::string_view label) {
  if (label.starts_with("B-")) return {true, label.substr(2)};
  if (label.starts_with("I-")) return {false, label.substr(2)};
  return {false, label};
}

// What a joined entity is called: the label behind its first hyphen.
std::string_view group_label(std::string_view label) {
  const size_t hyphen = label.find('-');
  return hyphen == std::string_view::npos ? label : label.substr(hyphen + 1);
}

Entity entity_of(const Piece& piece, std::string label, std::string_view text) {
  return {std::move(label),
          piece.score(),
          piece.begin,
          piece.end,
          std::string(text.substr(static_cast<size_t>(piece.begin),
                                  static_cast<size_t>(piece.end - piece.begin))),
          piece.best()};
}

std::vector<Entity> single_entities(std::span<const Piece> pieces, std::string_view text,
                                    std::span<const std::string> labels) {
  std::vector<Entity> entities;
  for (const Piece& piece : pieces) {
    const std::string& label = labels[piece.best()];
    if (label != kOutside) entities.push_back(entity_of(piece, label, text));
  }
  return entities;
}

// Neighbours go together while their label stays and none begins anew.
std::vector<Entity> joined_entities(std::span<const Piece> pieces, std::string_view text,
                                    std::span<const std::string> labels) {
  std::vector<Entity> entities;
  for (size_t first = 0, next = 0; first < pieces.size(); first = next) {
    const std::string_view label = labels[pieces[first].best()];
    const std::string_view tag = split_label(label).second;
    float sum = 0;
    for (; next < pieces.size(); ++next) {
      const auto [begins, other] = split_label(labels[pieces[next].best()]);
      if (next > first && (begins || other != tag)) break;
      sum += pieces[next].score();
    }
    const std::string_view name = group_label(label);
    if (name == kOutside) continue;
    Piece joined = pieces[first];
    joined.end = std::max(joined.begin, pieces[next - 1].end);
    entities.push_back(entity_of(joined, std::string(name), text));
    entities.back().score = sum / static_cast<float>(next - first);
  }
  return entities;
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

std::vector<Entity> find_entities(const Labels& answer, std::string_view text,
                                  const Tokenizer& tokenizer, std::span<const std::string> labels,
                                  Aggregation aggregation) {
  if (std::cmp_not_equal(labels.size(), answer.columns)) {
    throw Error(ErrorCode::kUnsupported,
                "entities: the model has " + std::to_string(labels.size()) + " labels for the " +
                    std::to_string(answer.columns) +
                    " numbers of a token; token classifiers have one each");
  }
  std::vector<Piece> pieces = pieces_of(answer, text, tokenizer);
  if (aggregation == Aggregation::kNone) return single_entities(pieces, text, labels);
  if (aggregation != Aggregation::kSimple) pieces = words_of(std::move(pieces), aggregation);
  return joined_entities(pieces, text, labels);
}

std::string label_json(const ModelInfo& info, const Entity& entity) {
  const std::vector<bool>& names = info.labels_are_names;
  if (entity.label_id < names.size() && !names[entity.label_id])
    return label_json(info, entity.label_id);
  std::string out;
  base::append_json_string(out, entity.label);
  return out;
}

}  // namespace vecton
