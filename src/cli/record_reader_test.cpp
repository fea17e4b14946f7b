// Texts from the command line, and files of lines, JSON lines and CSV: what they give, and what is
// said of what can't be read.
#include "cli/record_reader.h"

#include <gmock/gmock.h>

#include "base/temporary_folder.h"
#include "cli/failure.h"
#include "cli/pairs.h"

namespace vecton::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A failure with its status in front: "usage: there is nothing to read".
template <class F>
std::string failure_of(const F& f) {
  try {
    f();
  } catch (const Failure& failure) {
    return (failure.status() == ExitStatus::kUsage   ? "usage: "
            : failure.status() == ExitStatus::kInput ? "input: "
                                                     : "other: ") +
           std::string(failure.what());
  }
  return "nothing failed";
}

class RecordReaderTest : public testing::Test {
 protected:
  InputOptions options(const std::string& name, const std::string& contents) {
    folder_.write(name, contents);
    InputOptions options;
    options.path = (folder_.path() / name).string();
    return options;
  }

  // Every record in short: "1 text", "2 [5,6] #id +pair".
  static std::vector<std::string> shown(RecordReader& reader) {
    std::vector<std::string> all;
    Record record;
    while (reader.next(record)) {
      std::string line = std::to_string(record.line) + " ";
      if (const auto* text = std::get_if<std::string>(&record.input)) {
        line += *text;
      } else {
        line += testing::PrintToString(std::get<1>(record.input));
      }
      if (record.id) line += " #" + *record.id;
      if (record.pair) line += " +" + *record.pair;
      all.push_back(line);
    }
    EXPECT_FALSE(reader.next(record));  // an end stays one
    return all;
  }
  std::vector<std::string> read(const InputOptions& options) { return shown(*read_file(options)); }
  std::vector<std::string> read(const std::string& name, const std::string& contents) {
    return read(options(name, contents));
  }
  // What is said of a file, without the folder that it lies in.
  std::string refused(const InputOptions& options) {
    std::string message = failure_of([&] { read(options); });
    const std::string folder = folder_.path().string() + "/";
    if (const size_t at = message.find(folder); at != std::string::npos)
      message.erase(at, folder.size());
    return message;
  }
  std::string refused(const std::string& name, const std::string& contents) {
    return refused(options(name, contents));
  }

  const base::TemporaryFolder folder_;
};

TEST_F(RecordReaderTest, ArgumentsAreTextsAsTheyStand) {
  const auto reader = read_arguments({"a", "", "{}", "[1, 2]"});
  EXPECT_THAT(shown(*reader), ElementsAre("1 a", "2 ", "3 {}", "4 [1, 2]"));
  EXPECT_EQ(reader->where({.input = "a", .line = 2}), "text 2");
  EXPECT_TRUE(reader->ready());
  EXPECT_EQ(reader->share(), -1);
  EXPECT_THAT(shown(*read_arguments({})), ElementsAre());
}

TEST_F(RecordReaderTest, ArgumentsMayHavePictures) {
  const auto pictures = [](std::vector<std::string> texts, std::vector<std::string> images) {
    InputOptions options;
    options.images = std::move(images);
    const auto reader = read_input(std::move(texts), options);
    std::string all;
    for (Record record; reader->next(record);)
      all += std::get<std::string>(record.input) + "+" + record.images.at(0).source + " ";
    return all;
  };
  EXPECT_EQ(pictures({}, {"a", "b"}), "+a +b ");
  EXPECT_EQ(pictures({"t"}, {"a", "b"}), "t+a t+b ");
  EXPECT_EQ(pictures({"t", "u"}, {"a", "b"}), "t+a u+b ");
  EXPECT_THAT(
      failure_of([&] {
        pictures({"t", "u"}, {"a", "b", "c"});
      }),
      HasSubstr("usage: Mismatched multimodal batch sizes: got 2 text item(s) and 3 image"));
}

TEST_F(RecordReaderTest, PicturesMayBeDocuments) {
  PairOptions options;
  options.texts = {"query", "t"};
  options.input.images = {"a", "b"};
  const auto reader = read_documents(options, false);
  std::string all;
  for (Record record; reader->next(record);) {
    const Request request = score_request(options, *reader, record);
    const auto& task = std::get<Score>(request.task);
    all += std::get<std::string>(request.prompt.input) + ":" + shown_text(record) +
           (task.document_images.empty() ? " " : "+ ");
    EXPECT_EQ(task.document, task.document_images.empty() ? "t" : "");
    EXPECT_THAT(request.prompt.images, ::testing::IsEmpty());
  }
  EXPECT_EQ(all, "query:t query:a+ query:b+ ");
}

