#include "grammar/object_rule.h"

#include <initializer_list>
#include <map>
#include <tuple>
#include <utility>

namespace vecton::grammar {

namespace {

class ObjectRule {
 public:
  ObjectRule(Grammar& grammar, Expr space, const ObjectMembers& members)
      : grammar_(grammar),
        pool_(grammar.pool),
        space_(space),
        members_(members),
        rule_(grammar.add_rule("object")),
        end_(grammar.add_state(rule_)) {
    grammar_.set_final(end_);
    look_ahead();
  }

  Symbol made() {
    const Place nothing{.begins = true};
    const int32_t first = members_.most == 0 ? kNowhere : state(nothing);
    const bool may_be_empty = may_close(nothing);
    if (first == kNowhere && !may_be_empty) return Symbol();
    const int32_t start = grammar_.start(rule_);
    connect(start, {pool_.byte('{'), space_, quote_}, first);
    if (may_be_empty) connect(start, {pool_.byte('{'), space_, brace_}, end_);
    while (!open_.empty()) {
      const Place place = open_.back();
      open_.pop_back();
      const int32_t from = states_.at(place);
      if (!place.begins) {
        go_on(from, place);
      } else if (place.names < members_.named.size()) {
        read_named(from, place);
      } else {
        read_other(from, place);
      }
    }
    return Symbol::rule(rule_);
  }

 private:
  // Behind so many names, with so many members, and what was found; behind the quote that begins a
  // member, or behind a member.
  struct Place {
    size_t names = 0;
    int64_t members = 0;
    uint64_t found = 0;
    bool begins = false;
    bool operator<(const Place& other) const {
      return std::tie(names, members, found, begins) <
             std::tie(other.names, other.members, other.found, other.begins);
    }
  };
  static constexpr int32_t kNowhere = -1;

  void look_ahead() {
    const size_t n = members_.named.size();
    later_.assign(n + 1, 0);
    none_.assign(n + 1, 0);
    for (const ObjectMembers::Way& other : members_.others) later_[n] |= other.sure | other.found;
    for (size_t i = n; i-- > 0;) {
      const ObjectMembers::Named& named = members_.named[i];
      if (named.required) closing_ = std::max(closing_, i + 1);
      none_[i] = none_[i + 1] | named.missing;
      later_[i] = later_[i + 1] | (named.required ? 0 : named.missing);
      for (const ObjectMembers::Way& way : named.ways) later_[i] |= way.sure | way.found;
    }
  }

  int32_t state(const Place& place) {
    if ((place.found | later_[place.names]) != members_.all) return kNowhere;
    const auto [it, added] = states_.try_emplace(place, 0);
    if (added) {
      it->second = grammar_.add_state(rule_);
      open_.push_back(place);
    }
    return it->second;
  }

  bool may_close(const Place& place) const {
    return place.names >= closing_ && place.members >= members_.least &&
           (place.found | none_[place.names]) == members_.all;
  }

  void connect(int32_t from, std::initializer_list<Expr> parts, int32_t to) {
    if (to != kNowhere) grammar_.connect(from, Symbol::terminal(pool_.sequence(parts)), to);
  }

  // Behind a member.
  void go_on(int32_t from, Place place) {
    if (may_close(place)) connect(from, {space_, brace_}, end_);
    if (members_.most != kUnbounded && place.members >= members_.most) return;
    if (place.names == members_.named.size() && members_.others.empty()) return;
    place.begins = true;
    connect(from, {space_, pool_.byte(','), space_, quote_}, state(place));
  }

  // The place behind a member that is read that way, and as many names.
  int32_t behind(const Place& place, const ObjectMembers::Way& way, size_t names) {
    return state({.names = names,
                  .members = std::min(place.members + 1, members_.counted()),
                  .found = place.found | way.sure | way.found});
  }

  void read_other(int32_t from, const Place& place) {
    for (const ObjectMembers::Way& other : members_.others) {
      if (other.found & place.found) continue;
      const int32_t to = behind(place, other, place.names);
      if (to != kNowhere) grammar_.connect(from, other.value, to);
    }
  }

  void read_named(int32_t from, const Place& place) {
    const ObjectMembers::Named& named = members_.named[place.names];
    if (!named.required) {
      Place without = place;
      ++without.names;
      without.found |= named.missing;
      const int32_t to = state(without);
      if (to != kNowhere) grammar_.connect(from, to);
    }
    for (const ObjectMembers::Way& way : named.ways) {
      if (way.found & place.found) continue;
      const int32_t to = behind(place, way, place.names + 1);
      if (to == kNowhere) continue;
      if (way.value.is_terminal()) {
        connect(from, {named.key, way.value.index}, to);
      } else {
        connect(from, {named.key}, before(way.value, to));
      }
    }
  }

  // Where a value is read that `to` follows.
  int32_t before(Symbol value, int32_t to) {
    const auto [it, added] = between_.try_emplace({value.index, to}, 0);
    if (added) {
      it->second = grammar_.add_state(rule_);
      grammar_.connect(it->second, value, to);
    }
    return it->second;
  }

  Grammar& grammar_;
  ExpressionPool& pool_;
  const Expr space_;
  const ObjectMembers& members_;
  const int32_t rule_, end_;
  const Expr quote_ = pool_.byte('"'), brace_ = pool_.byte('}');
  // What may still be found behind so many names; what is found where none follows, which may be
  // from `closing_` on.
  std::vector<uint64_t> later_, none_;
  size_t closing_ = 0;
  std::map<Place, int32_t> states_;
  std::vector<Place> open_;
  std::map<std::pair<int32_t, int32_t>, int32_t> between_;  // names and values, by what follows
};

}  // namespace

Symbol object_rule(Grammar& grammar, Expr space, const ObjectMembers& members) {
  return ObjectRule(grammar, space, members).made();
}

}  // namespace vecton::grammar
