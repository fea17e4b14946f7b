#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/temporary_folder.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using Level = ServerOptions::LogLevel;

// A log in a file.
class LogTest : public testing::Test {
 protected:
  LogTest() : path_(folder_.path() / "log"), file_(std::fopen(path_.c_str(), "w")) {}
  ~LogTest() override { std::fclose(file_); }

  int number() const { return ::fileno(file_); }
  std::string written() const {
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  // A process with a log that ends by a signal; `logs` runs before it.
  void expect_killed(
      int signal, Level level, Log::Format format,
      const std::function<void(Log&)>& logs = [](Log&) {}) const {
    const pid_t child = ::fork();
    if (child == 0) {
      Log log(level, format, number());
      log.flush_on_crash();
      logs(log);
      ::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
  }

  base::TemporaryFolder folder_;
  const std::filesystem::path path_;
  std::FILE* const file_;
};

TEST_F(LogTest, LinesHaveTheirTimes) {
  Log log(Level::kInfo, Log::Format::kText, number());
  log.notice("listening on\nx");
  EXPECT_THAT(written(), MatchesRegex("[0-9-]+T[0-9:]+[.][0-9]+Z listening on.x\n"));
}

TEST_F(LogTest, GatheredLinesComeBeforeWhatIsWrittenAtOnce) {
  Log log(Level::kInfo, Log::Format::kText, number());
  log.info("one");
  log.info("two");
  log.error("three");
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("Z error: three\n"));
  EXPECT_LT(text.find("one"), text.find("two"));
  EXPECT_LT(text.find("two"), text.find("three"));
}

TEST_F(LogTest, LinesAreWrittenWithoutAnotherCall) {
  Log log(Level::kInfo, Log::Format::kText, number());
  log.info("alone");
  for (int i = 0; i < 1000 && written().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(written(), HasSubstr("alone"));
}

TEST_F(LogTest, NothingIsLostAtTheEnd) {
  constexpr int kThreads = 4, kLines = 20000;  // more than is gathered at once
  {
    Log log(Level::kInfo, Log::Format::kText, number());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < kLines; ++i) log.info("a line of a request");
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kThreads * kLines);
}

TEST_F(LogTest, LevelsLeaveOut) {
  {
    Log errors(Level::kError, Log::Format::kText, number());
    errors.info("a request");
    errors.error("bad");
    Log off(Level::kOff, Log::Format::kText, number());
    off.notice("listening");
    off.error("worse");
  }
  EXPECT_THAT(written(), MatchesRegex("[^ ]+ error: bad\n"));
}

TEST_F(LogTest, ASignalThatKillsWritesWhatHasGathered) {
  expect_killed(SIGSEGV, Level::kInfo, Log::Format::kText,
                [](Log& log) { log.info("the last request"); });
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("the last request\nerror: SIGSEGV, in the calls "));
  EXPECT_THAT(text, HasSubstr(" +0x"));  // a sanitizer's own calls may stand before ours
}

TEST_F(LogTest, ASignalThatKillsIsAnObjectToo) {
  expect_killed(SIGABRT, Level::kError, Log::Format::kJson);
  const json::object line = json::parse(written()).as_object();
  EXPECT_EQ(line.at("level"), "ERROR");
  const std::string message(line.at("message").as_string());
  EXPECT_THAT(message, StartsWith("SIGABRT, in the calls "));
  EXPECT_THAT(message, HasSubstr(" +0x"));
}

TEST_F(LogTest, AMappedFileThatChangedIsNamed) {
  expect_killed(SIGBUS, Level::kError, Log::Format::kText);
  EXPECT_THAT(written(), HasSubstr("error: SIGBUS: a file of the model was changed"));
}

constexpr AnsweredRequest kAnswered{.peer = "10.0.0.1",
                                    .method = "POST",
                                    .path = "/embed",
                                    .id = "abc",
                                    .key_name = "team",
                                    .model = "m",
                                    .trace_id = "4bf9",
                                    .status = 200,
                                    .seconds = 0.0123,
                                    .inputs = 2,
                                    .tokens = 9};

TEST_F(LogTest, ARequestIsALine) {
  {
    Log log(Level::kInfo, Log::Format::kText, number());
    log.info(kAnswered);
  }
  EXPECT_THAT(
      written(),
      MatchesRegex("[^ ]+Z 10.0.0.1 \"POST /embed\" 200 12.3 ms, 2 inputs, 9 tokens, team, abc\n"));
}

TEST_F(LogTest, JsonIsAnObjectALine) {
  {
    Log log(Level::kInfo, Log::Format::kJson, number());
    log.notice("listening \"on\"\nx");
    log.info(kAnswered);
    log.error("it broke", "abc");
  }
  std::istringstream lines(written());
  std::vector<json::object> all;
  for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line).as_object());
  ASSERT_EQ(all.size(), 3u);
  for (const json::object& line : all) {
    EXPECT_THAT(std::string(line.at("timestamp").as_string()),
                MatchesRegex("[0-9-]+T[0-9:]+[.][0-9]+Z"));
  }
  EXPECT_EQ(all[0].at("message"), "listening \"on\"\nx");
  EXPECT_EQ(all[0].at("level"), "INFO");
  all[1].erase("timestamp");
  EXPECT_EQ(json::value(all[1]), json::parse(R"({"level":"INFO","message":"POST /embed",
      "request_id":"abc","trace_id":"4bf9","client":"10.0.0.1","method":"POST","path":"/embed",
      "status":200,"duration_ms":12.3,"model":"m","inputs":2,"tokens":9,"key":"team"})"));
  EXPECT_EQ(all[2].at("level"), "ERROR");
  EXPECT_EQ(all[2].at("request_id"), "abc");
}

}  // namespace
}  // namespace vecton::server
