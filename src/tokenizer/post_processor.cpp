#include "tokenizer/post_processor.h"

#include <algorithm>

namespace vecton {

PostProcessor::PostProcessor(const Field& field)
    : single_{{0, {}, 0}}, pair_{{0, {}, 0}, {1, {}, 1}} {
  if (!field.is_null()) read(field);
}

void PostProcessor::read(const Field& field) {
  const std::string_view type = field["type"].string();
  if (type == "Sequence") {
    const Field items = field["processors"];
    for (size_t i = 0; i < items.array().size(); ++i) read(items[i]);
  } else if (type == "TemplateProcessing") {
    read_template(field);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    read_pair_of_tokens(field, type == "RobertaProcessing");
  } else if (type == "ByteLevel") {
    if (field.boolean_or("trim_offsets", true))
      trims_.push_back({field.boolean_or("add_prefix_space", true)});
  } else {
    field.unsupported(type);
  }
}

void PostProcessor::set(Template single, Template pair, const Field& field) {
  if (adds_)
    field.fail(ErrorCode::kUnsupported,
               "is the second processor that adds tokens: one is supported");
  adds_ = true;
  single_ = std::move(single);
  pair_ = std::move(pair);
}

void PostProcessor::read_template(const Field& field) {
  const Field tokens = field["special_tokens"];
  set(read_pieces(field["single"], tokens, false), read_pieces(field["pair"], tokens, true), field);
}

PostProcessor::Template PostProcessor::read_pieces(const Field& field, const Field& tokens,
                                                   bool pair) const {
  Template pieces;
  for (size_t i = 0; i < field.array().size(); ++i) {
    Piece piece;
    const bool special = field[i].has("SpecialToken");
    const Field item = field[i][special ? "SpecialToken" : "Sequence"];
    piece.type_id = static_cast<int32_t>(item["type_id"].count());
    const std::string_view id = item["id"].string();
    if (special) {
      const Field ids = tokens[id]["ids"];
      for (size_t j = 0; j < ids.array().size(); ++j) piece.ids.push_back(ids[j].id());
    } else if (id == "A" || (id == "B" && pair)) {
      piece.sequence = id == "B";
    } else {
      item["id"].fail(ErrorCode::kCorrupt, "must be \"A\", or \"B\" in a pair");
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

void PostProcessor::read_pair_of_tokens(const Field& field, bool roberta) {
  const int32_t cls = field["cls"][1].id(), sep = field["sep"][1].id();
  const Template single{{-1, {cls}, 0}, {0, {}, 0}, {-1, {sep}, 0}};
  if (roberta) {
    set(single, {{-1, {cls}, 0}, {0, {}, 0}, {-1, {sep, sep}, 0}, {1, {}, 0}, {-1, {sep}, 0}},
        field);
    if (field.boolean_or("trim_offsets", true))
      trims_.push_back({field.boolean_or("add_prefix_space", true)});
  } else {
    set(single, {{-1, {cls}, 0}, {0, {}, 0}, {-1, {sep}, 0}, {1, {}, 1}, {-1, {sep}, 1}}, field);
  }
}

int64_t PostProcessor::added(bool pair) const {
  int64_t count = 0;
  for (const Piece& piece : pair ? pair_ : single_) count += static_cast<int64_t>(piece.ids.size());
  return count;
}

void PostProcessor::assemble(const Tokens& first, const Tokens* second, bool special_tokens,
                             Encoding& out) const {
  const Template& pieces = second ? pair_ : single_;
  const size_t size =
      first.ids.size() + (second ? second->ids.size() : 0) + (special_tokens ? added(second) : 0);
  out.ids.reserve(size);
  out.type_ids.reserve(size);
  out.special_tokens_mask.reserve(size);
  for (const Piece& piece : pieces) {
    const bool special = piece.sequence < 0;
    if (special && !special_tokens) continue;
    const Tokens* tokens = special ? nullptr : piece.sequence == 0 ? &first : second;
    const std::vector<int32_t>& ids = special ? piece.ids : tokens->ids;
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.type_ids.insert(out.type_ids.end(), ids.size(), piece.type_id);
    out.special_tokens_mask.insert(out.special_tokens_mask.end(), ids.size(), special);
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

}  // namespace vecton
