// attention().
#include <algorithm>

#include "ops/attention_input.h"

namespace vecton::test {
namespace {

enum class Wanted { kAll, kFirst, kLast, kSome, kNone };

struct AttentionCase {
  int64_t heads, kv_heads, head_dim;
  bool causal = false;
  std::vector<int32_t> lengths;
  Wanted wanted = Wanted::kAll;
  float magnitude = 1;  // of q and k: scores grow with its square
  bool fused = false;
  int64_t window = 0;
  float softcap = 0;
  BiasParts bias = {};
  int64_t page_rows = 0;   // half of each sequence is in pages of this size
  bool full_pages = true;  // no page is filled in part
  bool scattered = true;
  std::vector<int32_t> attended = {};
  float sinks = 0;  // every head has one, within -sinks .. sinks; 0 = none
  tensor::DType pages = tensor::DType::kF32;
};

std::string describe(const AttentionCase& c) {
  return std::to_string(c.heads) + "/" + std::to_string(c.kv_heads) + " heads of " +
         std::to_string(c.head_dim) + (c.causal ? ", causal" : "") + ", lengths " +
         testing::PrintToString(c.lengths) + ", wanted " +
         std::to_string(static_cast<int>(c.wanted)) + ", magnitude " + std::to_string(c.magnitude) +
         (c.fused ? ", fused" : "") + ", window " + std::to_string(c.window) + ", softcap " +
         std::to_string(c.softcap) + (c.bias.by_head ? ", bias by head" : "") +
         (c.bias.by_query ? ", bias by query" : "") + (c.bias.by_key ? ", bias by key" : "") +
         ", pages of " + std::to_string(c.page_rows) + " " + std::string(to_string(c.pages)) +
         ", sinks " + std::to_string(c.sinks);
}

tensor::Rows wanted_rows(const std::vector<int32_t>& lengths, Wanted wanted) {
  tensor::Rows rows;
  for (size_t s = 0; s < lengths.size(); ++s) {
    const int32_t length = lengths[s];
    for (int32_t i = 0; i < length; ++i) {
      const bool some = (i * 7 + static_cast<int32_t>(s)) % 3 == 0 &&
                        s % 4 != 3;  // none of every fourth sequence
      if (wanted == Wanted::kAll || (wanted == Wanted::kFirst && i == 0) ||
          (wanted == Wanted::kLast && i == length - 1) || (wanted == Wanted::kSome && some)) {
        rows.index.push_back(i);
      }
    }
    rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
  }
  return rows;
}

class Attention : public OpTest {
 protected:
  void check(const AttentionCase& c) {
    if (HasFailure() || !has(c.pages)) return;
    SCOPED_TRACE(describe(c));
    Random random(static_cast<uint32_t>(c.heads * 100 + c.head_dim));
    const int64_t q_columns = c.heads * c.head_dim, kv_columns = c.kv_heads * c.head_dim;
    const tensor::Rows all = all_rows(c.lengths);
    AttentionInput in;
    in.shape = {c.heads,  c.kv_heads, c.head_dim, 1 / std::sqrt(static_cast<float>(c.head_dim)),
                c.causal, c.window,   c.softcap};
    in.queries = wanted_rows(c.lengths, c.wanted);
    in.lengths = c.lengths;
    in.attended = c.attended;
    in.q = random_matrix(random, in.queries.count(), q_columns, c.magnitude);
    in.k = random_matrix(random, all.count(), kv_columns, c.magnitude);
    in.v = random_matrix(random, all.count(), kv_columns);
    in.bias = random_bias(random, in.shape, in.queries.count(), all.count(), c.bias);
    if (c.sinks > 0) in.sinks = random_numbers(random, c.heads, -c.sinks, c.sinks);
    Paging paging{
        .page_rows = c.page_rows, .cached = {}, .scattered = c.scattered, .dtype = c.pages};
    if (c.page_rows > 0) {
      for (const int32_t length : c.lengths)
        paging.cached.push_back(static_cast<int32_t>(
            c.full_pages ? length / 2 / c.page_rows * c.page_rows : length / 2));
    }
    expect_close(run_attention(*ops_, in, paging, c.fused),
                 run_attention(*ref_, in, paging, c.fused), attention_scale(in), sum_bound(600));
  }
};

TEST_P(Attention, HeadDims) {
  for (const int64_t head_dim : {8, 16, 24, 32, 40, 64, 80, 96, 128, 256}) {
    for (const bool causal : {false, true}) {
      check({.heads = 3,
             .kv_heads = 3,
             .head_dim = head_dim,
             .causal = causal,
             .lengths = {1, 5, 17, 64, 33}});
      check({.heads = 4,
             .kv_heads = 2,
             .head_dim = head_dim,
             .causal = causal,
             .lengths = {40, 1, 2},
             .fused = true});
    }
  }
}

TEST_P(Attention, EveryLength) {
  for (const bool causal : {false, true}) {
    for (int32_t length = 0; length <= 70; ++length) {
      check({.heads = 2, .kv_heads = 1, .head_dim = 16, .causal = causal, .lengths = {length}});
    }
    for (const int32_t length : {95, 96, 97, 127, 128, 129, 255, 256, 257, 511, 513, 600}) {
      check({.heads = 2, .kv_heads = 2, .head_dim = 32, .causal = causal, .lengths = {length}});
    }
  }
}

TEST_P(Attention, ManySequences) {
  for (const bool causal : {false, true}) {
    for (const bool fused : {false, true}) {
      check({.heads = 12,
             .kv_heads = 12,
             .head_dim = 32,
             .causal = causal,
             .lengths = {3, 1, 77, 12, 0, 31, 32, 33, 5, 120, 2},
             .fused = fused});
      check({.heads = 16,
             .kv_heads = 8,
             .head_dim = 64,
             .causal = causal,
             .lengths = {60, 7, 1, 19},
             .fused = fused});
    }
  }
}

TEST_P(Attention, GroupsOfHeads) {
  for (const int64_t group : {1, 2, 3, 4, 7, 8}) {
    check({.heads = 2 * group,
           .kv_heads = 2,
           .head_dim = 16,
           .causal = true,
           .lengths = {1, 30, 65}});
    check({.heads = group, .kv_heads = 1, .head_dim = 24, .lengths = {50}, .fused = true});
  }
}

TEST_P(Attention, WantedRows) {
  for (const bool causal : {false, true}) {
    for (const Wanted wanted : {Wanted::kFirst, Wanted::kLast, Wanted::kSome, Wanted::kNone}) {
      check({.heads = 4,
             .kv_heads = 2,
             .head_dim = 32,
             .causal = causal,
             .lengths = {1, 2, 65, 20, 130, 7, 1, 300},
             .wanted = wanted,
             .fused = causal});
    }
  }
}

TEST_P(Attention, LargeScores) {
  for (const bool causal : {false, true}) {
    for (const float magnitude : {1e-4f, 5.0f, 20.0f, 200.0f}) {
      check({.heads = 2,
             .kv_heads = 2,
             .head_dim = 64,
             .causal = causal,
             .lengths = {100, 3},
             .magnitude = magnitude});
    }
  }
}

TEST_P(Attention, Windows) {
  for (const bool causal : {false, true}) {
    for (const int64_t window : {1, 2, 7, 16, 33, 65, 120, 121, 300, 5000}) {
      for (const Wanted wanted : {Wanted::kAll, Wanted::kLast, Wanted::kSome}) {
        check({.heads = 4,
               .kv_heads = 2,
               .head_dim = 16,
               .causal = causal,
               .lengths = {1, 2, 0, 65, 33, 400, 130},
               .wanted = wanted,
               .fused = causal,
               .window = window});
      }
    }
    for (const int32_t length : {31, 32, 33, 63, 64, 65, 119, 120, 121, 240, 241, 360, 700}) {
      check({.heads = 2,
             .kv_heads = 2,
             .head_dim = 24,
             .causal = causal,
             .lengths = {length},
             .window = 65});
    }
  }
}

TEST_P(Attention, WindowsWithoutAKey) {
  for (const bool causal : {false, true}) {
    check({.heads = 2,
           .kv_heads = 1,
           .head_dim = 20,
           .causal = causal,
           .lengths = {200, 3, 40, 7},
           .window = 5,
           .attended = {100, 3, 0, 1}});
    check({.heads = 2,
           .kv_heads = 2,
           .head_dim = 20,
           .causal = causal,
           .lengths = {200, 3, 40, 7},
           .attended = {100, 3, 0, 1}});
  }
}

TEST_P(Attention, SoftCaps) {
  for (const bool causal : {false, true}) {
    for (const float softcap : {0.5f, 5.0f, 50.0f}) {
      for (const float magnitude : {0.1f, 1.0f, 10.0f}) {
        check({.heads = 4,
               .kv_heads = 2,
               .head_dim = 32,
               .causal = causal,
               .lengths = {1, 17, 200},
               .magnitude = magnitude,
               .window = causal ? 40 : 0,
               .softcap = softcap});
      }
    }
  }
}

TEST_P(Attention, Biases) {
  constexpr BiasParts kParts[] = {
      {.by_head = true}, {.by_query = true}, {.by_key = true}, {true, true, true, 200}};
  for (const BiasParts& parts : kParts) {
    for (const bool causal : {false, true}) {
      for (const int64_t group : {1, 3}) {
        for (const Wanted wanted :
             {Wanted::kAll, Wanted::kFirst, Wanted::kLast, Wanted::kSome, Wanted::kNone}) {
          check({.heads = 2 * group,
                 .kv_heads = 2,
                 .head_dim = 16,
                 .causal = causal,
                 .lengths = {1, 2, 16, 17, 0, 33, 130},
                 .wanted = wanted,
                 .fused = group == 1,
                 .bias = parts});
        }
      }
    }
    for (const int32_t length : {15, 31, 32, 64, 65, 119, 121, 250})
      check({.heads = 3, .kv_heads = 3, .head_dim = 8, .lengths = {length}, .bias = parts});
  }
}

TEST_P(Attention, Pages) {
  for (const int64_t page_rows : {1, 3, 16, 64}) {
    for (const bool scattered : {false, true}) {
      for (const Wanted wanted : {Wanted::kAll, Wanted::kLast}) {
        check({.heads = 4,
               .kv_heads = 2,
               .head_dim = 32,
               .causal = true,
               .lengths = {1, 2, 65, 20, 0, 130, 7, 300},
               .wanted = wanted,
               .fused = true,
               .page_rows = page_rows,
               .scattered = scattered});
      }
    }
  }
}

// The last page of a sequence holds fewer rows than it has room for.
TEST_P(Attention, PagesFilledInPart) {
  for (const int64_t page_rows : {3, 16, 64}) {
    for (const int64_t window : {0, 20}) {
      check({.heads = 4,
             .kv_heads = 2,
             .head_dim = 32,
             .causal = true,
             .lengths = {1, 2, 65, 20, 0, 130, 7, 300},
             .fused = true,
             .window = window,
             .page_rows = page_rows,
             .full_pages = false});
    }
  }
}

TEST_P(Attention, NarrowPages) {
  for (const tensor::DType pages : kNarrowTypes) {
    for (const int64_t head_dim : {8, 20, 64, 128}) {
      for (const int64_t window : {0, 20}) {
        check({.heads = 4,
               .kv_heads = 2,
               .head_dim = head_dim,
               .causal = true,
               .lengths = {1, 2, 65, 20, 0, 130, 7, 300},
               .fused = true,
               .window = window,
               .page_rows = 16,
               .full_pages = false,
               .scattered = head_dim != 64,
               .sinks = head_dim == 8 ? 2.0f : 0.0f,
               .pages = pages});
      }
    }
    check({.heads = 2,
           .kv_heads = 2,
           .head_dim = 256,
           .causal = true,
           .lengths = {9, 1100},
           .wanted = Wanted::kSome,
           .page_rows = 16,
           .pages = pages});
  }
}

// So many keys that it pays to move them first.
TEST_P(Attention, ManyKeys) {
  for (const int64_t page_rows : {0, 16}) {
    check({.heads = 2,
           .kv_heads = 2,
           .head_dim = 256,
           .causal = page_rows > 0,
           .lengths = {9, 1100},
           .wanted = Wanted::kSome,
           .fused = true,
           .page_rows = page_rows});
  }
}

TEST_P(Attention, AllAtOnce) {
  for (const int64_t page_rows : {0, 1, 16}) {
    for (const int64_t group : {1, 4}) {
      for (const Wanted wanted : {Wanted::kAll, Wanted::kSome}) {
        check({.heads = 2 * group,
               .kv_heads = 2,
               .head_dim = 40,
               .causal = true,
               .lengths = {1, 65, 300, 16, 33},
               .wanted = wanted,
               .window = 50,
               .softcap = 3,
               .bias = {.by_head = true, .by_query = true, .by_key = page_rows == 0},
               .page_rows = page_rows});
      }
    }
  }
}

TEST_P(Attention, Sinks) {
  for (const float sinks : {0.5f, 8.0f, 60.0f}) {
    for (const int64_t window : {0, 30}) {
      for (const int64_t page_rows : {0, 16}) {
        check({.heads = 6,
               .kv_heads = 2,
               .head_dim = 24,
               .causal = true,
               .lengths = {1, 2, 65, 0, 250},
               .wanted = page_rows > 0 ? Wanted::kSome : Wanted::kAll,
               .window = window,
               .softcap = sinks < 1 ? 5.0f : 0.0f,
               .page_rows = page_rows,
               .sinks = sinks});
      }
    }
  }
}

// One key whose score is 0 and a sink of ln 3: the key has a quarter of the softmax.
TEST_P(Attention, ASinkTakesItsPart) {
  AttentionInput in;
  in.shape = {.heads = 1, .kv_heads = 1, .head_dim = 4, .scale = 1, .causal = true};
  in.queries = all_rows({1});
  in.lengths = {1};
  in.q = in.k = Matrix(1, 4);
  in.v = Matrix(1, 4, 8);
  in.sinks = {std::log(3.0f)};
  expect_close(run_attention(*ops_, in), Matrix(1, 4, 2), Matrix(1, 4, 8), 4 * kRoundoff);
}

VECTON_FOR_EVERY_TARGET(Attention);

}  // namespace
}  // namespace vecton::test
