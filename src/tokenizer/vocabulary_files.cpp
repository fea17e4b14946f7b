#include "tokenizer/vocabulary_files.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/mapped_file.h"
#include "tokenizer/auto_class.h"
#include "tokenizer/tokenizer_classes.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSentencePieceNames[] = {"tokenizer.model",         "spiece.model",
                                               "sentencepiece.bpe.model", "spm.model",
                                               "sentencepiece.model",     "tokenizer.model.v3"};

// Names that say nothing of how a text is cut.
bool is_general(std::string_view name) {
  return name.empty() || name == "PreTrainedTokenizer" || name == "TokenizersBackend" ||
         name == "SentencePieceBackend" || name == "PythonBackend" || name == "QWenTokenizer" ||
         name == "MistralCommonBackend" || name == "MistralCommonTokenizer" ||
         name == "PreTrainedTokenizerBase";
}

// The class that the folder's files name, or nullptr where they name none.
const TokenizerClass* named_class(const fs::path& folder, const TokenizerSettings& settings) {
  const NamedClass named = NamedClass::read(folder, settings);
  const std::string& name = named.tokenizer_class;
  const auto buildable = [](const TokenizerClass* row) {
    return row && row->build ? row : nullptr;
  };
  if (const TokenizerClass* row = buildable(find_tokenizer_class(name))) return row;
  if (!is_general(name)) {
    throw Error(ErrorCode::kUnsupported,
                folder.string() + " has no tokenizer.json, and its tokenizer_class \"" + name +
                    "\" is not supported without one. Supported: " + tokenizer_class_names(),
                "tokenizer_class");
  }
  return name.empty() ? buildable(find_tokenizer_class_of_model(named.model_type)) : nullptr;
}

std::optional<fs::path> find_sentencepiece(const fs::path& folder, const TokenizerClass* row) {
  if (row && !row->file.empty() && fs::exists(folder / row->file)) return folder / row->file;
  for (const char* name : kSentencePieceNames) {
    if (fs::exists(folder / name)) return folder / name;
  }
  return std::nullopt;
}

// tekken.json, tekken_240911.json
std::optional<fs::path> find_tekken(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.find("tekken") != std::string::npos && name.ends_with(".json"))
      found.push_back(entry.path());
  }
  if (found.empty()) return std::nullopt;
  return *std::ranges::min_element(found);
}

std::optional<fs::path> find_tiktoken(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".tiktoken") || name == "tiktoken.model") found.push_back(entry.path());
  }
  if (found.empty()) return std::nullopt;
  return *std::ranges::min_element(found);
}

// Lines of base64, a space and a number: what some folders call tokenizer.model.
bool looks_like_tiktoken(const fs::path& file) {
  const base::MappedFile map(file);
  const std::string_view line = map.text().substr(0, map.text().find('\n'));
  const size_t space = line.find(' ');
  return space != std::string_view::npos && space > 0 && space + 1 < line.size() &&
         std::ranges::all_of(line.substr(space + 1),
                             [](char c) { return (c >= '0' && c <= '9') || c == '\r'; });
}

[[noreturn]] void fail_missing(const fs::path& folder, const TokenizerClass* row) {
  std::string message = folder.string() + " has no tokenizer.json";
  if (row) {
    message += ", nor the files of its tokenizer_class: ";
    message += row->files == TokenizerClass::Files::kVocabTxt    ? "vocab.txt"
               : row->files == TokenizerClass::Files::kVocabJson ? "vocab.json and merges.txt"
                                                                 : std::string(row->file);
  } else {
    message +=
        ", vocab.txt, vocab.json and merges.txt, SentencePiece model (tokenizer.model, "
        "spiece.model, sentencepiece.bpe.model, spm.model), tekken.json or tiktoken file";
  }
  throw Error(ErrorCode::kNotFound, message);
}

// A vocabulary without a class: the one whose files these are.
const TokenizerClass* class_of_files(const fs::path& folder) {
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt"))
    return find_tokenizer_class("GPT2Tokenizer");
  return fs::exists(folder / "vocab.txt") ? find_tokenizer_class("BertTokenizer") : nullptr;
}

bool has_files(const fs::path& folder, const TokenizerClass& row) {
  if (row.files == TokenizerClass::Files::kVocabTxt) return fs::exists(folder / "vocab.txt");
  return row.files == TokenizerClass::Files::kVocabJson && fs::exists(folder / "vocab.json") &&
         fs::exists(folder / "merges.txt");
}

}  // namespace

json::value vocabulary_files_document(const fs::path& folder, TokenizerSettings& settings,
                                      json::storage_ptr memory) {
  if (!fs::is_directory(folder))
    throw Error(ErrorCode::kNotFound, folder.string() + " is not a folder");
  const TokenizerClass* row = named_class(folder, settings);
  if (row) set_default_tokens(*row, settings.special);
  const auto build = [&](const fs::path& file, auto&& with) {
    DocumentBuilder document(file.string(), memory);
    ClassSource source{folder, settings, document};
    with(source);
    return document.finish();
  };
  if (row && has_files(folder, *row)) return build(folder, row->build);

  const bool wants_files = row && row->files != TokenizerClass::Files::kSentencePiece;
  if (!wants_files) {
    if (const auto file = find_sentencepiece(folder, row); file && !looks_like_tiktoken(*file)) {
      const SentencePieceModel model =
          SentencePieceModel::parse(base::MappedFile(*file).text(), file->string());
      return build(*file, [&](ClassSource& source) {
        source.sentencepiece = &model;
        row ? row->build(source) : build_sentencepiece(source);
      });
    } else if (file) {
      return build(*file, [&](ClassSource& source) { build_tiktoken(source, *file); });
    }
  }
  if (const auto file = find_tekken(folder))
    return build(*file, [&](ClassSource& source) { build_tekken(source, *file); });
  if (const auto file = find_tiktoken(folder))
    return build(*file, [&](ClassSource& source) { build_tiktoken(source, *file); });
  if (const TokenizerClass* files = row ? nullptr : class_of_files(folder)) {
    set_default_tokens(*files, settings.special);
    return build(folder, files->build);
  }
  fail_missing(folder, row);
}

}  // namespace vecton::tokenizer
