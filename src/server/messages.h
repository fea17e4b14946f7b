// Messages of a conversation as chat templates expect them: what clients leave out, write in other
// ways or give in parts is put in one form.
#pragma once

#include "base/json.h"
#include "server/fields.h"

namespace vecton::server {

// `parts`: the template reads content as a list of parts. Throws Failure (kInvalid) that names the
// message for what is no message, or holds more than text.
json::array normalised_messages(const json::array& messages, bool parts);

// Whether the template of this text reads the parts of a content.
bool reads_parts(std::string_view chat_template);

}  // namespace vecton::server
