// What commands write: rows of vectors in every format, bars, numbers, hashes, members of JSON, and
// the words about names that there are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "cli/bar.h"
#include "cli/byte_source.h"
#include "cli/dotted_json.h"
#include "cli/failure.h"
#include "cli/fingerprint.h"
#include "cli/json_text.h"
#include "cli/svg.h"
#include "cli/usage.h"
#include "cli/vector_format.h"

namespace vecton::cli {
namespace {

using ::testing::HasSubstr;

const std::vector<float> kRow = {0.5f, -1, 1e-7f};

std::string written(const FormatOptions& options, const Record& record,
                    const std::vector<float>& row = kRow) {
  std::string out;
  vector_format(options)->append(out, 3, record, row);
  return out;
}

TEST(VectorFormat, JsonLinesAreObjects) {
  EXPECT_EQ(written({.format = "jsonl"}, {.input = "a text"}),
            "{\"index\": 3, \"embedding\": [0.5, -1.0, 1e-07]}\n");
  EXPECT_EQ(written({.format = "jsonl"}, {.input = "a", .id = "x\"y"}),
            "{\"index\": 3, \"id\": \"x\\\"y\", \"embedding\": [0.5, -1.0, 1e-07]}\n");
  EXPECT_EQ(written({.format = "jsonl", .with_text = true}, {.input = "a\nb"}),
            "{\"index\": 3, \"text\": \"a\\nb\", \"embedding\": [0.5, -1.0, 1e-07]}\n");
  EXPECT_EQ(written({.format = "jsonl"}, {.input = "a"}, {}),
            "{\"index\": 3, \"embedding\": []}\n");
}

TEST(VectorFormat, TokenIdsHaveNoText) {
  const Record ids{.input = std::vector<int32_t>{1, 2}};
  EXPECT_EQ(written({.format = "jsonl", .with_text = true}, ids, {1}),
            "{\"index\": 3, \"embedding\": [1.0]}\n");
  EXPECT_EQ(written({.format = "csv", .with_text = true}, ids, {1}), "3,,1.0\n");
}

TEST(VectorFormat, CsvHasAHeadAndQuotedTexts) {
  EXPECT_EQ(vector_format({.format = "csv"})->head(9, 2), "index,embedding_0,embedding_1\n");
  EXPECT_EQ(vector_format({.format = "csv", .with_text = true})->head(9, 1),
            "index,text,embedding_0\n");
  EXPECT_EQ(vector_format({.format = "csv"})->head(9, 0), "index\n");
  EXPECT_EQ(written({.format = "csv"}, {.input = "a"}), "3,0.5,-1.0,1e-07\n");
  EXPECT_EQ(written({.format = "csv", .with_text = true}, {.input = "a,\"b\"\nc"}, {2}),
            "3,\"a,\"\"b\"\"\nc\",2.0\n");
}

TEST(VectorFormat, ArraysAreTheNumbersThemselves) {
  for (const char* format : {"npy", "safetensors"}) {
    const std::string bytes = written({.format = format}, {.input = "a"});
    ASSERT_EQ(bytes.size(), 12u);
    EXPECT_EQ(std::memcmp(bytes.data(), kRow.data(), 12), 0) << format;
    EXPECT_TRUE(vector_format({.format = format})->needs_file());
    EXPECT_EQ(vector_format({.format = format})->head(1, 3).size(),
              vector_format({.format = format})->head(1'000'000'000, 3).size());
  }
  EXPECT_THAT(vector_format({.format = "safetensors", .model = "m/n"})->head(2, 3),
              HasSubstr("\"m/n\""));
  for (const char* format : {"jsonl", "csv"})
    EXPECT_FALSE(vector_format({.format = format})->needs_file()) << format;
}

TEST(VectorFormat, IsTheOptionsOrTheNamesEnding) {
  EXPECT_EQ(vector_format_name("npy", "x.csv"), "npy");
  for (const char* path : {"", "-", "x", "x.jsonl", "x.NDJSON", "a.b/x"})
    EXPECT_EQ(vector_format_name("", path), "jsonl") << path;
  EXPECT_EQ(vector_format_name("", "x.CSV"), "csv");
  EXPECT_EQ(vector_format_name("", "a.csv.npy"), "npy");
  EXPECT_EQ(vector_format_name("", "/tmp/x.safetensors"), "safetensors");
  try {
    vector_format_name("", "out/x.parquet");
    ADD_FAILURE() << "no error";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kUsage);
    EXPECT_THAT(failure.what(), HasSubstr("out/x.parquet"));
    EXPECT_THAT(failure.what(), HasSubstr("\".parquet\""));
    EXPECT_THAT(failure.what(), HasSubstr("jsonl, npy, safetensors or csv"));
  }
}

// Eighths of a column: a share of 0.3 of five columns is 12 of 40 eighths.
TEST(Bar, IsDrawnInEighths) {
  EXPECT_EQ(bar(0, 5), "     ");
  EXPECT_EQ(bar(1, 5), "█████");
  EXPECT_EQ(bar(0.3, 5), "█▌   ");
  EXPECT_EQ(bar(0.5, 1), "▌");
  EXPECT_EQ(bar(1 / 8.0, 1), "▏");
  EXPECT_EQ(bar(7 / 8.0, 1), "▉");
  EXPECT_EQ(bar(0.999, 4), "████");  // rounded
  EXPECT_EQ(bar(0.5, 0), "");
}

TEST(Bar, SharesOutsideAreTheEnds) {
  EXPECT_EQ(bar(-3, 2), "  ");
  EXPECT_EQ(bar(7, 2), "██");
}

// Digits as Python's repr of numpy.float32 has them.
TEST(AppendNumber, WritesTheShortestDigits) {
  const auto text = [](auto value) {
    std::string out;
    append_number(out, value);
    return out;
  };
  EXPECT_EQ(text(0.1f), "0.1");
  EXPECT_EQ(text(1 / 3.0f), "0.33333334");
  EXPECT_EQ(text(16777216.0f), "16777216.0");
  EXPECT_EQ(text(-0.0f), "-0.0");
  EXPECT_EQ(text(int32_t{-2147483647 - 1}), "-2147483648");
  EXPECT_EQ(text(int64_t{9223372036854775807}), "9223372036854775807");
}

TEST(AppendNumber, AnyFloatReadsBackAsItself) {
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    const uint32_t bits = random();
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    std::string text;
    append_number(text, value);
    ASSERT_EQ(std::strtof(text.c_str(), nullptr), value) << text;
  }
}

TEST(AppendJsonArray, SeparatesByCommas) {
  std::string out = "x";
  append_json_array(out, std::span<const int32_t>());
  EXPECT_EQ(out, "x[]");
  const int32_t ids[] = {1, -2, 3};
  append_json_array(out, std::span<const int32_t>(ids));
  EXPECT_EQ(out, "x[][1, -2, 3]");
}

// Test vectors of FNV-1a, 64 bits, from its authors' page.
TEST(Hash, IsFnv1a) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"", 0xcbf29ce484222325u}, {"a", 0xaf63dc4c8601ec8cu}, {"foobar", 0x85944171f73967e8u}};
  for (const auto& [text, expected] : cases) {
    Hash hash;
    hash.add(text);
    EXPECT_EQ(hash.value(), expected) << text;
  }
  Hash parts;
  parts.add("foo");
  parts.add("bar");
  EXPECT_EQ(parts.value(), 0x85944171f73967e8u);
}

