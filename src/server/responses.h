// OpenAI's Responses API: POST /v1/responses, without a memory of earlier answers.
#pragma once

#include "server/dialect.h"

namespace vecton::server::openai {

CallPlan responses(const Call& call);

}  // namespace vecton::server::openai
