// NameExpression: a regular expression that a checkpoint's settings have for names of modules.
// Through PCRE2, which reads what Python's `re` does of these. For any thread.
#pragma once

#include <memory>
#include <string>

struct pcre2_real_code_8;

namespace vecton::checkpoint {

class NameExpression {
 public:
  // Errors (kUnsupported) begin with `what`, which names the setting.
  NameExpression(const std::string& expression, std::string what);

  // From the name's first character on, as Python's re.match() does. An error (kUnsupported) where
  // it takes too many steps.
  bool matches_start(const std::string& name) const;

 private:
  std::string what_;
  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace vecton::checkpoint
