// Whole converted folders against those that mlx_embeddings.convert and mlx_lm.convert wrote.
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <set>

#include "base/temporary_folder.h"
#include "checkpoint/weight_files.h"
#include "convert/convert.h"
#include "fixture.h"
#include "vecton/error.h"

namespace vecton::golden {
namespace {

namespace fs = std::filesystem;

std::string hash_of(std::span<const std::byte> bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string text;
  for (int i = 0; i < 8; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    text += two;
  }
  return text;
}

const char* code_of(tensor::DType type) {
  switch (type) {
    case tensor::DType::kF32:
      return "F32";
    case tensor::DType::kF16:
      return "F16";
    case tensor::DType::kBF16:
      return "BF16";
    case tensor::DType::kU32:
      return "U32";
    case tensor::DType::kU8:
      return "U8";
    default:
      return "another";
  }
}

// The command line of one of MLX's converters; nothing where argparse itself refuses it.
std::optional<convert::ConvertOptions> options_of(const json::value& input, const fs::path& from,
                                                  const fs::path& to) {
  convert::ConvertOptions options;
  options.model = from;
  options.target = to;
  options.layout = input.at("tool").as_string() == "mlx_lm" ? "mlx-lm" : "mlx-embeddings";
  const json::array& arguments = input.at("argv").as_array();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string name(arguments[i].as_string());
    const auto value = [&] { return std::string(arguments.at(++i).as_string()); };
    const auto number = [&]() -> std::optional<int64_t> {
      const std::string text = value();
      return text.find_first_not_of("0123456789") == text.npos
                 ? std::optional<int64_t>(std::stoll(text))
                 : std::nullopt;
    };
    if (name == "--hf-path" || name == "--mlx-path") {
      value();
    } else if (name == "-q") {
      options.quantize = true;
    } else if (name == "-d") {
      options.dequantize = true;
    } else if (name == "--dtype") {
      options.dtype = value();
    } else if (name == "--q-mode") {
      options.mode = value();
    } else if (name == "--quant-predicate") {
      options.recipe = value();
    } else if (name == "--q-bits") {
      options.bits = number();
      if (!options.bits) return std::nullopt;
    } else if (name == "--q-group-size") {
      options.group_size = number();
    } else {
      return std::nullopt;
    }
  }
  return options;
}

// What mlx_embeddings fails on and this does: the modes' own defaults, and -d of every mode.
bool is_more_than_mlx(const json::value& error) {
  const std::string message(error.at("message").as_string());
  const bool default_group = message.find("quantization requires group size") != message.npos &&
                             message.ends_with("but got 64.");
  return default_group || message.find("Biases must be provided") != message.npos ||
         message.find("parameters not in model") != message.npos;
}

class ConvertGolden : public ::testing::TestWithParam<std::string> {
 protected:
  base::TemporaryFolder folder_;
};

void check_tensors(const json::object& expected, const fs::path& folder) {
  const auto tensors = checkpoint::read_checkpoint(folder);
  std::set<std::string> names, expected_names;
  for (const auto& [name, tensor] : tensors) names.insert(name);
  for (const auto& [name, facts] : expected) expected_names.insert(std::string(name));
  EXPECT_EQ(names, expected_names);
  for (const auto& [name, facts] : expected) {
    const auto place = tensors.find(std::string(name));
    if (place == tensors.end()) continue;
    SCOPED_TRACE(place->first);
    EXPECT_EQ(code_of(place->second.dtype), facts.at("dtype").as_string());
    EXPECT_EQ(json::value_from(place->second.shape), facts.at("shape"));
    EXPECT_EQ(hash_of(place->second.bytes), facts.at("sha256").as_string());
  }
}

TEST_P(ConvertGolden, FoldersAreThose) {
  const Fixture fixture(GetParam());
  int compared = 0;
  for (const json::value& c : fixture.cases()) {
    const json::value& input = c.at("input");
    const std::string label(input.at("label").as_string());
    SCOPED_TRACE(label);
    fs::path from = fixture.model();
    if (const json::value* source = input.as_object().if_contains("source")) {
      const std::string text(source->as_string());
      from = folder_.path() / text.substr(text.rfind(' ') + 1);
    }
    const fs::path to = folder_.path() / label;
    const json::object& expect = c.at("expect").as_object();
    const std::optional<convert::ConvertOptions> options = options_of(input, from, to);
    if (const json::value* error = expect.if_contains("error")) {
      if (!options) continue;  // of the command line alone
      if (is_more_than_mlx(*error)) {
        EXPECT_NO_THROW(convert::convert_model(*options));
      } else {
        if (label.find("exist") != label.npos) fs::create_directories(to / "something");
        EXPECT_THROW(convert::convert_model(*options), Error);
      }
      continue;
    }
    ASSERT_TRUE(options);
    convert::convert_model(*options);
    check_tensors(expect.at("tensors").as_object(), to);
    json::object config = base::read_json(to / "config.json").as_object();
    json::object expected_config = expect.at("config").as_object();
    if (options->dequantize) {  // which mlx_embeddings leaves behind
      expected_config.erase("quantization");
      EXPECT_FALSE(config.contains("quantization"));
    }
    EXPECT_EQ(config, expected_config);
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(to))
      files.push_back(entry.path().filename().string());
    std::ranges::sort(files);
    EXPECT_EQ(json::value_from(files), expect.at("files"));
    const json::value index = base::read_json(to / "model.safetensors.index.json");
    if (!options->dequantize) {  // mlx_embeddings copies that of the source over its own
      EXPECT_EQ(index.at("metadata"), expect.at("index").at("metadata"));
    }
    ++compared;
  }
  EXPECT_GT(compared, 5);
}

INSTANTIATE_TEST_SUITE_P(Golden, ConvertGolden, ::testing::ValuesIn(fixtures_with({"convert"})),
                         test_name);

}  // namespace
}  // namespace vecton::golden
