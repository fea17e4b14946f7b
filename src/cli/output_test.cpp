// Where results go: descriptors, files that are whole or not there, files of tensors; and how they
// look on a terminal.
#include "cli/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/temporary_folder.h"
#include "cli/answers.h"
#include "cli/bar.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/progress.h"
#include "cli/tensor_spool.h"
#include "cli/terminal.h"

namespace vecton::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class PartialFileTest : public testing::Test {
 protected:
  static json::object job(const std::string& model) {
    return {{"model", model}, {"format", "csv"}};
  }
  std::string refused(const json::object& job) {
    try {
      const PartialFile file(file_, job, false);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::kInput);
      return failure.what();
    }
    return "nothing was refused";
  }
  // An unfinished run that has written "one\n".
  void leave() {
    PartialFile file(file_, job("a"), false);
    file.buffer() += "one\n";
    file.save({.rows = 1, .input_hash = 0xfedcba9876543210u});
    file.buffer() += "lost";
  }

  const base::TemporaryFolder folder_;
  const fs::path file_ = folder_.path() / "out.csv", partial_ = folder_.path() / "out.csv.partial",
                 notes_ = folder_.path() / "out.csv.partial.json";
};

TEST_F(PartialFileTest, AFileAppearsWhenItIsWhole) {
  {
    PartialFile file(file_, job("a"), false);
    EXPECT_EQ(file.state().rows, 0);
    EXPECT_EQ(file.partial_path(), partial_);
    file.buffer() += "XXXX\none\n";
    EXPECT_FALSE(fs::exists(file_));
    file.finish("head");
  }
  EXPECT_EQ(contents(file_), "head\none\n");
  EXPECT_FALSE(fs::exists(partial_));
  EXPECT_FALSE(fs::exists(notes_));
}

TEST_F(PartialFileTest, AnInterruptedRunIsGoneOnWith) {
  leave();
  {
    PartialFile file(file_, job("a"), false);
    EXPECT_EQ(file.state().rows, 1);
    EXPECT_EQ(file.state().input_hash, 0xfedcba9876543210u);
    file.buffer() += "two\n";
    file.finish("");
  }
  EXPECT_EQ(contents(file_), "one\ntwo\n");
}

TEST_F(PartialFileTest, WhatWasWrittenAfterTheNotesIsCutOff) {
  leave();
  std::ofstream(partial_, std::ios::app) << "half a li";
  PartialFile file(file_, job("a"), false);
  EXPECT_EQ(contents(partial_), "one\n");
}

TEST_F(PartialFileTest, AFreshRunForgetsIt) {
  leave();
  PartialFile file(file_, job("b"), true);
  EXPECT_EQ(file.state().rows, 0);
  EXPECT_EQ(contents(partial_), "");
}

TEST_F(PartialFileTest, AnotherJobIsRefused) {
  leave();
  EXPECT_EQ(refused(job("b")), partial_.string() +
                                   " was left by a run with another model; --overwrite starts "
                                   "again, or finish it with what it was begun with");
  EXPECT_THAT(refused({{"model", "a"}, {"format", "csv"}, {"prompt", "x"}}),
              HasSubstr("a run with another prompt;"));
  EXPECT_EQ(contents(partial_), "one\n");  // what was refused has changed nothing
}

TEST_F(PartialFileTest, DataThatIsShorterThanItsNotesIsRefused) {
  leave();
  fs::resize_file(partial_, 2);
  EXPECT_THAT(refused(job("a")), HasSubstr("was left by a run that lost data;"));
}

TEST_F(PartialFileTest, NotesOfSomethingElseAreRefused) {
  for (const char* notes :
       {"", "[]", "{}", R"({"job": {"model": "a", "format": "csv"}})",
        R"({"job": {"model": "a", "format": "csv"}, "rows": 1, "bytes": 0, "input_hash": "x"})",
        R"({"job": {"model": "a", "format": "csv"}, "rows": "1", "bytes": 0, "input_hash": "0"})",
        R"({"job": 5, "rows": 1, "bytes": 0, "input_hash": "0"})"}) {
    leave();
    std::ofstream(notes_) << notes;
    EXPECT_THAT(refused(job("a")), HasSubstr("can't be read;")) << notes;
    fs::remove(notes_);
  }
  for (const char* numbers : {R"("rows": -1, "bytes": 0)", R"("rows": 1, "bytes": -1)"}) {
    leave();
    std::ofstream(notes_) << R"({"job": {"model": "a", "format": "csv"}, "input_hash": "0", )"
                          << numbers << "}";
    EXPECT_THAT(refused(job("a")), HasSubstr("that lost data")) << numbers;
    fs::remove(notes_);
  }
}

