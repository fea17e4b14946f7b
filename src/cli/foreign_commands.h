// Whole command lines of other programs, typed after "vecton" or with it in their program's place.
#pragma once

#include "cli/foreign_options.h"

namespace vecton::cli {

struct OwnCommand {
  Arguments arguments;   // the command's name first
  unsigned program = 0;  // whose words they are, where the line says so (Program)
};

// The command of this program and its arguments: of "vllm serve X", "infinity_emb v2 --model-id X",
// "--model-id X --port 80" (text-embeddings-router), "--model X --text a" (mlx_embeddings)... What
// is typed as this program has it comes back as it is. Failure (kUsage) for a command of theirs
// that is not here, with what is.
OwnCommand own_command(const Arguments& typed);

}  // namespace vecton::cli
