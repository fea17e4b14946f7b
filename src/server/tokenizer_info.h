// vLLM's GET /tokenizer_info: the settings of the model's tokenizer.
#pragma once

#include "server/dialect.h"

namespace vecton::server {

// What tokenizer_config.json says, without paths, with the name of the class and the chat template
// in force; of a model without that file, what is known of its tokenizer.
HttpResponse tokenizer_info(const Context& context);

}  // namespace vecton::server