TEST_F(RecordReaderTest, APairsDocumentMayBeAPicture) {
  InputOptions lines = options("a.jsonl", R"({"query": "q", "image": "a.png"})");
  lines.has_images = true;
  lines.field = "query";
  lines.pair = "document";
  const auto reader = read_file(lines);
  Record record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(std::get<std::string>(record.input), "q");
  EXPECT_EQ(record.pair, "");
  EXPECT_EQ(record.images.at(0).source, "a.png");
}

TEST_F(RecordReaderTest, JsonLinesMayHavePictures) {
  InputOptions lines = options("a.jsonl",
                               "{\"image\": \"a.png\"}\n"
                               "{\"text\": \"t\", \"image\": [\"b\", \"c\"]}\n\"s\"\n");
  lines.has_images = true;
  const auto reader = read_file(lines);
  Record record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(std::get<std::string>(record.input), "");
  EXPECT_EQ(record.images.at(0).source, "a.png");
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(record.images.at(1).source, "c");
  ASSERT_TRUE(reader->next(record));
  EXPECT_TRUE(record.images.empty());
  InputOptions wrong = options("b.jsonl", "{\"image\": 3}\n");
  wrong.has_images = true;
  EXPECT_THAT(failure_of([&] { read_file(wrong)->next(record); }),
              HasSubstr("holds something other than paths"));
}

TEST_F(RecordReaderTest, ATextFileHasATextPerLine) {
  EXPECT_THAT(read("a.txt", "one\n\n{\"text\": 1}\r\nlast"),
              ElementsAre("1 one", "2 ", "3 {\"text\": 1}", "4 last"));
  EXPECT_THAT(read("a.txt", ""), ElementsAre());
  EXPECT_THAT(read("without_ending", "one\n"), ElementsAre("1 one"));
}

TEST_F(RecordReaderTest, OtherEncodingsAreNamed) {
  testing::internal::CaptureStderr();
  EXPECT_THAT(read("a.txt", "one\ncaf\xe9\nth\xe9\n"),
              ElementsAre("1 one", "2 caf\xe9", "3 th\xe9"));
  const std::string notes = testing::internal::GetCapturedStderr();
  EXPECT_THAT(notes,
              testing::EndsWith("a.txt:2: is not UTF-8: bytes that are not are read as U+FFFD\n"));
  EXPECT_EQ(std::count(notes.begin(), notes.end(), '\n'), 1);
  for (const char* name : {"b.txt", "b.jsonl", "b.csv"}) {
    EXPECT_THAT(failure_of([&] { read(name, std::string("\xff\xfe") + "a\n"); }),
                HasSubstr(std::string(name) + ": is UTF-16: save it as UTF-8"));
  }
}

TEST_F(RecordReaderTest, JsonLinesAreStringsOrObjects) {
  EXPECT_THAT(read("a.jsonl",
                   "\"one\"\n"
                   "\n"
                   "  \t\n"
                   "{\"text\": \"two\", \"id\": \"b\"}\n"
                   "{\"input_ids\": [5, 6], \"id\": 7}\r\n"
                   "{\"text\": [0, 2147483647]}\n"
                   "{\"text\": \"\\u00e9\", \"other\": null}"),
              ElementsAre("1 one", "4 two #b", "5 { 5, 6 } #7", "6 { 0, 2147483647 }", "7 é"));
  EXPECT_THAT(read("a.NDJSON", "\"one\"\n"), ElementsAre("1 one"));
}

TEST_F(RecordReaderTest, AnIdIsOfItsOwnLineAlone) {
  EXPECT_THAT(read("a.jsonl", "{\"text\": \"a\", \"id\": 1}\n{\"text\": \"b\"}\n"),
              ElementsAre("1 a #1", "2 b"));
}

TEST_F(RecordReaderTest, AnotherFieldMayHoldTheText) {
  InputOptions other = options("a.jsonl", "{\"body\": \"x\", \"text\": \"y\"}\n");
  other.field = "body";
  EXPECT_THAT(read(other), ElementsAre("1 x"));
}

TEST_F(RecordReaderTest, PairsAreOfTwoFields) {
  InputOptions pairs = options("a.jsonl", "{\"text\": \"q\", \"document\": \"d\", \"id\": 3}\n");
  pairs.pair = "document";
  EXPECT_THAT(read(pairs), ElementsAre("1 q #3 +d"));
  InputOptions table = options("a.csv", "text,document\nq,d\n");
  table.pair = "document";
  EXPECT_THAT(read(table), ElementsAre("2 q +d"));
}

struct Bad {
  const char *line, *message;
};

