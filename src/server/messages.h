// Messages of a conversation as chat templates expect them: what clients leave out, write in other
// ways or give in parts is put in one form.
#pragma once

#include <vector>

#include "base/json.h"
#include "server/fields.h"

namespace vecton::server {

// `parts`: the template reads content as a list of parts. `images`: gets what parts of images hold,
// which become {"type": "image"}; null = the model reads none. Throws Failure (kInvalid) that names
// the message for what is no message, or holds what the model does not read.
json::array normalised_messages(const json::array& messages, bool parts,
                                std::vector<Image>* images = nullptr);

// Whether the template of this text reads the parts of a content.
bool reads_parts(std::string_view chat_template);

}  // namespace vecton::server
