#include "hub_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "base/json.h"

namespace vecton {

HubServer::HubServer() {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  process_ = fork();
  if (process_ == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execl(PYTHON, PYTHON, HUB_SERVER, nullptr);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  to_ = fdopen(to[1], "w");
  from_ = fdopen(from[0], "r");
  const json::value hello = base::parse_json(read_line(), "hub_server.py");
  endpoint_ = hello.at("endpoint").as_string();
  files_ = hello.at("files");
}

HubServer::~HubServer() {
  std::fclose(to_);  // the server ends with its input
  std::fclose(from_);
  waitpid(process_, nullptr, 0);
}

std::string HubServer::etag(const std::string& model, const std::string& file) const {
  return std::string(files_.at(model).at(file).as_string());
}

std::vector<HubServer::Request> HubServer::requests() {
  std::vector<Request> result;
  const json::value log = ask({{"do", "log"}});
  for (const json::value& entry : log.as_array()) {
    const auto text = [&](const char* key) { return std::string(entry.at(key).as_string()); };
    result.push_back(
        {text("method"), text("path"), text("host"), text("range"), entry.at("token").as_bool()});
  }
  return result;
}

void HubServer::set(json::object faults) {
  faults["do"] = "set";
  ask(faults);
}

json::value HubServer::ask(const json::object& command) {
  const std::string line = json::serialize(command) + "\n";
  std::fputs(line.c_str(), to_);
  std::fflush(to_);
  return base::parse_json(read_line(), "hub_server.py");
}

std::string HubServer::read_line() {
  std::string line;
  for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) {
    line += static_cast<char>(c);
  }
  return line;
}

}  // namespace vecton
