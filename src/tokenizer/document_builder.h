// DocumentBuilder: puts together the tokenizer.json that a folder of older files stands for, so
// that there is one pipeline for all. Used while a tokenizer is loaded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "tokenizer/merge_rules.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/vocabulary.h"

namespace vecton::tokenizer {

class DocumentBuilder {
 public:
  using ScoredToken = std::pair<std::string, double>;

  // `file` begins the messages of errors.
  DocumentBuilder(std::string file, json::storage_ptr memory)
      : file_(std::move(file)), memory_(std::move(memory)), document_(memory_) {}

  const std::string& file() const { return file_; }

  // The model. `options` is the rest of its JSON: R"({"type":"BPE","fuse_unk":true})".
  void set_model(std::string_view options,
                 const std::vector<std::pair<std::string, int32_t>>& vocab);
  void set_merges(const MergeRules& merges);
  void set_unigram(std::string_view options, const std::vector<ScoredToken>& vocab);
  // "normalizer", "pre_tokenizer", "decoder": a step, or several as a sequence.
  void set_normalizer(const std::vector<std::string>& steps) {
    set_steps("normalizer", "normalizers", steps);
  }
  void set_pre_tokenizer(const std::vector<std::string>& steps) {
    set_steps("pre_tokenizer", "pretokenizers", steps);
  }
  void set_decoder(const std::vector<std::string>& steps) {
    set_steps("decoder", "decoders", steps);
  }

  // Adds tokens in order; those that the vocabulary lacks follow it.
  void add_tokens(const std::vector<AddedToken>& tokens);
  const std::vector<AddedToken>& added_tokens() const { return added_; }
  bool has(std::string_view token) const;

  void set_post_processor(json::value processor);
  json::value finish();

 private:
  void set_steps(std::string_view part, std::string_view list,
                 const std::vector<std::string>& steps);
  json::value parse(std::string_view text) const { return base::parse_json(text, file_, memory_); }

  std::string file_;
  json::storage_ptr memory_;
  json::object document_;
  Vocabulary vocabulary_;
  std::vector<AddedToken> added_;
};

// A text as a JSON string, quotes included.
std::string json_text(std::string_view text);

}  // namespace vecton::tokenizer
