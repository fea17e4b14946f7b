// Names of a GGUF file's tensors, and what a checkpoint of the same architecture calls them and
// keeps in them. Called by gguf_tensors().
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecton::checkpoint {

// What makes a tensor what the checkpoint of its architecture has.
enum class GgufChange {
  kNone,
  kHeadRows,          // rows of queries: neighbours turn together, there columns half a head apart
  kKvHeadRows,        // the same of keys
  kMinusOne,          // 1 + w, where the checkpoint has w
  kTaps,              // [n, width], there [n, 1, width]
  kOneRow,            // [n], there [1, n]
  kLogOfMinus,        // -e^w, where the checkpoint has w
  kFirstMinusSecond,  // two rows, of yes and no; there their difference
  kAfterPadding       // rows of positions; the checkpoint has as many before as the padding token's
                      // number, and one more
};

struct GgufName {
  std::string name;  // empty: it says what config.json says, and is no parameter
  GgufChange change = GgufChange::kNone;
};

// None where the architecture has no place for it. `architecture` is the file's.
std::optional<GgufName> checkpoint_name(std::string_view architecture, std::string_view tensor);

}  // namespace vecton::checkpoint
