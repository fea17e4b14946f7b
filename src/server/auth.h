// API keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vecton::server {

// Whether an Authorization header carries one of `keys` ("Bearer KEY", the scheme in any case).
// Takes a time that does not depend on how much of a key was guessed.
bool authorized(std::string_view header, const std::vector<std::string>& keys);

}  // namespace vecton::server
