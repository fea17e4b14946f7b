// Any bytes as the file of --config: options, or a Failure that names the file.
//
//   fuzz_yaml_config -max_len=2048 -dict=fuzz/yaml_config/dictionary fuzz/yaml_config/corpus
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cli/failure.h"
#include "cli/yaml_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                            ("vecton-fuzz-" + std::to_string(::getpid()) + ".yaml");
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const vecton::cli::Arguments options = vecton::cli::read_yaml_options(file);
    // A list gives its option once for each item, so that no file makes more than it has bytes.
    if (options.size() > 2 * size) std::abort();
    if (!options.empty() && !options.front().starts_with("--")) std::abort();
  } catch (const vecton::cli::Failure& failure) {
    if (std::string(failure.what()).find(file.string()) == std::string::npos) std::abort();
  }
  return 0;
}