TEST_F(RecordReaderTest, JsonLinesThatAreNoTextsAreNamed) {
  const Bad rows[] = {
      {"{\"text\": 5}", "field \"text\" is not a text"},
      {"{\"text\": null}", "field \"text\" is not a text"},
      {"{\"text\": [1, -1]}", "field \"text\" holds something other than token ids"},
      {"{\"text\": [2147483648]}", "field \"text\" holds something other than token ids"},
      {"{\"text\": [1.5]}", "field \"text\" holds something other than token ids"},
      {"{\"input_ids\": [\"a\"]}", "field \"input_ids\" holds something other than token ids"},
      {"{\"body\": \"a\"}", "there is no field \"text\" (--field names another one)"},
      {"{\"input_ids\": \"a\"}", "there is no field \"text\" (--field names another one)"},
      {"5", "expected an object or a string"},
      {"[\"a\"]", "expected an object or a string"},
      {"{\"text\": \"a\", \"id\": 1.5}", "\"id\" is neither a string nor a whole number"},
      {"{\"text\": \"a\", \"id\": null}", "\"id\" is neither a string nor a whole number"},
  };
  for (const auto& [line, message] : rows) {
    EXPECT_EQ(refused("a.jsonl", "\"good\"\n\n" + std::string(line) + "\n"),
              "input: a.jsonl:3: " + std::string(message))
        << line;
  }
  EXPECT_THAT(refused("a.jsonl", "{\"text\": \n"), HasSubstr("input: a.jsonl:1: the line"));
}

TEST_F(RecordReaderTest, PairsOfJsonLinesNeedBothTexts) {
  const Bad rows[] = {{"\"a\"", "expected an object"},
                      {"{\"text\": \"a\"}", "there is no text in the field \"pair\""},
                      {"{\"text\": \"a\", \"pair\": 1}", "there is no text in the field \"pair\""}};
  for (const auto& [line, message] : rows) {
    InputOptions pairs = options("a.jsonl", line);
    pairs.pair = "pair";
    EXPECT_EQ(refused(pairs), "input: a.jsonl:1: " + std::string(message)) << line;
  }
}

TEST_F(RecordReaderTest, BadLinesCanBeSkipped) {
  for (const char* name : {"a.jsonl", "a.csv"}) {
    const bool json = std::string(name) == "a.jsonl";
    InputOptions bad =
        options(name, json ? "\"a\"\n{\n5\n\"b\"\n{\n" : "id,text\n1,a\n2\n3,b\n4\n");
    bad.skip_bad_lines = true;
    testing::internal::CaptureStderr();
    const std::vector<std::string> records = read(bad);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(records.size(), 2u);
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), json ? 4 : 3);
    EXPECT_THAT(said, HasSubstr("vecton: skipped: " + bad.path + (json ? ":2: " : ":3: ")));
    EXPECT_THAT(said, HasSubstr(std::string(json ? "3" : "2") + " lines of " + bad.path +
                                " could not be read and were skipped\n"));
  }
}

TEST_F(RecordReaderTest, SkippedLinesAreNamedUpToTen) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "{\n";
  InputOptions bad = options("a.jsonl", text + "\"good\"\n");
  bad.skip_bad_lines = true;
  testing::internal::CaptureStderr();
  EXPECT_THAT(read(bad), ElementsAre("41 good"));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 11);
  EXPECT_THAT(said, HasSubstr(" 40 lines of "));
}

TEST_F(RecordReaderTest, ACsvColumnHasANameOrANumber) {
  InputOptions table = options("a.csv", "id,text,2\nx,\"a,b\",c\n");
  EXPECT_THAT(read(table), ElementsAre("2 a,b"));
  for (const auto& [column, text] : {std::pair{"id", "x"}, {"1", "x"}, {"2", "c"}, {"3", "c"}}) {
    table.column = column;  // a name counts more than a number
    EXPECT_THAT(read(table), ElementsAre("2 " + std::string(text))) << column;
  }
  for (const char* column : {"0", "4", "body", "1x", "-1", ""}) {
    table.column = column;
    EXPECT_EQ(refused(table), "input: a.csv:1: there is no column \"" + std::string(column) +
                                  "\"; --column names one of: id, text, 2");
  }
}

TEST_F(RecordReaderTest, ACsvRecordWithoutItsColumnIsNamed) {
  EXPECT_EQ(refused("a.csv", "id,text\n1,a\n2\n"),
            "input: a.csv:3: the record has 1 columns; the text is in column 2");
  EXPECT_THAT(read("a.csv", ""), ElementsAre());
  EXPECT_THAT(read("a.csv", "text\n"), ElementsAre());
}

TEST_F(RecordReaderTest, TheEndingOrAnOptionSaysTheFormat) {
  EXPECT_EQ(refused("a.parquet", ""),
            "usage: a.parquet: can't tell the format by the ending \".parquet\"; give "
            "--input-format txt, jsonl or csv");
  InputOptions named = options("a.parquet", "\"a\"\n");
  named.format = "jsonl";
  EXPECT_THAT(read(named), ElementsAre("1 a"));
  named.format = "txt";
  EXPECT_THAT(read(named), ElementsAre("1 \"a\""));
  named.pair = "b";
  EXPECT_EQ(refused(named),
            "usage: a.parquet: a line of a txt file is one text; pairs come as jsonl or csv");
}

