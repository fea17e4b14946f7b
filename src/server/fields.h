// Fields: typed reading of one JSON object of a request. Wrong fields are collected, so that an
// answer names all of them; null means absent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "server/failure.h"
#include "vecton/request.h"

namespace vecton::server {

using Input = decltype(Prompt::input);

// What a route's input field held.
struct Inputs {
  std::vector<Input> items;
  bool single = false;                       // one text or one list of ids, not a list of them
  std::vector<std::vector<Image>> images{};  // of each item; empty = none has any
};

// For tests: the names that readers on this thread are asked for while it lives, those of objects
// within a body as "stream_options.include_usage".
class FieldsWatch {
 public:
  FieldsWatch();
  ~FieldsWatch();
  FieldsWatch(const FieldsWatch&) = delete;
  FieldsWatch& operator=(const FieldsWatch&) = delete;

  std::set<std::string> names;
};

// A field by which some API changes its answer. A route that has none of that name refuses it,
// unless it asks for what is done anyway.
struct Effective {
  std::string_view name;
  std::string_view harmless = "null";  // the JSON of a value that changes nothing
};

class Fields {
 public:
  // `object` outlives the reader.
  explicit Fields(const json::object& object, std::string where = "body")
      : object_(object), where_(std::move(where)) {}

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<int64_t> integer(std::string_view key, std::optional<int64_t> least = {});
  std::optional<double> number(std::string_view key, double least, double most);
  // One of a few words, compared as they are.
  std::optional<std::string> choice(std::string_view key,
                                    std::initializer_list<std::string_view> words);
  const json::object* object(std::string_view key);
  const json::value* any(std::string_view key);
  // These fields may be there and mean nothing to us.
  void ignore(std::initializer_list<std::string_view> keys);

  // A text, token ids, or a list of these, told apart by the first element. `mixed`: a list may
  // hold both kinds; `ids`: token ids are taken at all. An empty list gives no items.
  Inputs inputs(std::string_view key, bool mixed, bool ids = true);
  // A list of texts.
  std::vector<std::string> texts(std::string_view key);

  void require(std::string_view key);  // a problem when it is absent
  void wrong(std::string_view key, std::string type, std::string message);
  bool good() const { return problems_.empty(); }

  // Throws Failure when a field was wrong, or nobody read one that some API changes its answer by:
  // one of those that all routes know of, or of `more`. Gives the names of others that nobody read,
  // with those of objects within ("options.temprature"), which whoever asked has to be told.
  [[nodiscard]] std::vector<std::string> finish(std::span<const Effective> more = {});
  // The same of a reader of an object within `outer`'s, whose finish() gives the names.
  void finish_within(Fields& outer);
  // Of an object that no reader reads, in the body at `where`: what is none of `known` is among
  // the names that finish() gives.
  void note_unread(std::string_view where, const json::object& object,
                   std::initializer_list<std::string_view> known);

 private:
  void note(std::string_view key);
  std::string name_in_body(std::string_view key) const;
  void add(std::string where, std::string type, std::string message);
  bool ids(const json::value& list, const std::string& where, std::vector<int32_t>& out);

  const json::object& object_;
  std::string where_;
  std::vector<std::string_view> read_;
  std::vector<std::string> unread_within_;  // of objects within, by their names in the body
  std::vector<Problem> problems_;
};

}  // namespace vecton::server
