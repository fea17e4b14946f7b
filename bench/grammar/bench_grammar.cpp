// How long a schema takes until its first mask, and a mask of a tokenizer's vocabulary.
//
//   bench_grammar FOLDER LINES    LINES: JSON {"json": schema, "texts": [documents]}
//                                 (tests/python/grammar_differential_test.py writes such lines)
//
// Each document is read token by token as the tokenizer cuts it, with a mask before each. Every
// schema is new. Prints one JSON object; times are of the processor's clock of this thread.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "grammar/structured_output.h"
#include "tokenizer/token_bytes.h"
#include "vecton/error.h"

namespace {

namespace json = vecton::json;
using namespace vecton::grammar;

double microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

void print(const char* name, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double t : times) sum += t;
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf(
      ", \"%s_us\": {\"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}",
      name, sum / static_cast<double>(times.size()), at(0.5), at(0.9), at(0.99), at(1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER LINES\n", argv[0]);
    return 2;
  }
  try {
    const auto tokenizer = vecton::Tokenizer::open(argv[1]);
    std::vector<std::string> tokens;
    for (const auto& [bytes, special] : vecton::tokenizer::token_bytes(*tokenizer))
      tokens.push_back(special ? special_token_bytes(bytes) : bytes);
    double start = microseconds();
    const auto trie = std::make_shared<const TokenTrie>(std::move(tokens));
    const double trie_time = microseconds() - start;
    std::vector<uint64_t> allowed((static_cast<size_t>(trie->size()) + 63) / 64);
    std::vector<double> compile, first, mask, accept;
    size_t refused = 0, not_taken = 0;
    std::ifstream in(argv[2]);
    for (std::string text; std::getline(in, text);) {
      const json::value line = vecton::base::parse_json(text, argv[2]);
      const std::string schema = json::serialize(line.at("json"));
      start = microseconds();
      std::shared_ptr<const CompiledGrammar> grammar;
      try {
        grammar = std::make_shared<const CompiledGrammar>(trie, [&schema] {
          Grammar made;
          const Symbol root = json_schema(made, schema, {});
          return finished(std::move(made), root, "schema");
        });
      } catch (const vecton::Error&) {
        ++refused;
        continue;
      }
      compile.push_back(microseconds() - start);
      bool begun = false;
      for (const json::value& document : line.at("texts").as_array()) {
        Constraint constraint(grammar);
        for (const int32_t id :
             tokenizer->encode(document.as_string(), {.add_special_tokens = false}).ids) {
          start = microseconds();
          constraint.mask(allowed);
          const double masked = microseconds();
          mask.push_back(masked - start);
          if (!begun) first.push_back(compile.back() + mask.back());
          begun = true;
          const bool taken = constraint.accept(id);
          accept.push_back(microseconds() - masked);
          if (taken) continue;
          ++not_taken;
          break;
        }
      }
    }
    std::printf(
        "{\"vocabulary\": %lld, \"trie_ms\": %.1f, \"schemas\": %zu, \"refused\": %zu, "
        "\"not_taken\": %zu, \"masks\": %zu",
        static_cast<long long>(trie->size()), trie_time / 1e3, compile.size(), refused, not_taken,
        mask.size());
    print("compile", compile);
    print("first_mask", first);
    print("mask", mask);
    print("accept", accept);
    std::printf("}\n");
  } catch (const vecton::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
