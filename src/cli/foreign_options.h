// The options of other programs: what each means here. The one table of them is read by
// foreign_arguments.h, by docs/CLI.md's test and by nothing else. Constant; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::cli {

// Whose option it is. A row may belong to several.
enum Program : unsigned {
  kVllm = 1,           // vllm serve (0.33 and, where their names lived on, earlier versions)
  kTei = 2,            // text-embeddings-router (1.9)
  kInfinity = 4,       // infinity_emb v2 (0.0.78)
  kLlamaServer = 8,    // llama-server
  kMlxEmbeddings = 16  // mlx_embeddings
};

enum class Takes {
  kNothing,  // a flag; --no-NAME and, of --enable-NAME, --disable-NAME say the opposite
  kValue,    // one
  kJson,     // one object, or its members: --NAME.key value
  kList,     // one or more
  kPerhaps,  // one, unless an option follows
  kBoolean   // true or false, or nothing for true
};

enum class Meaning {
  kWorks,    // text: the option here that it stands for
  kIgnored,  // text: why it changes nothing
  kRefused   // text: what would work
};

struct ForeignOption;
using Arguments = std::vector<std::string>;

// What `value` of the option is here: arguments of this program. Failure (kUsage) for a value that
// has no meaning. Flags have the values "true" and "false".
using Translation = Arguments (*)(const ForeignOption& option, const std::string& value);

struct ForeignOption {
  const char* names;  // options of the same lot by spaces, spellings of one by commas
  unsigned programs;
  Takes takes;
  Meaning meaning;
  const char* text;
  const char* same = "";  // values, by spaces, that ask for what is done anyway: taken in silence
  Translation translate = nullptr;  // none: the option of `text` takes the value as it is
  const char* environment = "";     // variables, by commas, beside those that follow from the names
};

// "MODEL" and "TEXT" as the text of a row stand for the arguments of that name, and "MODEL/FILE"
// for a file of the repository that MODEL is.
constexpr std::string_view kModelArgument = "MODEL", kTextArgument = "TEXT",
                           kFileArgument = "MODEL/FILE";

// The table, from the two files that hold it.
std::span<const ForeignOption> foreign_options();
std::span<const ForeignOption> foreign_model_rows();
std::span<const ForeignOption> foreign_server_rows();

// The row with the spelling `name` ("--tensor-parallel-size", "-tp"); null when there is none. One
// letter may be two programs' (-n): the row is that of one of `programs`, or else the first's.
const ForeignOption* find_foreign_option(std::string_view name, unsigned programs = 0);

// "--tensor-parallel-size,-tp" for each option of the row.
std::vector<std::string> options_of(const ForeignOption& row);
std::vector<std::string> split(std::string_view text, char separator);

// Variables that give the row's options a value: MODEL_ID, INFINITY_MODEL_ID...
std::vector<std::string> variables_of(const ForeignOption& row);

}  // namespace vecton::cli
