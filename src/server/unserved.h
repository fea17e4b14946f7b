// Routes of what no loaded model does: their clients learn what it does.
#pragma once

#include "server/dialect.h"

namespace vecton::server::unserved {

Plan generation(const Call& call);

}  // namespace vecton::server::unserved
