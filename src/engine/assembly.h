// Assembly: requests that take several sequences (a score of two vectors, an over-long text in
// pieces) and how their results become one. Used by Engine::submit; a value per submit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/generating.h"
#include "engine/plan.h"
#include "engine/routes.h"
#include "engine/runner.h"
#include "engine/sequence.h"
#include "ops/ops.h"
#include "vecton/vecton.h"

namespace vecton::engine {

class Assembly {
 public:
  // Errors name the request ("input[3]: ...").
  // `writers` and `most_tokens`: of a model that generates (Writers::make).
  Assembly(const Routes& routes, const Writers* writers, int64_t most_tokens,
           const std::vector<Request>& requests);

  // The sequences of all requests; taken once.
  std::vector<Sequence> take_sequences() { return std::move(sequences_); }

  size_t requests() const { return items_.size(); }

  // The results of the requests from those of the sequences. `ops` computes scores, and `runner`
  // what texts without tokens come to.
  std::vector<Result> assemble(Ops& ops, const Runner& runner, std::vector<Result> parts) const;

 private:
  // Texts without tokens are no work: they are in empty_, counted from here on, and their results
  // follow those of the sequences.
  static constexpr size_t kFirstEmpty = size_t{1} << 62;

  // A request's sequences: one, its query's and its document's, its image's and its candidates',
  // its pieces, or its completions.
  enum class Kind { kWhole, kScore, kCandidates, kPieces, kCompletions };
  struct Item {
    Kind kind = Kind::kWhole;
    std::vector<size_t> sequences;
    bool activated = true;  // Score::use_activation, Classify::use_activation
  };

  size_t add(Sequence sequence);
  size_t place_of(const std::vector<Result>& parts, size_t index) const;
  const Result& part_of(const std::vector<Result>& parts, size_t index) const;
  Item score_item(const Routes& routes, const Request& request, const Score& task,
                  const std::string& where, FetchedPictures& fetched);
  Item candidates_item(const Routes& routes, const Request& request, const Classify& task,
                       const std::string& where, FetchedPictures& fetched);
  // Of one query: the vectors of its documents, rows offsets[i] .. offsets[i + 1]; of sparse ones
  // the numbers, and the tokens that they are of.
  struct Documents {
    std::vector<float> rows;
    std::vector<int32_t> ids, offsets{0};
    void add(const Answer& document);
  };
  Tensor compare(Ops& ops, const Answer& query, const Documents& group) const;
  void score(Ops& ops, const std::vector<Result>& parts,
             const std::optional<models::PairLogits>& pair, std::vector<Result>& results) const;
  Result choose(Ops& ops, const Item& item, const std::vector<Result>& parts,
                const models::PairLogits& pair) const;
  Result join(Ops& ops, const Item& item, const std::vector<Result>& parts) const;
  static Result join_completions(const Item& item, std::vector<Result>& parts);

  const Plan& plan_;
  std::vector<Sequence> sequences_;
  std::vector<int64_t> tokens_;  // of each sequence
  std::vector<Sequence> empty_;
  std::vector<Item> items_;  // one per request
};

}  // namespace vecton::engine