uint64_t hash_of(const std::vector<Record>& records) {
  RecordHash hash;
  for (const Record& record : records) hash.add(record);
  return hash.value();
}

TEST(RecordHash, TellsRecordsApart) {
  const std::vector<std::vector<Record>> different = {
      {},
      {{.input = ""}},
      {{.input = "a"}},
      {{.input = "a"}, {.input = ""}},
      {{.input = "ab"}},
      {{.input = "a"}, {.input = "b"}},
      {{.input = "b"}, {.input = "a"}},
      {{.input = "a", .id = "b"}},
      {{.input = "a", .pair = "b"}},
      {{.input = "a", .id = ""}},
      {{.input = std::vector<int32_t>{1, 2}}},
      {{.input = std::vector<int32_t>{12}}},
      {{.input = "i1i2"}},
      {{.input = "a", .images = {{.source = "x.png"}}}},
      {{.input = "a", .images = {{.source = "y.png"}}}},
      {{.input = "a", .images = {{.source = "x.png"}, {.source = "y.png"}}}},
      {{.input = "a", .images = {{.source = "x.pngy.png"}}}},
      {{.input = "a", .images = {{.bytes = "x.png"}}}},
  };
  for (size_t i = 0; i < different.size(); ++i) {
    EXPECT_EQ(hash_of(different[i]), hash_of(different[i]));
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(hash_of(different[i]), hash_of(different[j])) << i << " and " << j;
  }
}

TEST(Fingerprint, IsOfNamesAndSizes) {
  const base::TemporaryFolder folder;
  const auto now = [&] { return fingerprint({folder.path()}); };
  const uint64_t nothing = now();
  folder.write("a", "1");
  const uint64_t one = now();
  EXPECT_NE(one, nothing);
  EXPECT_EQ(now(), one);
  folder.write("sub/b", "22");
  const uint64_t two = now();
  EXPECT_NE(two, one);
  folder.write("sub/b", "333");
  EXPECT_NE(now(), two);
}

