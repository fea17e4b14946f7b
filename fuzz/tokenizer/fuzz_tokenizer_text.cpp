// Any bytes as a text for each kind of tokenizer: the first byte chooses one of tests/golden.
// Offsets lie inside the text, asking for them changes no id, and decoding bit by bit gives what
// decoding at once gives.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace {

std::vector<std::shared_ptr<const vecton::Tokenizer>> open_all() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(VECTON_GOLDEN_DIR)) {
    if (entry.path().filename().string().starts_with("tok-"))
      folders.push_back(entry.path() / "model");
  }
  std::sort(folders.begin(), folders.end());
  std::vector<std::shared_ptr<const vecton::Tokenizer>> tokenizers;
  for (const auto& folder : folders) tokenizers.push_back(vecton::Tokenizer::open(folder));
  return tokenizers;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizers = open_all();
  if (size == 0) return 0;
  const vecton::Tokenizer& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  vecton::EncodeOptions options;
  const vecton::Encoding plain = tokenizer.encode(text, options);
  options.offsets = true;
  const vecton::Encoding tracked = tokenizer.encode(text, options);
  require(plain.ids == tracked.ids && tracked.offsets.size() == tracked.ids.size());
  for (const auto& [begin, end] : tracked.offsets) require(begin <= end && end <= text.size());
  for (const auto& [begin, end] : tracked.char_offsets) require(begin <= end && end <= text.size());
  vecton::Detokenizer pieces(tokenizers[data[0] % tokenizers.size()], false);
  std::string together;
  for (const int32_t id : plain.ids) together += pieces.push(id);
  require(together + pieces.finish() == tokenizer.decode(plain.ids, false));
  options.truncation = vecton::EncodeOptions::Truncation::kLongestFirst;
  options.max_length = 8;
  require(tokenizer.encode(text, text, options).ids.size() <= 8);
  return 0;
}
