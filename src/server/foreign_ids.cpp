#include "server/foreign_ids.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace vecton::server {

namespace {

constexpr size_t kLooked = 64;      // ids of the beginning that are looked at
constexpr size_t kTooFew = 2;       // fewer say nothing
constexpr double kBareShare = 0.9;  // of ids that must come back where no special token is there
constexpr double kShare = 0.5;      // where one is

// Ids that both have, each as often as it stands in both.
size_t common(std::span<const int32_t> a, std::span<const int32_t> b) {
  std::unordered_map<int32_t, size_t> left;
  for (const int32_t id : b) ++left[id];
  return static_cast<size_t>(std::count_if(a.begin(), a.end(), [&](int32_t id) {
    const auto found = left.find(id);
    return found != left.end() && found->second > 0 && found->second-- > 0;
  }));
}

}  // namespace

bool are_foreign(const Tokenizer& tokenizer, std::span<const int32_t> all) {
  const std::vector<int32_t> special = tokenizer.encode("").ids;
  const auto is_special = [&](int32_t id) {
    return std::find(special.begin(), special.end(), id) != special.end();
  };
  std::vector<int32_t> ids;
  for (const int32_t id : all.first(std::min(all.size(), kLooked))) {
    if (id < 0 || id >= tokenizer.vocab_size()) return true;
    if (!is_special(id)) ids.push_back(id);
  }
  if (ids.size() < kTooFew) return false;
  const bool bare = ids.size() == std::min(all.size(), kLooked);
  const std::string text = tokenizer.decode(ids, true);
  const std::vector<int32_t> again = tokenizer.encode(text, {.add_special_tokens = false}).ids;
  const double share = static_cast<double>(common(ids, again)) / static_cast<double>(ids.size());
  return share < (bare ? kBareShare : kShare);
}

void warn_of_foreign_ids(CallPlan& plan, const Tokenizer& tokenizer) {
  if (plan.requests.empty()) return;
  const Request& request = plan.requests.front();
  const auto* ids = std::get_if<std::vector<int32_t>>(&request.prompt.input);
  // Random ids measure how fast a model generates, and what it writes after them harms nobody.
  if (!ids || std::holds_alternative<Generate>(request.task) || !are_foreign(tokenizer, *ids))
    return;
  plan.warnings.push_back(
      std::string("the input is token ids that do not look like this model's: the vectors may mean "
                  "nothing; ") +
      kSendText);
}

}  // namespace vecton::server
