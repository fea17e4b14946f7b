#include "checkpoint/torch_file_zip.h"

#include "checkpoint/test_files.h"
#include "checkpoint/torch_test_files.h"

namespace vecton::checkpoint {
namespace {

using testing::little;
using testing::Zip;

// Names and bytes, in copies.
std::map<std::string, std::string> read(const std::string& file) {
  std::map<std::string, std::string> result;
  for (const auto& [name, bytes] : read_zip(std::as_bytes(std::span(file)), "m.pt")) {
    result.emplace(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  return result;
}
std::map<std::string, std::string> read(const Zip& zip) { return read(zip.bytes()); }

TEST(TorchFileZip, ReadsStoredEntries) {
  const std::map<std::string, std::string> expected{{"a/b", "hello"}, {"a/empty", ""}};
  EXPECT_EQ(read(Zip{{{"a/b", "hello"}, {"a/empty", ""}}}), expected);
  EXPECT_EQ(read(Zip{{{"a/b", "hello"}, {"a/empty", ""}}, true}), expected);
  EXPECT_TRUE(read(Zip{}).empty());
}

TEST(TorchFileZip, SkipsWhatPadsAnEntry) {
  Zip::Entry padded{"a", "data"};
  padded.extra = "FB" + little(2, 2) + "ZZ";
  padded.local_extra = "FB" + little(40, 2) + std::string(40, 'Z');
  EXPECT_EQ(read(Zip{{padded}}).at("a"), "data");
}

TEST(TorchFileZip, ReadsSizesBehindTheDataAndInZip64Fields) {
  Zip::Entry wide{"a", "data"};
  wide.stored = wide.size = 0xffffffff;
  wide.extra = little(7, 2) + little(1, 2) + "x" + little(1, 2) + little(16, 2) + little(4, 8) +
               little(4, 8);
  EXPECT_EQ(read(Zip{{wide}}).at("a"), "data");
  wide.extra = little(1, 2) + little(8, 2) + little(4, 8);
  EXPECT_REFUSED(read(Zip{{wide}}), ErrorCode::kCorrupt, "m.pt: entry \"a\": zip64 field",
                 "needs 8 bytes");
  wide.extra = "";
  EXPECT_REFUSED(read(Zip{{wide}}), ErrorCode::kCorrupt, "m.pt: entry \"a\"", "4294967295 bytes");

  // As torch writes: the local header has no sizes, they follow the data.
  Zip::Entry follows{"a", "data"};
  follows.flags = 0x808;
  std::string file = Zip{{follows}}.bytes();
  file.replace(18, 8, 8, '\0');
  EXPECT_EQ(read(file).at("a"), "data");
}

TEST(TorchFileZip, RefusesEveryTruncationAndExtension) {
  for (const bool zip64 : {false, true}) {
    const std::string file = Zip{{{"a", "data"}, {"b", "more"}}, zip64}.bytes();
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_REFUSED(read(file.substr(0, size)), ErrorCode::kCorrupt, "m.pt: ");
    EXPECT_REFUSED(read(file + "x"), ErrorCode::kCorrupt, "m.pt: ", "cut off");
    EXPECT_REFUSED(read(file.substr(1)), ErrorCode::kCorrupt, "m.pt: ");
  }
}

TEST(TorchFileZip, RefusesOtherKindsOfEntriesByName) {
  Zip::Entry entry{"a/data.pkl", "x"};
  entry.method = 8;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kUnsupported,
                 "m.pt: entry \"a/data.pkl\": is compressed (method 8)");
  entry.method = 0;
  entry.flags = 1;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kUnsupported, "\"a/data.pkl\"", "encrypted");
  entry.flags = 0;
  entry.disk = 1;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kUnsupported, "\"a/data.pkl\"", "another file");
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}}, .disk = 1}), ErrorCode::kUnsupported,
                 "several files");
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}}, .comment = "hi"}), ErrorCode::kCorrupt,
                 "comment");
}

