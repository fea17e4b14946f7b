// A query's bits depend on nothing but the query and the keys it sees: not on the other sequences
// and queries of the call, the number of threads, nor on how many of the keys lie in pages.
#include <algorithm>

#include "ops/attention_input.h"

namespace vecton::test {
namespace {

constexpr BiasParts kEveryBias = {.by_head = true, .by_query = true, .by_key = true, .reach = 50};

void append(Matrix& to, const Matrix& from) {
  to.columns = from.columns;
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
  to.rows += from.rows;
}

// Some rows of a matrix that may be absent.
Matrix select(const Matrix& x, const std::vector<int32_t>& rows) {
  Matrix y(0, x.columns);
  for (const int32_t row : rows) {
    if (x.columns) append(y, rows_of(x, row, 1));
  }
  return y;
}

// A sequence all of whose rows are queries.
AttentionInput random_sequence(Random& random, const ops::AttentionShape& shape, int32_t length,
                               const BiasInput& bias) {
  AttentionInput in;
  in.shape = shape;
  in.queries = all_rows({length});
  in.lengths = {length};
  in.q = random_matrix(random, length, shape.heads * shape.head_dim, 3);
  in.k = random_matrix(random, length, shape.kv_heads * shape.head_dim, 3);
  in.v = random_matrix(random, length, shape.kv_heads * shape.head_dim);
  in.bias = bias;
  if (bias.by_query.columns)
    in.bias.by_query = random_matrix(random, length, bias.by_query.columns);
  if (bias.by_key.columns) in.bias.by_key = random_matrix(random, length, bias.by_key.columns);
  if (shape.window == 65) in.sinks = Numbers(static_cast<size_t>(shape.heads), 1.5f);
  return in;
}

// The same with only some of its queries.
AttentionInput with_queries(const AttentionInput& in, const std::vector<int32_t>& rows) {
  AttentionInput part = in;
  part.q = select(in.q, rows);
  part.bias.by_query = select(in.bias.by_query, rows);
  part.queries.index = rows;
  part.queries.offsets = {0, static_cast<int32_t>(rows.size())};
  return part;
}

// One call for all of them.
AttentionInput join(const std::vector<AttentionInput>& sequences) {
  AttentionInput all;
  all.shape = sequences.front().shape;
  all.bias = sequences.front().bias;
  all.sinks = sequences.front().sinks;
  all.bias.by_query = all.bias.by_key = Matrix();
  for (const AttentionInput& s : sequences) {
    append(all.q, s.q);
    append(all.k, s.k);
    append(all.v, s.v);
    append(all.bias.by_query, s.bias.by_query);
    append(all.bias.by_key, s.bias.by_key);
    all.lengths.push_back(s.lengths[0]);
    all.queries.index.insert(all.queries.index.end(), s.queries.index.begin(),
                             s.queries.index.end());
    all.queries.offsets.push_back(static_cast<int32_t>(all.queries.index.size()));
  }
  return all;
}

std::string describe(const ops::AttentionShape& shape, const BiasParts& bias) {
  return std::to_string(shape.heads) + "/" + std::to_string(shape.kv_heads) + " heads of " +
         std::to_string(shape.head_dim) + (shape.causal ? ", causal" : "") + ", window " +
         std::to_string(shape.window) + ", softcap " + std::to_string(shape.softcap) +
         (bias.by_head ? ", biased" : "");
}

// With all that a shape can have, causal and not.
template <class F>
void for_kinds(ops::AttentionShape shape, const F& f) {
  for (const bool causal : {false, true}) {
    shape.causal = causal;
    f(shape, BiasParts{});
    for (const int64_t window : {3, 65}) {
      ops::AttentionShape narrow = shape;
      narrow.window = window;
      f(narrow, BiasParts{});
      narrow.softcap = 2;
      f(narrow, kEveryBias);
    }
    ops::AttentionShape capped = shape;
    capped.softcap = 4;
    f(capped, BiasParts{});
    f(shape, kEveryBias);
  }
}

class AttentionSameness : public OpTest {
 protected:
  void check(const ops::AttentionShape& shape, const BiasParts& bias) {
    if (HasFailure()) return;
    SCOPED_TRACE(describe(shape, bias));
    Random random(static_cast<uint32_t>(shape.head_dim));
    const std::unique_ptr<base::ThreadPool> one = make_pool(1), four = make_pool(4);
    const std::unique_ptr<Ops> alone = make(*one), crowded = make(*four);
    const BiasInput shared = random_bias(random, shape, 1, 1, bias);
    std::vector<AttentionInput> sequences;
    std::vector<Matrix> expected;
    for (const int32_t length : {1, 2, 7, 16, 33, 64, 65, 150, 300}) {
      sequences.push_back(random_sequence(random, shape, length, shared));
      const AttentionInput& s = sequences.back();
      expected.push_back(run_attention(*alone, s));
      std::vector<std::vector<int32_t>> parts = {{0}, {length / 3}, {length / 2}, {length - 1}, {}};
      for (int32_t i = length / 5; i < length; i += 2) parts.back().push_back(i);
      for (const std::vector<int32_t>& rows : parts) {
        expect_same_bits(run_attention(*crowded, with_queries(s, rows)),
                         select(expected.back(), rows));
      }
    }
    Matrix together, backwards;
    for (size_t i = 0; i < expected.size(); ++i) {
      append(together, expected[i]);
      append(backwards, expected[expected.size() - 1 - i]);
    }
    const AttentionInput forth = join(sequences),
                         back = join({sequences.rbegin(), sequences.rend()});
    for (Ops* ops : {alone.get(), ops_.get(), crowded.get()}) {
      expect_same_bits(run_attention(*ops, forth), together);
      expect_same_bits(run_attention(*ops, back), backwards);
    }
  }
};

TEST_P(AttentionSameness, AloneAndTogether) {
  for (const bool causal : {false, true}) {
    for (const int64_t head_dim : {8, 32, 64, 80, 128}) {
      check({.heads = 4, .kv_heads = 2, .head_dim = head_dim, .scale = 0.2f, .causal = causal}, {});
    }
    check({.heads = 3, .kv_heads = 3, .head_dim = 32, .scale = 0.2f, .causal = causal}, {});
    check({.heads = 8, .kv_heads = 1, .head_dim = 24, .scale = 0.2f, .causal = causal}, {});
  }
}

TEST_P(AttentionSameness, EveryKind) {
  for (const int64_t kv_heads : {1, 2}) {
    for_kinds({.heads = 2, .kv_heads = kv_heads, .head_dim = 20, .scale = 0.2f},
              [&](const ops::AttentionShape& shape, const BiasParts& bias) { check(shape, bias); });
  }
}

// Causal rows do not see what comes after them, so cutting it off changes nothing.
TEST_P(AttentionSameness, CausalPrefix) {
  Random random(8);
  for (const int64_t window : {0, 40}) {
    const ops::AttentionShape shape{
        .heads = 4, .kv_heads = 2, .head_dim = 32, .scale = 0.3f, .causal = true, .window = window};
    const AttentionInput whole = random_sequence(random, shape, 200, {});
    const Matrix expected = run_attention(*ops_, whole);
    for (const int64_t length : {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 199}) {
      std::vector<int32_t> rows;
      for (int32_t i = 0; i < length; ++i) rows.push_back(i);
      AttentionInput prefix = with_queries(whole, rows);
      prefix.k = rows_of(whole.k, 0, length);
      prefix.v = rows_of(whole.v, 0, length);
      prefix.lengths = {static_cast<int32_t>(length)};
      SCOPED_TRACE("prefix of " + std::to_string(length));
      expect_same_bits(run_attention(*ops_, prefix), rows_of(expected, 0, length));
    }
  }
}

// Many queries of many keys, and few: only for the many it pays to move the keys first.
TEST_P(AttentionSameness, ManyKeys) {
  Random random(10);
  const ops::AttentionShape shape{
      .heads = 2, .kv_heads = 2, .head_dim = 256, .scale = 0.1f, .causal = true};
  const AttentionInput whole = random_sequence(random, shape, 1100, {});
  std::vector<int32_t> many, few;
  for (int32_t i = 0; i < 1100; i += 3) many.push_back(i);
  for (int32_t i = 0; i < 1100; i += 99) few.push_back(i);
  expect_same_bits(select(run_attention(*ops_, with_queries(whole, many)), {0, 33, 330, 363}),
                   run_attention(*ops_, with_queries(whole, {0, 99, 990, 1089})));
  const AttentionInput joined = join({with_queries(whole, many), with_queries(whole, few)});
  const Matrix expected = run_attention(*ops_, joined);
  const std::unique_ptr<base::ThreadPool> four = make_pool(4);
  expect_same_bits(run_attention(*make(*four), joined), expected);
  expect_same_bits(
      run_attention(*ops_, joined, {.page_rows = 16, .cached = {40 * 16, 0}, .scattered = true}),
      expected);
}

TEST_P(AttentionSameness, Pages) {
  constexpr BiasParts kBias = {.by_head = true, .by_query = true, .reach = 50};
  Random random(9);
  for_kinds({.heads = 4, .kv_heads = 2, .head_dim = 20, .scale = 0.2f},
            [&](const ops::AttentionShape& shape, const BiasParts& every) {
              const BiasParts parts = every.by_head ? kBias : BiasParts{};
              SCOPED_TRACE(describe(shape, parts));
              const BiasInput shared = random_bias(random, shape, 1, 1, parts);
              std::vector<AttentionInput> sequences;
              for (const int32_t length : {1, 70, 300, 128})
                sequences.push_back(random_sequence(random, shape, length, shared));
              const AttentionInput all = join(sequences);
              const Matrix expected = run_attention(*ops_, all);
              for (const int32_t page_rows : {1, 16, 64}) {
                for (const int32_t share : {1, 2, 3}) {  // thirds of each sequence
                  Paging paging{.page_rows = page_rows, .cached = {}, .scattered = share != 2};
                  for (const int32_t length : all.lengths)
                    paging.cached.push_back(length * share / 3 / page_rows * page_rows);
                  SCOPED_TRACE("pages of " + std::to_string(page_rows));
                  expect_same_bits(run_attention(*ops_, all, paging), expected);
                }
              }
            });
}

// However many rows of a sequence lie in pages, the last of them filled in part: a sequence that
// goes on by one token gives the bits of one that was there as a whole.
TEST_P(AttentionSameness, PagesFilledInPart) {
  Random random(11);
  for (const int64_t window : {0, 40}) {
    const ops::AttentionShape shape{
        .heads = 4, .kv_heads = 2, .head_dim = 20, .scale = 0.2f, .causal = true, .window = window};
    const AttentionInput whole = random_sequence(random, shape, 150, {});
    const AttentionInput last = with_queries(whole, {149});
    const Matrix expected = run_attention(*ops_, last);
    for (int32_t cached = 0; cached < 150; ++cached) {
      SCOPED_TRACE(std::to_string(cached) + " rows in pages");
      expect_same_bits(run_attention(*ops_, last, {.page_rows = 16, .cached = {cached}}), expected);
    }
  }
}

// Keys that the type of the pages holds as they are: in pages or not, in place or moved first.
TEST_P(AttentionSameness, NarrowPages) {
  Random random(12);
  for (const tensor::DType dtype : kNarrowTypes) {
    if (!has(dtype)) continue;
    SCOPED_TRACE(to_string(dtype));
    for (const int64_t head_dim : {20, 256}) {
      const ops::AttentionShape shape{.heads = 4,
                                      .kv_heads = 2,
                                      .head_dim = head_dim,
                                      .scale = 0.2f,
                                      .causal = true,
                                      .window = head_dim == 20 ? 200 : 0};
      AttentionInput in = random_sequence(random, shape, 1100, {});
      in.k = download(*ops_, ops_->round_to(upload(*ops_, in.k), dtype));
      in.v = download(*ops_, ops_->round_to(upload(*ops_, in.v), dtype));
      const Matrix expected = run_attention(*ops_, in);
      for (const int32_t cached : {16, 333, 1090}) {
        const Paging paging{.page_rows = 16, .cached = {cached}, .dtype = dtype};
        expect_same_bits(run_attention(*ops_, in, paging), expected);
        expect_same_bits(run_attention(*ops_, with_queries(in, {1099}), paging),
                         rows_of(expected, 1099, 1));
      }
    }
  }
}

VECTON_FOR_EVERY_TARGET(AttentionSameness);

}  // namespace
}  // namespace vecton::test