TEST_F(PartialFileTest, TwoRunsDoNotShareAFile) {
  const PartialFile file(file_, job("a"), false);
  EXPECT_EQ(refused(job("a")), partial_.string() + ": another run is writing it");
}

TEST_F(PartialFileTest, ALinkStaysALink) {
  std::ofstream(folder_.path() / "real.csv") << "old";
  fs::create_symlink(folder_.path() / "real.csv", file_);
  {
    PartialFile file(file_, job("a"), false);
    file.buffer() += "new";
    file.finish("");
  }
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_EQ(contents(folder_.path() / "real.csv"), "new");
}

TEST_F(PartialFileTest, AFolderThatIsNotThereIsNamed) {
  try {
    const PartialFile file(folder_.path() / "none" / "out", {}, false);
    ADD_FAILURE() << "nothing was refused";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kInput);
    EXPECT_THAT(failure.what(), testing::AllOf(testing::EndsWith("/none"),
                                               HasSubstr("none/out: there is no folder ")));
  }
}

TEST_F(PartialFileTest, OnlyFilesCanBeReplaced) {
  EXPECT_TRUE(can_replace(file_));  // there is none
  std::ofstream(file_) << "x";
  EXPECT_TRUE(can_replace(file_));
  EXPECT_FALSE(can_replace(folder_.path()));
  EXPECT_FALSE(can_replace("/dev/null"));
  const int fd = open_for_writing("/dev/null");
  EXPECT_GE(fd, 0);
  ::close(fd);
  EXPECT_THROW(open_for_writing(folder_.path()), Failure);
}

TEST(Output, IsFlushedByItselfWhenThereIsMuch) {
  const base::TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  Output output(fd, "out");
  output.buffer() += "few";
  output.written();
  EXPECT_EQ(fs::file_size(path), 0u);
  output.buffer() += std::string(size_t{256} << 10, 'x');
  output.written();
  EXPECT_EQ(fs::file_size(path), (256u << 10) + 3);
  EXPECT_TRUE(output.buffer().empty());
  output.buffer() += "end";
  output.flush();
  EXPECT_EQ(fs::file_size(path), (256u << 10) + 6);
  ::close(fd);
}

TEST(Output, SaysWhatTheSystemRefuses) {
  Output full(::open("/dev/full", O_WRONLY | O_CLOEXEC), "the device");
  full.buffer() = "x";
  try {
    full.flush();
    ADD_FAILURE() << "a full device took it";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::kInternal);
    EXPECT_EQ(std::string(failure.what()), "the device: No space left on device");
  }
}

// --- Files of tensors.

TEST(TensorSpool, IsASafetensorsFile) {
  const base::TemporaryFolder folder;
  const fs::path path = folder.path() / "vectors.safetensors";
  {
    TensorSpool spool(path);
    spool.add({.name = "a", .shape = {1, 2}}, std::vector<float>{1, 2});
    spool.add({.name = "empty", .shape = {0, 2}}, {});
    spool.add({.name = "b", .shape = {3}}, std::vector<float>{3, 4, 5});
    EXPECT_FALSE(fs::exists(path));
    spool.finish({{"model", "m"}});
  }
  const std::string bytes = contents(path);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  ASSERT_LT(length, bytes.size());
  const json::object header = json::parse(bytes.substr(8, length)).as_object();
  EXPECT_EQ(header.at("__metadata__").at("model").as_string(), "m");
  EXPECT_EQ(json::serialize(header.at("b").at("shape")), "[3]");
  EXPECT_EQ(json::serialize(header.at("b").at("data_offsets")), "[8,20]");
  EXPECT_EQ(json::serialize(header.at("empty").at("data_offsets")), "[8,8]");
  std::vector<float> values(5);
  ASSERT_EQ(bytes.size(), 8 + length + 20);
  std::memcpy(values.data(), bytes.data() + 8 + length, 20);
  EXPECT_THAT(values, testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);  // nothing beside it
}

