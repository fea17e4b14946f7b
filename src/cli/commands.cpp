// The table of commands.
#include "cli/command.h"

namespace vecton::cli {

namespace {
constexpr Command kCommands[] = {
    {"chat", "Talk with a model", define_chat},
    {"generate", "Let a model go on with texts", define_generate},
    {"embed", "Turn texts into vectors", define_embed},
    {"similarity", "Compare texts: a similarity matrix, a ranking, a picture", define_similarity},
    {"rerank", "Sort documents by how well they answer a query", define_rerank},
    {"score", "Score pairs of texts: queries and documents", define_score},
    {"classify", "Label texts, or pairs of texts", define_classify},
    {"tag", "Label the tokens of texts: names, places, parts of speech", define_tag},
    {"fill-mask", "Find the likeliest tokens for a text's masks", define_fill_mask},
    {"encode", "Write the tensors of any task to a safetensors file", define_encode},
    {"serve", "Answer HTTP requests (OpenAI, vLLM and TEI routes)", define_serve},
    {"bench", "Measure speed, against what this machine could do at most", define_bench},
    {"info", "Show how a model will be run", define_info},
    {"models", "List the model families that are supported", define_models},
    {"pull", "Download a model from the hub", define_pull},
    {"convert", "Make an MLX checkpoint of a model, quantised or not", define_convert},
    {"tokenize", "Turn texts into token ids", define_tokenize},
    {"detokenize", "Turn token ids into texts", define_detokenize},
    {"completion", "Print a completion script for bash, zsh or fish", define_completion},
};
}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace vecton::cli