TEST(TorchFileZip, RefusesEntriesThatContradictTheirHeaders) {
  Zip::Entry entry{"a", "data"};
  entry.local_name = "b";
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kCorrupt, "\"a\": local header", "differs");
  entry.local_name = "a";
  entry.stored = 3;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kCorrupt, "\"a\"", "another size");
  entry.stored = entry.size = 1000;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kCorrupt, "\"a\": local header: needs 1000");
  entry.stored = entry.size = 4;
  entry.moved = 1;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kCorrupt, "\"a\": local header");
  entry.moved = 1'000'000;
  EXPECT_REFUSED(read(Zip{{entry}}), ErrorCode::kCorrupt, "\"a\"", "after the end");

  std::string file = Zip{{{"a", "data"}}}.bytes();
  file[22] = 3;  // the size in the local header
  EXPECT_REFUSED(read(file), ErrorCode::kCorrupt, "\"a\": local header: differs");
}

TEST(TorchFileZip, RefusesEntriesThatAreThereTwiceOrOverlap) {
  EXPECT_REFUSED(read(Zip{{{"a", "x"}, {"a", "y"}}}), ErrorCode::kCorrupt, "\"a\": is there twice");
  // An entry within the data of another.
  const std::string inner =
      "PK\3\4" + little(0, 14) + little(1, 4) + little(1, 4) + little(1, 2) + little(0, 2) + "bx";
  Zip::Entry outer{"a", inner}, second{"b", "y"};
  second.moved = -static_cast<int64_t>(inner.size());
  EXPECT_REFUSED(read(Zip{{outer, second}}), ErrorCode::kCorrupt, "\"a\" and \"b\" overlap");
}

TEST(TorchFileZip, RefusesDirectoriesThatDoNotFit) {
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}}, .count_off = 1}), ErrorCode::kCorrupt,
                 "zip directory");
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}, {"b", "y"}}, .count_off = uint64_t(-1)}),
                 ErrorCode::kCorrupt, "zip directory: goes on");
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}}, .size_off = 1}), ErrorCode::kCorrupt,
                 "does not lie before the end");
  EXPECT_REFUSED(read(Zip{.entries = {{"a", "x"}}, .between = "?"}), ErrorCode::kCorrupt,
                 "does not lie before the end");
}

TEST(TorchFileZip, RefusesZip64RecordsThatContradictTheEnd) {
  const std::string good = Zip{{{"a", "x"}}, true}.bytes();
  const size_t record = good.find("PK\6\6"), locator = good.find("PK\6\7"), end = good.size() - 22;
  const auto changed = [&](size_t at, const std::string& bytes) {
    return std::string(good).replace(at, bytes.size(), bytes);
  };
  EXPECT_REFUSED(read(changed(locator, "QQ")), ErrorCode::kCorrupt, "has no zip64 records");
  EXPECT_REFUSED(read(changed(locator + 8, little(1, 8))), ErrorCode::kCorrupt,
                 "zip64 locator: does not name");
  EXPECT_REFUSED(read(changed(locator + 16, little(2, 4))), ErrorCode::kUnsupported,
                 "several files");
  EXPECT_REFUSED(read(changed(record, "QQ")), ErrorCode::kCorrupt, "zip64 end: is not");
  EXPECT_REFUSED(read(changed(end + 8, little(2, 2) + little(2, 2))), ErrorCode::kCorrupt,
                 "zip64 end: differs");
  EXPECT_REFUSED(read(changed(record + 40, little(~0ull, 8))), ErrorCode::kCorrupt,
                 "does not lie before the end");
}

TEST(TorchFileZip, EscapesHostileNames) {
  Zip::Entry entry{"\x1b[2J\xff" + std::string(1000, 'x'), "x"};
  entry.method = 8;
  const Error error = testing::error_of([&] { read(Zip{{entry}}); });
  EXPECT_LT(std::strlen(error.what()), 500u);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("\\u001b[2J?xxx"));
}

}  // namespace
}  // namespace vecton::checkpoint
