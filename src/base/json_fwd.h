// The names of JSON's types, for headers that pass values on: boost/json/fwd.hpp costs a fifth of
// what the whole library does. base/json.h is for the files that look into a value.
#pragma once

#include <boost/json/fwd.hpp>

namespace vecton {

namespace json = boost::json;

}  // namespace vecton
