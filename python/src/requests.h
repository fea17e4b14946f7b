// Results: what an engine answered, as Python sees it. The numbers stay where the engine put them
// as long as an array shows them.
#pragma once

#include <nanobind/ndarray.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "binding.h"
#include "vecton/request.h"

namespace vecton::python {

// A request for every input: like one Request, or like each of a list of them. `seconds` is None,
// or has the second text of each: the document of Score, the pair of Classify, the parts of Embed.
// An input, and a document, is a text or what vecton/pictures.py makes a Prompt of; an input may be
// Messages or token ids as well. `first`: the place of the first among the caller's inputs, for
// messages.
std::vector<Request> make_requests(nb::list inputs, nb::handle like, nb::handle seconds,
                                   size_t first = 0);

// Messages, alone or with the pictures that their parts stand for.
const Chat& to_chat(nb::handle messages);

class Results {
 public:
  using Shared = std::shared_ptr<const std::vector<Result>>;

  explicit Results(std::vector<Result> results)
      : results_(std::make_shared<const std::vector<Result>>(std::move(results))) {}

  int64_t size() const { return static_cast<int64_t>(results_->size()); }
  void raise_first(size_t first) const;  // as make_requests'
  nb::object error(int64_t index) const;
  // `also`: the answer to that one of the request's further tasks; -1 = to its own.
  nb::object values(int64_t index, int64_t also) const;  // [rows, columns]
  nb::object vector(int64_t index) const;                // [values]
  nb::object ids(int64_t index, int64_t also) const;
  nb::object sizes(int64_t also) const;  // rows of each
  nb::object tokens(int64_t index, int64_t also) const;
  nb::object matrix(int64_t also) const;
  void copy_into(nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu> out, int64_t start,
                 int64_t also) const;
  nb::object scores() const;
  nb::object logits() const;
  nb::object prompt_tokens() const;
  nb::object truncated() const;
  nb::object entities(int64_t index, const std::string& text, const std::string& aggregation,
                      const Engine& engine) const;
  // `best`: of its completions the likeliest ones per token alone (keep_best()).
  nb::object generation(int64_t index, std::optional<int64_t> best) const;
  nb::object fillings(int64_t index, const Engine& engine) const;

 private:
  const Result& at(int64_t index) const;

  Shared results_;
};

}  // namespace vecton::python