TEST(TensorSpool, LeavesNothingWhereItIsNotFinished) {
  const base::TemporaryFolder folder;
  {
    TensorSpool spool(folder.path() / "a");
    spool.add({.name = "a", .shape = {1}}, std::vector<float>{1});
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_THROW(TensorSpool(folder.path() / "none" / "a"), Failure);
}

// --- Terminals.

TEST(Terminal, ColoursAreInTheNearestFormThatItHas) {
  EXPECT_EQ(foreground(Colour::kNone, {1, 2, 3}), "");
  EXPECT_EQ(foreground(Colour::k24Bit, {1, 2, 255}), "\x1b[38;2;1;2;255m");
  EXPECT_EQ(background(Colour::k24Bit, {0, 0, 0}), "\x1b[48;2;0;0;0m");
  const std::pair<Rgb, int> cube[] = {{{0, 0, 0}, 16},    {{255, 255, 255}, 231},
                                      {{255, 0, 0}, 196}, {{0, 255, 0}, 46},
                                      {{0, 0, 255}, 21},  {{128, 128, 128}, 16 + 3 * 43}};
  for (const auto& [rgb, code] : cube)
    EXPECT_EQ(foreground(Colour::k256, rgb), "\x1b[38;5;" + std::to_string(code) + "m");
  EXPECT_EQ(bold(Colour::kNone) + plain(Colour::kNone), "");
  EXPECT_EQ(bold(Colour::k256) + plain(Colour::k256), "\x1b[1m\x1b[0m");
}

// Sets a variable while it lives; an empty value takes it away.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* was = std::getenv(name)) was_ = was;
    if (*value) {
      ::setenv(name, value, 1);
    } else {
      ::unsetenv(name);
    }
  }
  ~Variable() {
    if (was_) {
      ::setenv(name_, was_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> was_;
};

TEST(Terminal, WhoAsksForColoursGetsThem) {
  const Variable no_colour("NO_COLOR", "1"), term("TERM", "dumb"), depth("COLORTERM", "");
  EXPECT_EQ(colour_of_stdout("never"), Colour::kNone);
  EXPECT_EQ(colour_of_stdout("always"), Colour::k24Bit);
  EXPECT_EQ(colour_of_stdout("auto"), Colour::kNone);
}

// --- Widths: CJK and emoji take two columns, combining marks none.

TEST(DisplayWidth, IsInColumns) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // as the program does
  const std::pair<const char*, int> rows[] = {{"", 0},        {"abc", 3},   {"é", 1},
                                              {"e\u0301", 1}, {"日本", 4},  {"\xff\xfe", 2},
                                              {"a\tb", 3},    {"\u2028", 1}};
  for (const auto& [text, width] : rows) EXPECT_EQ(display_width(text), width) << text;
}

struct Fit {
  const char* text;
  int width;
  const char* line;
};

TEST(DisplayWidth, TextsAreCutWithAnEllipsis) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const Fit rows[] = {
      {"abc", 3, "abc"},
      {"abc", 4, "abc"},
      {"abcd", 3, "ab…"},
      {"abcd", 1, "…"},
      {"abcd", 0, ""},
      {"abcd", -5, ""},
      {"", 0, ""},
      {"日本語", 5, "日本…"},
      {"日本語", 4, "日…"},
      {"日本語", 6, "日本語"},
      {"a\nb\x7f", 9, "a b "},
      {"a\u2028b", 9, "a b"},
      {"\xff", 1, "\xef\xbf\xbd"},
      {"ab\xff", 2, "a…"},
      {"e\u0301e\u0301", 2, "e\u0301e\u0301"},
  };
  for (const auto& [text, width, line] : rows) {
    EXPECT_EQ(fit(text, width), line) << text << " in " << width;
    EXPECT_LE(display_width(fit(text, width)), std::max(width, 0));
  }
}

