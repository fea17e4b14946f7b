#include "cli/csv.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/failure.h"

namespace vecton::cli {
namespace {

using Fields = std::vector<std::string>;

class CsvTest : public testing::Test {
 protected:
  ~CsvTest() override { ::close(fd_); }

  std::vector<Fields> read(const std::string& text) {
    EXPECT_EQ(::ftruncate(fd_, 0), 0);
    EXPECT_EQ(::pwrite(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    ByteSource source(path_);
    CsvReader reader(source);
    std::vector<Fields> records;
    lines_.clear();
    Fields fields;
    int64_t line = 0;
    while (reader.next(fields, line)) {
      records.push_back(fields);
      lines_.push_back(line);
    }
    return records;
  }

  std::string error(const std::string& text) {
    try {
      read(text);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::kInput);
      return failure.what();
    }
    return "";
  }

  int fd_ = ::memfd_create("table", MFD_CLOEXEC);
  std::string path_ = "/proc/self/fd/" + std::to_string(fd_);
  std::vector<int64_t> lines_;
};

TEST_F(CsvTest, PlainFields) {
  EXPECT_EQ(read("a,b\n1,2\n"), (std::vector<Fields>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read("a,b\r\n1,2"), (std::vector<Fields>{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read(",\n"), (std::vector<Fields>{{"", ""}}));
  EXPECT_EQ(read(""), std::vector<Fields>{});
  EXPECT_EQ(read("\xef\xbb\xbf"), std::vector<Fields>{});
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a\n"),
            (std::vector<Fields>{{"a"}}));
}

TEST_F(CsvTest, QuotedFieldsHoldAnything) {
  EXPECT_EQ(read("\"a,b\",\"c\nd\"\n\"e\"\"f\",\"\"\r\n"),
            (std::vector<Fields>{{"a,b", "c\nd"}, {"e\"f", ""}}));
  EXPECT_EQ(lines_, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(read("a\"b,c\n"), (std::vector<Fields>{{"a\"b", "c"}}));
}

TEST_F(CsvTest, BlankLinesAreNoRecords) {
  EXPECT_EQ(read("a\n\n\r\nb\n\n"), (std::vector<Fields>{{"a"}, {"b"}}));
  EXPECT_EQ(lines_, (std::vector<int64_t>{1, 4}));
}

TEST_F(CsvTest, AQuotedEmptyFieldIsARecord) {
  EXPECT_EQ(read("text\n\"\"\nb\n"), (std::vector<Fields>{{"text"}, {""}, {"b"}}));
}

TEST_F(CsvTest, ErrorsNameTheLine) {
  EXPECT_NE(error("a\nb,\"c\nd\n").find(":2: a quote is opened"), std::string::npos);
  EXPECT_NE(error("a\n\"b\"c\n").find(":2: text follows"), std::string::npos);
}

TEST_F(CsvTest, WrittenFieldsReadBack) {
  for (const std::string field : {"plain", "a,b", "say \"x\"", "two\nlines", "cr\r", ""}) {
    std::string line = "x,";
    append_csv_field(line, field);
    EXPECT_EQ(read(line + "\n"), (std::vector<Fields>{{"x", field}}));
  }
}

TEST_F(CsvTest, AnyBytesAreReadOrRefused) {
  const std::string alphabet = "a,\"\n\r\xff";
  for (int code = 0; code < 6 * 6 * 6 * 6 * 6; ++code) {
    std::string text;
    for (int i = 0, rest = code; i < 5; ++i, rest /= 6)
      text += alphabet[static_cast<size_t>(rest % 6)];
    try {
      read(text);
    } catch (const Failure&) {
    }
  }
}

}  // namespace
}  // namespace vecton::cli
