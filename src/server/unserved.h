// Routes of tasks that the loaded model does not do: their clients learn what it does.
#pragma once

#include "server/dialect.h"

namespace vecton::server::unserved {

Plan openai(const Call& call);
Plan tei(const Call& call);

}  // namespace vecton::server::unserved