TEST_F(RecordReaderTest, MissingFilesAreNamed) {
  InputOptions missing;
  missing.path = (folder_.path() / "none.txt").string();
  EXPECT_EQ(refused(missing), "input: none.txt: No such file or directory");
}

TEST_F(RecordReaderTest, ReadersSayHowFarTheyAre) {
  const auto reader =
      read_file(options("a.txt", std::string(99, 'a') + "\n" + std::string(300, 'b')));
  EXPECT_EQ(reader->share(), 0);
  Record record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_DOUBLE_EQ(reader->share(), 0.25);
  EXPECT_THAT(reader->where(record), testing::EndsWith("a.txt:1"));
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(reader->share(), 1);
}

TEST_F(RecordReaderTest, OneInputIsGivenAndNoMore) {
  InputOptions none;
  EXPECT_THAT(shown(*read_input({"a"}, none)), ElementsAre("1 a"));
  const InputOptions file = options("a.txt", "b\n");
  EXPECT_THAT(shown(*read_input({}, file)), ElementsAre("1 b"));
  EXPECT_EQ(failure_of([&] { read_input({"a"}, file); }),
            "usage: give texts as arguments or --input, not both");
}

TEST_F(RecordReaderTest, RecordsKnowTheirSizeAndHowToBeShown) {
  const Record text{.input = std::string(100, 'a'), .pair = "1234567"},
      ids{.input = std::vector<int32_t>(10)};
  EXPECT_EQ(text.bytes(), sizeof(Record) + 107);
  EXPECT_EQ(ids.bytes(), sizeof(Record) + 40);
  EXPECT_EQ(shown_text(text), std::string(100, 'a'));
  EXPECT_EQ(shown_text(ids), "10 token ids");
}

// --- Queries and documents (cli/pairs.h).

TEST_F(RecordReaderTest, TheFirstTextIsTheQuery) {
  PairOptions options{.texts = {"q", "a", "b"}};
  const auto reader = read_documents(options, false);
  EXPECT_EQ(options.query, "q");
  EXPECT_THAT(shown(*reader), ElementsAre("1 a", "2 b"));
  PairOptions named{.texts = {"a", "b"}, .query = "q"};
  EXPECT_THAT(shown(*read_documents(named, false)), ElementsAre("1 a", "2 b"));
}

TEST_F(RecordReaderTest, DocumentsMayComeFromAFile) {
  PairOptions options{.texts = {"q"}};
  options.input = this->options("a.txt", "a\nb\n");
  EXPECT_THAT(shown(*read_documents(options, false)), ElementsAre("1 a", "2 b"));
  PairOptions pairs;
  pairs.input = this->options("a.jsonl", "{\"query\": \"q\", \"document\": \"d\"}\n");
  EXPECT_THAT(shown(*read_documents(pairs, true)), ElementsAre("1 q +d"));
  PairOptions own;
  own.input = this->options("b.jsonl", "{\"question\": \"q\", \"document\": \"d\"}\n");
  own.input.field = "question";
  EXPECT_THAT(shown(*read_documents(own, true)), ElementsAre("1 q +d"));
}

TEST_F(RecordReaderTest, AQueryWithoutDocumentsIsRefused) {
  PairOptions only{.texts = {"q"}};
  EXPECT_EQ(failure_of([&] { read_documents(only, false); }),
            "usage: there are no documents: give them after the query, or by --input FILE");
  PairOptions none;
  EXPECT_EQ(failure_of([&] { read_documents(none, false); }),
            "usage: there is no query: give --query TEXT");
}

TEST_F(RecordReaderTest, ScoresAreAskedForWithWhatTheOptionsSay) {
  PairOptions options{.texts = {"q", "d"}};
  const auto reader = read_documents(options, false);
  Record record;
  ASSERT_TRUE(reader->next(record));
  const Request plain = score_request(options, *reader, record);
  EXPECT_EQ(plain.task, TaskParameters(Score{.document = "d"}));
  EXPECT_FALSE(plain.prompt.prompt_name || plain.prompt.prompt_text);
  options.prompt = "";
  options.instruction = "find";
  options.raw = true;
  const Request full = score_request(options, *reader, record);
  EXPECT_EQ(full.prompt.prompt_text, "");
  EXPECT_EQ(std::get<Score>(full.task).instruction, "find");
  EXPECT_EQ(std::get<Score>(full.task).use_activation, false);
  EXPECT_EQ(shown_document(options, record), "d");
  const Record ids{.input = std::vector<int32_t>{1}, .line = 4};
  EXPECT_EQ(failure_of([&] { score_request(options, *reader, ids); }),
            "input: text 4: expected a text, not token ids");
}

}  // namespace
}  // namespace vecton::cli
