// Every tokenize and decode case of every fixture: ids, types and masks exactly.
#include <gtest/gtest.h>

#include "base/json.h"
#include "fixture.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::golden {

namespace {

class TokenizerGolden : public testing::TestWithParam<std::string> {};

std::string string_or(const json::object& object, std::string_view key, std::string_view fallback) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string(fallback);
}

int64_t integer_or(const json::object& object, std::string_view key, int64_t fallback) {
  const json::value* value = object.if_contains(key);
  return value && value->is_int64() ? value->as_int64() : fallback;
}

EncodeOptions::Side side(const std::string& name) {
  using Side = EncodeOptions::Side;
  return name == "left" ? Side::kLeft : name == "right" ? Side::kRight : Side::kTokenizer;
}

EncodeOptions options_of(const json::object& params) {
  EncodeOptions options;
  const json::value* special = params.if_contains("add_special_tokens");
  if (special) options.add_special_tokens = special->as_bool();
  const std::string truncation = string_or(params, "truncation", ""),
                    padding = string_or(params, "padding", "");
  if (truncation == "longest_first") options.truncation = EncodeOptions::Truncation::kLongestFirst;
  if (truncation == "only_first") options.truncation = EncodeOptions::Truncation::kOnlyFirst;
  if (truncation == "only_second") options.truncation = EncodeOptions::Truncation::kOnlySecond;
  if (padding == "longest") options.padding = EncodeOptions::Padding::kLongest;
  if (padding == "max_length") options.padding = EncodeOptions::Padding::kMaxLength;
  options.max_length = integer_or(params, "max_length", 0);
  options.pad_to_multiple_of = integer_or(params, "pad_to_multiple_of", 0);
  options.truncation_side = side(string_or(params, "truncation_side", ""));
  options.padding_side = side(string_or(params, "padding_side", ""));
  return options;
}

std::vector<int32_t> integers(const json::value& value) {
  std::vector<int32_t> out;
  for (const json::value& number : value.as_array())
    out.push_back(static_cast<int32_t>(number.as_int64()));
  return out;
}

// One row's numbers, or a list of rows.
void expect_rows(const json::object& expect, std::string_view key,
                 const std::vector<std::vector<int32_t>>& rows) {
  const json::value* want = expect.if_contains(key);
  if (!want) return;
  const bool many = !want->as_array().empty() && want->as_array()[0].is_array();
  if (!many) {
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0], integers(*want)) << key;
    return;
  }
  ASSERT_EQ(rows.size(), want->as_array().size());
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i], integers(want->as_array()[i])) << key << " of row " << i;
}

void check_tokenize(const Tokenizer& tokenizer, const json::object& item) {
  const json::object& input = item.at("input").as_object();
  const json::object& expect = item.at("expect").as_object();
  const json::value* stated = item.if_contains("params");
  const json::object params = stated && stated->is_object() ? stated->as_object() : json::object();
  std::vector<std::string> texts, pairs;
  if (const json::value* text = input.if_contains("text")) texts.emplace_back(text->as_string());
  if (const json::value* many = input.if_contains("texts")) {
    for (const json::value& text : many->as_array()) texts.emplace_back(text.as_string());
  }
  if (const json::value* pair = input.if_contains("pair")) pairs.emplace_back(pair->as_string());
  EncodeOptions options = options_of(params);
  const auto encode = [&](std::vector<int32_t> Encoding::*part) {
    std::vector<std::vector<int32_t>> rows;
    for (Encoding& row : tokenizer.encode_batch(texts, pairs, options))
      rows.push_back(std::move(row.*part));
    return rows;
  };
  expect_rows(expect, "input_ids", encode(&Encoding::ids));
  expect_rows(expect, "token_type_ids", encode(&Encoding::type_ids));
  expect_rows(expect, "attention_mask", encode(&Encoding::attention_mask));
  options.truncation = EncodeOptions::Truncation::kLongestFirst;
  if (expect.contains("input_ids_truncated"))
    expect_rows(expect, "input_ids_truncated", encode(&Encoding::ids));
  options.padding = EncodeOptions::Padding::kMaxLength;
  if (expect.contains("input_ids_padded"))
    expect_rows(expect, "input_ids_padded", encode(&Encoding::ids));
  options = options_of(params);
  options.add_special_tokens = false;
  if (expect.contains("input_ids_no_special"))
    expect_rows(expect, "input_ids_no_special", encode(&Encoding::ids));
}

void check_decode(const Tokenizer& tokenizer, const json::object& item) {
  const std::vector<int32_t> ids = integers(item.at("input").at("ids"));
  const json::object& expect = item.at("expect").as_object();
  if (const json::value* text = expect.if_contains("text")) {
    EXPECT_EQ(tokenizer.decode(ids), text->as_string());
  }
  if (const json::value* text = expect.if_contains("text_skip_special")) {
    EXPECT_EQ(tokenizer.decode(ids, true), text->as_string());
  }
}

TEST_P(TokenizerGolden, GivesTheReferencesIdsAndTexts) {
  const Fixture fixture(GetParam());
  const auto tokenizer = Tokenizer::open(fixture.model());
  for (const json::value& value : fixture.cases()) {
    const json::object& item = value.as_object();
    SCOPED_TRACE(std::string(item.at("id").as_string()));
    const json::object& input = item.at("input").as_object();
    if (item.at("task").as_string() == "decode") check_decode(*tokenizer, item);
    const bool has_text = input.contains("text") || input.contains("texts");
    if (item.at("task").as_string() == "tokenize" && has_text) check_tokenize(*tokenizer, item);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, TokenizerGolden,
                         testing::ValuesIn(fixtures_with({"tokenize", "decode"})), test_name);

}  // namespace

}  // namespace vecton::golden
