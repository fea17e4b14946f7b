// Preparer: a Request to a Sequence: its prompt, its token ids, its limits. Immutable and
// thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/sequence.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton {

class Preparer {
 public:
  Preparer(const Plan& plan, std::shared_ptr<const Tokenizer> tokenizer);

  // Errors name the field of the request; `where` comes before the message ("input[3]: ").
  Sequence prepare(const Request& request, const std::string& where) const;

 private:
  std::string prompt_of(const Request& request) const;
  int64_t max_tokens(const Request& request) const;
  void set_text(const Request& request, const std::string& text, Sequence& sequence) const;
  void set_ids(const Request& request, const std::vector<int32_t>& ids, Sequence& sequence) const;
  void set_dimensions(const Request& request, Sequence& sequence) const;

  const Plan& plan_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace vecton
