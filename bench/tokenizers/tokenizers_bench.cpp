// How fast a checkpoint's tokenizer loads and encodes, on one thread.
//
//   tokenizers_bench FOLDER TEXTS     TEXTS: JSON lines, strings or objects with "text"
//
// Prints one JSON object. peer.py prints the same for the Hugging Face tokenizers package. Times
// are of the processor, not of the clock, so that a busy machine changes them little.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "base/json.h"
#include "vecton/tokenizer.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

std::vector<std::string> read_texts(const char* file) {
  std::vector<std::string> texts;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const vecton::json::value value = vecton::base::parse_json(line, file);
    texts.emplace_back(value.is_string() ? value.as_string() : value.at("text").as_string());
  }
  return texts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER TEXTS\n", argv[0]);
    return 2;
  }
  const std::vector<std::string> texts = read_texts(argv[2]);
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();

  const double before = resident_megabytes();
  double load = std::numeric_limits<double>::infinity();
  std::shared_ptr<const vecton::Tokenizer> tokenizer;
  for (int i = 0; i < 5; ++i) {
    tokenizer.reset();
    const double start = cpu_seconds();
    tokenizer = vecton::Tokenizer::open(argv[1]);
    load = std::min(load, cpu_seconds() - start);
  }
  const double memory = resident_megabytes() - before;

  double best = std::numeric_limits<double>::infinity();
  size_t tokens = 0;
  const double end = cpu_seconds() + 5;
  while (cpu_seconds() < end) {
    tokens = 0;
    const double start = cpu_seconds();
    for (const std::string& text : texts) tokens += tokenizer->encode(text).ids.size();
    best = std::min(best, cpu_seconds() - start);
  }
  std::printf(
      "{\"load_ms\": %.2f, \"memory_mb\": %.1f, \"texts\": %zu, \"tokens\": %zu, \"mb_per_s\": "
      "%.2f, "
      "\"mtokens_per_s\": %.3f}\n",
      load * 1e3, memory, texts.size(), tokens, static_cast<double>(bytes) / best / 1e6,
      static_cast<double>(tokens) / best / 1e6);
}
