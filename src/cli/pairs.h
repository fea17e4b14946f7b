// Queries and documents, for the commands that score them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/record_reader.h"
#include "vecton/vecton.h"

namespace CLI {
class App;
}

namespace vecton::cli {

struct PairOptions {
  std::vector<std::string> texts;
  std::string query;
  std::optional<std::string> prompt;  // may be empty: none at all
  std::string prompt_name;
  std::optional<std::string> instruction;  // may be empty: none at all
  InputOptions input;
  bool raw = false;
};

void add_pair_options(CLI::App& app, PairOptions& options);

// The documents: texts, then pictures, or those of a file. Without a query of its own the first
// text of the command line is it; `pairs`: a file may have a query beside every document.
std::unique_ptr<RecordReader> read_documents(PairOptions& options, bool pairs);

// The request for one document. Failure (kInput) when it is not a text.
Request score_request(const PairOptions& options, const RecordReader& reader, const Record& record);

// What the document of a record is on a terminal.
std::string shown_document(const PairOptions& options, const Record& record);

}  // namespace vecton::cli
