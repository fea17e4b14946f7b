#include "tokenizer/post_processor.h"

#include <algorithm>

namespace vecton::tokenizer {

namespace {

int32_t id_of(const Field& field, std::string_view token, const PostProcessor::Find& find) {
  const int32_t id = find(token);
  if (id == Vocabulary::kNone) {
    field.fail(ErrorCode::kCorrupt,
               "needs the token \"" + std::string(token) +
                   "\", which the tokenizer puts around texts: the vocabulary lacks it");
  }
  return id;
}

// ["[CLS]", 101], or null for the id.
int32_t id_of_pair(const Field& pair, const PostProcessor::Find& find) {
  return pair[1].is_null() ? id_of(pair, pair[0].string(), find) : pair[1].id();
}

}  // namespace

PostProcessor::PostProcessor(const Field& field, const Find& find) {
  for (const bool pair : {false, true}) {
    for (const bool special_tokens : {false, true}) {
      std::vector<Template> sequences{{{0, {}, 0}}};
      if (pair) sequences.push_back({{1, {}, 1}});
      if (!field.is_null()) sequences = run(field, std::move(sequences), special_tokens, find);
      Template& out = templates_[pair][special_tokens];
      for (Template& pieces : sequences)
        std::move(pieces.begin(), pieces.end(), std::back_inserter(out));
    }
  }
  if (!field.is_null()) read_trims(field);
}

std::vector<PostProcessor::Template> PostProcessor::run(const Field& field,
                                                        std::vector<Template> sequences,
                                                        bool special_tokens, const Find& find) {
  const std::string_view type = field["type"].string();
  if (type == "Sequence") {
    const Field items = field["processors"];
    for (size_t i = 0; i < items.array().size(); ++i)
      sequences = run(items[i], std::move(sequences), special_tokens, find);
    return sequences;
  }
  if (type == "TemplateProcessing")
    return run_template(field, std::move(sequences), special_tokens, find);
  if (type == "BertProcessing") return run_bert(field, std::move(sequences), special_tokens, find);
  if (type == "RobertaProcessing")
    return run_roberta(field, std::move(sequences), special_tokens, find);
  if (type != "ByteLevel") field.unsupported(type);
  return sequences;
}

std::vector<PostProcessor::Template> PostProcessor::run_template(const Field& field,
                                                                 std::vector<Template> sequences,
                                                                 bool special_tokens,
                                                                 const Find& find) {
  if (sequences.size() > 2) {
    field.fail(ErrorCode::kUnsupported,
               "gets more than two sequences from the processor before it: a template takes one "
               "or two");
  }
  const Field tokens = field["special_tokens"];
  const Field pieces = field[sequences.size() == 2 ? "pair" : "single"];
  std::vector<Template> out;
  for (size_t i = 0; i < pieces.array().size(); ++i) {
    const bool special = pieces[i].has("SpecialToken");
    const Field item = pieces[i][special ? "SpecialToken" : "Sequence"];
    const int32_t type_id = static_cast<int32_t>(item["type_id"].count());
    const std::string_view id = item["id"].string();
    if (special) {
      Piece piece{-1, {}, type_id};
      const Field ids = tokens[id]["ids"];
      if (ids.is_null()) piece.ids.push_back(id_of(field, id, find));
      for (size_t j = 0; !ids.is_null() && j < ids.array().size(); ++j)
        piece.ids.push_back(ids[j].id());
      if (special_tokens) out.push_back({std::move(piece)});
    } else if (id == "A" || (id == "B" && sequences.size() == 2)) {
      out.push_back(sequences[id == "B"]);
      for (Piece& piece : out.back()) piece.type_id = type_id;
    } else {
      item["id"].fail(ErrorCode::kCorrupt, "must be \"A\", or \"B\" in a pair");
    }
  }
  return out;
}

std::vector<PostProcessor::Template> PostProcessor::run_bert(const Field& field,
                                                             std::vector<Template> sequences,
                                                             bool special_tokens,
                                                             const Find& find) {
  const int32_t cls = id_of_pair(field["cls"], find), sep = id_of_pair(field["sep"], find);
  if (!special_tokens) return sequences;
  for (size_t i = 0; i < sequences.size(); ++i) {
    Template& pieces = sequences[i];
    if (i == 0) pieces.insert(pieces.begin(), {-1, {cls}, 0});
    pieces.push_back({-1, {sep}, i > 0});
  }
  return sequences;
}

std::vector<PostProcessor::Template> PostProcessor::run_roberta(const Field& field,
                                                                std::vector<Template> sequences,
                                                                bool special_tokens,
                                                                const Find& find) {
  const int32_t cls = id_of_pair(field["cls"], find), sep = id_of_pair(field["sep"], find);
  for (size_t i = 0; i < sequences.size(); ++i) {
    Template& pieces = sequences[i];
    for (Piece& piece : pieces) piece.type_id = 0;
    if (!special_tokens) continue;
    pieces.insert(pieces.begin(), {-1, {i == 0 ? cls : sep}, 0});
    pieces.push_back({-1, {sep}, 0});
  }
  return sequences;
}

void PostProcessor::read_trims(const Field& field) {
  const std::string_view type = field["type"].string();
  if (type == "Sequence") {
    const Field items = field["processors"];
    for (size_t i = 0; i < items.array().size(); ++i) read_trims(items[i]);
  } else if ((type == "ByteLevel" || type == "RobertaProcessing") &&
             field.boolean_or("trim_offsets", true)) {
    trims_.push_back({field.boolean_or("add_prefix_space", true)});
  }
}

int64_t PostProcessor::added(bool pair) const {
  int64_t count = 0;
  for (const Piece& piece : templates_[pair][true]) count += static_cast<int64_t>(piece.ids.size());
  return count;
}

void PostProcessor::assemble(const Tokens& first, const Tokens* second, bool special_tokens,
                             Encoding& out) const {
  const size_t size =
      first.ids.size() + (second ? second->ids.size() : 0) + (special_tokens ? added(second) : 0);
  out.ids.reserve(size);
  out.type_ids.reserve(size);
  out.special_tokens_mask.reserve(size);
  out.sequences.reserve(size);
  for (const Piece& piece : templates_[second != nullptr][special_tokens]) {
    const bool special = piece.sequence < 0;
    const Tokens* tokens = special ? nullptr : piece.sequence == 0 ? &first : second;
    const std::vector<int32_t>& ids = special ? piece.ids : tokens->ids;
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.type_ids.insert(out.type_ids.end(), ids.size(), piece.type_id);
    out.special_tokens_mask.insert(out.special_tokens_mask.end(), ids.size(), special);
    out.sequences.insert(out.sequences.end(), ids.size(), static_cast<int8_t>(piece.sequence));
    if (!first.with_spans) continue;
    for (size_t i = 0; i < ids.size(); ++i) {
      out.offsets.emplace_back(special ? 0 : tokens->spans[i].begin,
                               special ? 0 : tokens->spans[i].end);
    }
  }
  out.attention_mask.assign(out.ids.size(), 1);
}

namespace {

struct Spaces {
  uint32_t leading = 0, trailing = 0;  // characters
};

// How often a token starts and ends with what byte-level tokens write for a space.
Spaces byte_level_spaces(std::string_view token) {
  constexpr std::string_view kSpace = "\u0120";
  Spaces spaces;
  for (std::string_view rest = token; rest.starts_with(kSpace); ++spaces.leading)
    rest.remove_prefix(kSpace.size());
  for (std::string_view rest = token; rest.ends_with(kSpace); ++spaces.trailing)
    rest.remove_suffix(kSpace.size());
  return spaces;
}

Spaces white_spaces(std::string_view text) {
  Spaces spaces;
  for (size_t at = 0; at < text.size() && unicode::is_white_space(unicode::next(text, at));)
    ++spaces.leading;
  for (size_t end = text.size(); end > 0; ++spaces.trailing) {
    end = unicode::previous(text, end);
    size_t at = end;
    if (!unicode::is_white_space(unicode::next(text, at))) break;
  }
  return spaces;
}

}  // namespace

void PostProcessor::trim_offsets(Tokens& tokens, std::string_view text,
                                 const Vocabulary& vocabulary,
                                 const std::function<bool(int32_t)>& is_added) const {
  for (const Trim& trim : trims_) {
    for (size_t i = 0; i < tokens.ids.size(); ++i) {
      Span& span = tokens.spans[i];
      const int32_t id = tokens.ids[i];
      Spaces spaces = is_added(id) ? white_spaces(text.substr(span.begin, span.end - span.begin))
                                   : byte_level_spaces(vocabulary.token(id));
      const bool first = i == 0 || span.begin == 0;
      if (first && trim.prefix_space && spaces.leading == 1) spaces.leading = 0;
      for (; spaces.leading > 0 && span.begin < span.end; --spaces.leading) {
        span.begin += static_cast<uint32_t>(unicode::length_at(text, span.begin));
      }
      for (; spaces.trailing > 0 && span.begin < span.end; --spaces.trailing) {
        span.end = static_cast<uint32_t>(unicode::previous(text, span.end));
      }
    }
  }
}

}  // namespace vecton::tokenizer