TEST(Fingerprint, TellsFilesThatAreModelsApart) {
  const base::TemporaryFolder folder;
  const auto of = [&](const char* name) { return fingerprint({folder.path() / name}); };
  folder.write("a.gguf", "1");
  folder.write("b.gguf", "22");
  const uint64_t one = of("a.gguf");
  EXPECT_EQ(of("a.gguf"), one);
  EXPECT_NE(of("b.gguf"), one);
  folder.write("a.gguf", "333");
  EXPECT_NE(of("a.gguf"), one);
}

TEST(Fingerprint, IsOfAllThatAModelIsReadFrom) {
  const base::TemporaryFolder folder;
  folder.write("adapter/a", "1");
  folder.write("base/b", "2");
  const std::filesystem::path adapter = folder.path() / "adapter", base = folder.path() / "base";
  const uint64_t both = fingerprint({adapter, base});
  EXPECT_NE(fingerprint({adapter}), both);
  EXPECT_NE(fingerprint({base, adapter}), both);
  folder.write("base/b", "22");
  EXPECT_NE(fingerprint({adapter, base}), both);
}

TEST(Fingerprint, SaysWhatItCannotLookAt) {
  const base::TemporaryFolder folder;
  const std::filesystem::path missing = folder.path() / "none";
  try {
    fingerprint({missing});
    FAIL() << "a fingerprint of nothing";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kInput);
    EXPECT_NE(std::string(failure.what()).find(missing.string()), std::string::npos)
        << failure.what();
  }
}

TEST(Hex, HasSixteenDigits) {
  EXPECT_EQ(hex(0), "0000000000000000");
  EXPECT_EQ(hex(0xdeadbeef), "00000000deadbeef");
  EXPECT_EQ(hex(UINT64_MAX), "ffffffffffffffff");
}

std::string merged(const std::vector<std::pair<std::string, std::string>>& steps) {
  json::object object;
  for (const auto& [path, text] : steps) EXPECT_TRUE(merge_dotted(object, path, text)) << text;
  return json::serialize(object);
}

TEST(DottedJson, ValuesAreJsonOrNumbersOrStrings) {
  EXPECT_EQ(merged({{"a", "1"}}), R"({"a":1})");
  EXPECT_EQ(merged({{"a", "true"}, {"b", "null"}}), R"({"a":true,"b":null})");
  EXPECT_EQ(merged({{"a", "yarn"}}), R"({"a":"yarn"})");
  EXPECT_EQ(merged({{"a", "\"1\""}}), R"({"a":"1"})");
  EXPECT_EQ(merged({{"a", "[1, \"x\"]"}}), R"({"a":[1,"x"]})");
  EXPECT_EQ(merged({{"a", "8k"}}), R"({"a":8000})");
  EXPECT_EQ(merged({{"a", "8K"}}), R"({"a":8192})");
  EXPECT_EQ(merged({{"a", ""}}), R"({"a":""})");
}

TEST(DottedJson, PathsAreNested) {
  EXPECT_EQ(merged({{"a.b.c", "1"}, {"a.b.d", "2"}, {"a.e", "3"}}),
            R"({"a":{"b":{"c":1,"d":2},"e":3}})");
}

TEST(DottedJson, LaterValuesReplaceAndListsGrow) {
  EXPECT_EQ(merged({{"a", "1"}, {"a", "2"}}), R"({"a":2})");
  EXPECT_EQ(merged({{"a", "1"}, {"a.b", "2"}}), R"({"a":{"b":2}})");
  EXPECT_EQ(merged({{"a+", "x,y"}, {"a+", "z"}}), R"({"a":["x","y","z"]})");
  EXPECT_EQ(merged({{"a.b+", "x"}}), R"({"a":{"b":["x"]}})");
}

TEST(DottedJson, WholeObjectsAreLaidOver) {
  EXPECT_EQ(merged({{"a.b", "1"}, {"", R"({"a": {"c": 2}, "d": 3})"}}),
            R"({"a":{"b":1,"c":2},"d":3})");
  json::object object;
  for (const char* text : {"", "1", "[1]", "{", "x"})
    EXPECT_FALSE(merge_dotted(object, "", text)) << text;
  EXPECT_TRUE(object.empty());
}

TEST(UnknownName, SuggestsTheNearest) {
  const std::vector<std::string> known = {"--port", "--host", "--served-model-name"};
  EXPECT_EQ(unknown_name("option", "--prot", known),
            "there is no option '--prot'; did you mean '--port'?");
  EXPECT_EQ(unknown_name("option", "--hosts", known),
            "there is no option '--hosts'; did you mean '--host'?");
  EXPECT_EQ(unknown_name("option", "--served-model", known), "there is no option '--served-model'");
  EXPECT_EQ(unknown_name("command", "embde", {"embed", "encode"}),
            "there is no command 'embde'; did you mean 'embed'?");
}

