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

void PostProcessor::trim_offsets(Tokens& tokens, const Vocabulary& vocabulary) const {
  constexpr std::string_view kSpace = "\u0120";  // how byte-level tokens spell a space
  for (const Trim& trim : trims_) {
    for (size_t i = 0; i < tokens.ids.size(); ++i) {
      std::string_view token = vocabulary.token(tokens.ids[i]);
      uint32_t leading = 0, trailing = 0;
      for (; token.substr(leading * kSpace.size()).starts_with(kSpace); ++leading) {
      }
      for (; token.size() >= (trailing + 1) * kSpace.size() &&
             token.substr(0, token.size() - trailing * kSpace.size()).ends_with(kSpace);
           ++trailing) {
      }
      Span& span = tokens.spans[i];
      const bool first = i == 0 || span.begin == 0;
      if (first && trim.prefix_space && leading == 1) leading = 0;
      span.begin = std::min(span.begin + leading, span.end);
      if (trailing > 0 && span.end >= trailing)
        span.end = std::max(span.end - trailing, span.begin);
    }
  }
}

}  // namespace vecton
