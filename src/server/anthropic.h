// The dialect of Anthropic's Messages API.
#pragma once

#include "server/dialect.h"

namespace vecton::server::anthropic {

CallPlan messages(const Call& call);      // POST /v1/messages
CallPlan count_tokens(const Call& call);  // POST /v1/messages/count_tokens

// {"type":"error","error":{"type","message"}}
HttpResponse refuse(const Failure& failure, int64_t max_model_len);

}  // namespace vecton::server::anthropic