TEST(DisplayWidth, WhatFitsIsNeverWider) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const std::string text = "a日e\u0301\xff\n🙂b\u0301c本\x01";
  for (int width = 0; width <= 14; ++width)
    EXPECT_LE(display_width(fit(text, width)), width) << width;
}

TEST(Format, BytesAreNeverAThousandOfAUnit) {
  const std::pair<double, const char*> rows[] = {
      {0, "0 B"},           {999, "999 B"},     {999.6, "1.0 kB"},   {1000, "1.0 kB"},
      {999949, "999.9 kB"}, {999950, "1.0 MB"}, {1500000, "1.5 MB"}, {999999999, "1.0 GB"},
      {2.5e12, "2.5 TB"},   {5e15, "5000.0 TB"}};
  for (const auto& [bytes, text] : rows) EXPECT_EQ(format_bytes(bytes), text);
}

// --- Lines that commands share.

TEST(Answers, ScoresShowADifferenceForSmallOnes) {
  const std::pair<float, const char*> rows[] = {{0.98763f, "   0.9876"},   {0, "   0.0000"},
                                                {-1.5f, "  -1.5000"},      {0.001f, "   0.0010"},
                                                {0.00099f, " 9.90e-04"},   {-1e-7f, "-1.00e-07"},
                                                {12345.678f, "12345.6777"}};
  for (const auto& [score, text] : rows) EXPECT_EQ(formatted_score(score), text);
}

TEST(Answers, ALineHasANumberABarAndAText) {
  EXPECT_EQ(bar_line(0.5f, 0.5, "a text", Colour::kNone, 80),
            "   0.5000  " + bar(0.5, 20) + "  a text\n");
  EXPECT_EQ(bar_line(0.5f, 0, std::string(100, 'x'), Colour::kNone, 50),
            "   0.5000  " + std::string(20, ' ') + "  " + std::string(16, 'x') + "…\n");
}

TEST(Answers, JsonBeginsWithWhereItIsFrom) {
  const auto head = [](const Record& record, bool with_text) {
    std::string out;
    append_json_head(out, 3, record, with_text);
    return out;
  };
  EXPECT_EQ(head({.input = "a\"b"}, true), R"({"index": 3, "text": "a\"b")");
  EXPECT_EQ(head({.input = "a"}, false), R"({"index": 3)");
  EXPECT_EQ(head({.input = "a", .id = "x"}, false), R"({"index": 3, "id": "x")");
  EXPECT_EQ(head({.input = "a", .id = "7", .numeric_id = true}, false), R"({"index": 3, "id": 7)");
  EXPECT_EQ(head({.input = std::vector<int32_t>{1}, .id = "x"}, true), R"({"index": 3, "id": "x")");
  const Image one{.source = "a.png"}, two{.source = "b.png"};
  EXPECT_EQ(head({.input = "", .images = {one}}, true), R"({"index": 3, "image": "a.png")");
  EXPECT_EQ(head({.input = "t", .images = {one, two}}, true),
            R"({"index": 3, "text": "t", "image": ["a.png", "b.png"])");
}

TEST(Failures, HaveAStatusForEveryError) {
  const std::pair<ErrorCode, int> rows[] = {
      {ErrorCode::kInvalidArgument, 2}, {ErrorCode::kTooLong, 4},      {ErrorCode::kUnsupported, 3},
      {ErrorCode::kNotFound, 3},        {ErrorCode::kUnauthorized, 3}, {ErrorCode::kCorrupt, 3},
      {ErrorCode::kNetwork, 5},         {ErrorCode::kIo, 1},           {ErrorCode::kQueueFull, 1},
      {ErrorCode::kCancelled, 1},       {ErrorCode::kInternal, 1}};
  for (const auto& [code, status] : rows) {
    EXPECT_EQ(static_cast<int>(exit_status(code)), status);
    const bool of_text = code == ErrorCode::kInvalidArgument || code == ErrorCode::kCorrupt;
    EXPECT_EQ(static_cast<int>(exit_status_of_text(code)), of_text ? 4 : status);
  }
}

}  // namespace
}  // namespace vecton::cli
