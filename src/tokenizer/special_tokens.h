// SpecialTokens: what tokenizer_config.json, special_tokens_map.json and added_tokens.json say of
// tokens beside the vocabulary. Used while a tokenizer is loaded.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/added_token.h"

namespace vecton::tokenizer {

class SpecialTokens {
 public:
  struct Named {
    std::string name;  // "bos_token", ...
    AddedToken token;
    bool bare = false;  // the files give its content alone
  };

  // Reads tokenizer_config.json. The other two files count only where it has no
  // "added_tokens_decoder"; their fields may be null.
  void read(const Field& config, const Field& map, const Field& added);

  // The token of a name, or nullptr.
  const AddedToken* find(std::string_view name) const;
  bool is_named(std::string_view content) const;  // some name has it
  std::span<const Named> named() const { return named_; }
  std::span<const AddedToken> extra() const { return extra_; }
  // Tokens that a file gives with an id, by their ids.
  std::span<const std::pair<int64_t, AddedToken>> numbered() const { return numbered_; }
  bool has_extra() const { return has_extra_; }  // a file lists extra tokens

  // A class of tokenizers knows names and extra tokens that the files leave out, and how a token is
  // matched of which they give the content alone.
  void set_default(std::string_view name, AddedToken token);
  void add_extra(AddedToken token);

  // The tokens to be added, in order, to those that the pipeline has already: numbered ones that
  // differ, named ones and extra ones that are missing. Of equal contents the last one counts.
  std::vector<AddedToken> missing(std::span<const AddedToken> existing) const;

 private:
  void read_numbered(const Field& decoder);
  void read_map(const Field& map);
  void read_added(const Field& added);
  void read_named(const Field& root, std::string_view key, const Field& value);
  void set(std::string_view name, AddedToken token, bool bare);
  const AddedToken* find_numbered(std::string_view content) const;

  std::vector<Named> named_;
  std::vector<std::string> unset_;  // names that a file sets to null
  std::vector<AddedToken> extra_;
  std::vector<std::pair<int64_t, AddedToken>> numbered_;
  bool has_extra_ = false;
};

}  // namespace vecton::tokenizer