TEST(UnknownName, SaysNothingOfWhatIsFar) {
  EXPECT_EQ(unknown_name("option", "--x", {"--y"}), "there is no option '--x'");
  EXPECT_EQ(unknown_name("option", "--", {"--a"}), "there is no option '--'");
  EXPECT_EQ(unknown_name("option", "", {}), "there is no option ''");
}

class ByteSourceTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines(std::string_view content) {
    ByteSource source(folder_.write("input", content).string());
    std::vector<std::string> all;
    std::string line;
    while (source.read_line(line)) {
      all.push_back(line);
      EXPECT_EQ(source.line(), static_cast<int64_t>(all.size()));
    }
    EXPECT_LT(source.get(), 0);
    return all;
  }
  const base::TemporaryFolder folder_;
};

TEST_F(ByteSourceTest, LinesEndWithFeedsOrReturnsAndFeeds) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines(""), Lines{});
  EXPECT_EQ(lines("a"), Lines{"a"});
  EXPECT_EQ(lines("a\n"), Lines{"a"});
  EXPECT_EQ(lines("a\n\nb"), (Lines{"a", "", "b"}));
  EXPECT_EQ(lines("a\r\nb\r"), (Lines{"a", "b"}));
  EXPECT_EQ(lines("a\rb\n"), Lines{"a\rb"});
  EXPECT_EQ(lines("\n"), Lines{""});
}

TEST_F(ByteSourceTest, AByteOrderMarkAtTheBeginningIsNone) {
  EXPECT_EQ(lines("\xef\xbb\xbf"
                  "a"),
            std::vector<std::string>{"a"});
  EXPECT_EQ(lines("\xef\xbb\xbf"), std::vector<std::string>{});
  EXPECT_EQ(lines("a\n\xef\xbb\xbf"
                  "b"),
            (std::vector<std::string>{"a",
                                      "\xef\xbb\xbf"
                                      "b"}));
}

TEST_F(ByteSourceTest, LinesLongerThanTheBufferAreWhole) {
  const std::string line(600'000, 'x');
  EXPECT_EQ(lines(line + "\nb"), (std::vector<std::string>{line, "b"}));
}

TEST_F(ByteSourceTest, BytesAndShares) {
  ByteSource source(folder_.write("input", "ab\xff\n").string());
  EXPECT_EQ(source.share(), 0);
  EXPECT_EQ(source.peek(), 'a');
  EXPECT_EQ(source.get(), 'a');
  EXPECT_EQ(source.share(), 0.25);
  EXPECT_EQ(source.get(), 'b');
  EXPECT_EQ(source.get(), 0xff);
  EXPECT_EQ(source.get(), '\n');
  EXPECT_EQ(source.get(), -1);
  EXPECT_EQ(source.peek(), -1);
  EXPECT_EQ(source.share(), 1);
  EXPECT_TRUE(source.ready());
}

TEST_F(ByteSourceTest, AMissingFileIsNamed) {
  const std::string path = (folder_.path() / "none").string();
  try {
    ByteSource source(path);
    ADD_FAILURE() << "no error";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kInput);
    EXPECT_EQ(failure.what(), path + ": No such file or directory");
  }
}

TEST(SvgPicture, EscapesTextAndKeepsItsPlace) {
  const base::TemporaryFolder folder;
  Svg svg(20, 10, {255, 255, 255});
  svg.fill(1, 2, 3, 4, {1, 2, 255});
  svg.text(5, 6,
           "a<b>&\x01"
           "\xff",
           1, {0, 0, 0}, Picture::Align::kRight);
  svg.write(folder.path() / "x.svg");
  ByteSource source((folder.path() / "x.svg").string());
  std::string text;
  for (int byte; (byte = source.get()) >= 0;) text += static_cast<char>(byte);
  EXPECT_THAT(text, ::testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" "
                                          "height=\"10\" viewBox=\"0 0 20 10\""));
  EXPECT_THAT(text,
              HasSubstr("<rect x=\"0\" y=\"0\" width=\"20\" height=\"10\" fill=\"#ffffff\"/>"));
  EXPECT_THAT(text, HasSubstr("<rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" fill=\"#0102ff\"/>"));
  EXPECT_THAT(text,
              HasSubstr("x=\"5\" y=\"6\" font-size=\"11\" fill=\"#000000\" text-anchor=\"end\""));
  EXPECT_THAT(text, HasSubstr(">a&lt;b&gt;&amp;\ufffd\ufffd</text>"));
  EXPECT_THAT(text, ::testing::EndsWith("</svg>\n"));
  EXPECT_THROW(svg.write(folder.path() / "none/x.svg"), Failure);
}

}  // namespace
}  // namespace vecton::cli
