// Where content begins in an answer that may think first: a structure of it holds from there on.
#pragma once

#include <string>

#include "parsers/answer_parser.h"

namespace vecton::parsers {

struct ContentBeginning {
  std::string after{};     // the text behind which content begins; empty: from the start on
  std::string thinking{};  // what thinking begins with, where the model may leave it out
};

ContentBeginning content_beginning(const ParserOptions& parser);

}  // namespace vecton::parsers
