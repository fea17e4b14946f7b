// Text in HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace vecton::base {

// `text` with &, <, >, " and ' as entities, so that it is a text within an element and within the
// quotes of an attribute. As markupsafe spells them.
std::string escape_markup(std::string_view text);

}  // namespace vecton::base
