// Self-attention against torch (tests/golden/make/nn_blocks.py): masks, windows, caps, norms,
// rotations, grouped heads; and what must not matter, the batch around a sequence.
#include "nn/self_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"

namespace vecton::nn {
namespace {

using testing::linear_of;
using testing::near;
using testing::norm_of;
using testing::sines;
using testing::values_of;

constexpr int32_t kTokens = 5, kHidden = 4;

// Sequences of these lengths, all rows wanted.
tensor::Batch batch_of(const std::vector<int32_t>& lengths) {
  tensor::Batch batch;
  for (const int32_t length : lengths) {
    for (int32_t i = 0; i < length; ++i) batch.rows.index.push_back(i);
    batch.rows.offsets.push_back(static_cast<int32_t>(batch.rows.index.size()));
  }
  batch.ids.resize(batch.rows.index.size());
  batch.wanted = batch.rows;
  return batch;
}

class SelfAttentionTest : public ::testing::Test {
 protected:
  SelfAttention block(const ops::AttentionShape& shape) {
    const int64_t q = shape.heads * shape.head_dim, kv = 2 * shape.kv_heads * shape.head_dim;
    return {.q = linear_of(*ops_, q, kHidden, sines(q * kHidden, 0.3)),
            .kv = linear_of(*ops_, kv, kHidden, sines(kv * kHidden, 0.7)),
            .out = linear_of(*ops_, kHidden, q, sines(kHidden * q, 0.9)),
            .shape = shape};
  }
  void add_norms(SelfAttention& attention) {
    constexpr auto kRms = ops::NormWeight::Kind::kRmsNorm;
    attention.q_norm = norm_of(*ops_, kRms, sines(2, 1.1), {}, 1e-6f);
    attention.k_norm = norm_of(*ops_, kRms, sines(2, 1.3), {}, 1e-6f);
  }
  Tensor tokens(int64_t count = kTokens) {
    return ops_->upload(sines(count * kHidden, 0.37), count, kHidden);
  }
  std::vector<float> run(const SelfAttention& attention, const tensor::Batch& batch,
                         const Tensor& x, const Rope* rope = nullptr,
                         const Tensor* residual = nullptr) {
    const ForwardPass pass(*ops_, batch);
    const LayerRows rows = pass.rows_of(0, 1);
    std::optional<Rotation> rotation;
    if (rope) rotation = rope->rotation(pass);
    return values_of(*ops_, attention.forward(pass, x, rows.of(*ops_, x), rows, residual,
                                              rotation ? &*rotation : nullptr));
  }
  std::vector<float> run(const SelfAttention& attention, const Rope* rope = nullptr) {
    return run(attention, batch_of({kTokens}), tokens(), rope);
  }

  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  ops::AttentionShape shape_{.heads = 2, .kv_heads = 1, .head_dim = 2, .scale = 0.5f};
  Rope rope_{checkpoint::Config(json::parse("{}").as_object(), "config.json"), 2, 10000.0};
};

TEST_F(SelfAttentionTest, EveryTokenSeesAll) {
  EXPECT_THAT(
      run(block(shape_)),
      near({1.4594480f, -1.0305017f, 0.3887741f, 0.3332288f,  1.3948110f,  -0.6952553f, -0.1478590f,
            0.9604429f, -1.3425417f, 0.7908063f, -0.0757827f, -0.6548887f, -1.3800358f, 0.5175963f,
            0.4517181f, -1.3277603f, 1.3198353f, -1.1415839f, 0.7276147f,  -0.1634053f}));
}

TEST_F(SelfAttentionTest, ACausalTokenSeesThoseBeforeIt) {
  shape_.causal = true;
  EXPECT_THAT(
      run(block(shape_)),
      near({1.6389435f,  -2.1390206f, 2.1974260f, -1.8020999f, 1.5967459f,  -1.8053478f, 1.6411758f,
            -1.1381286f, -1.4235934f, 0.8658853f, -0.1293864f, -0.6338286f, -1.3095068f, 0.4873745f,
            0.4353925f,  -1.2682582f, 1.3198353f, -1.1415839f, 0.7276147f,  -0.1634053f}));
}

TEST_F(SelfAttentionTest, AWindowOfTwoReachesTheNeighbours) {
  shape_.window = 2;
  EXPECT_THAT(
      run(block(shape_)),
      near({1.6315334f, -1.8397722f, 1.6681291f, -1.1520454f, 1.6001862f, -0.8116223f, -0.1445280f,
            1.0708357f, -1.2797906f, 1.2446302f, -0.9524746f, 0.4636491f, -1.5427248f, 0.8348719f,
            0.0453679f, -0.9162401f, 0.9739272f, -0.8980742f, 0.6367840f, -0.2440086f}));
}

TEST_F(SelfAttentionTest, ACausalWindowLooksBackOnly) {
  shape_.causal = true;
  shape_.window = 3;
  EXPECT_THAT(
      run(block(shape_)),
      near({1.6389435f,  -2.1390206f, 2.1974260f, -1.8020999f, 1.5967459f,  -1.8053478f, 1.6411758f,
            -1.1381286f, -1.4235934f, 0.8658853f, -0.1293864f, -0.6338286f, -1.1059907f, 0.7003761f,
            -0.1501456f, -0.4310875f, 0.9942927f, -0.5994813f, 0.0808871f,  0.4544090f}));
}

TEST_F(SelfAttentionTest, ScoresAreCapped) {
  shape_.softcap = 0.5f;
  EXPECT_THAT(
      run(block(shape_)),
      near({0.8090962f, -0.5781656f, 0.2278536f, 0.1695064f,  0.7656425f,  -0.4397450f, 0.0230476f,
            0.3984088f, -0.4753120f, 0.1319714f, 0.2386192f,  -0.5599388f, -0.4305612f, -0.0302525f,
            0.4848196f, -0.8392796f, 0.8151499f, -0.7346454f, 0.5024490f,  -0.1665054f}));
}

TEST_F(SelfAttentionTest, KeysAndQueriesTurn) {
  shape_.causal = true;
  EXPECT_THAT(run(block(shape_), &rope_),
              near({1.6389435f,  -2.1390206f, 2.1974260f,  -1.8020999f, 1.7860094f,
                    -1.8543540f, 1.5398057f,  -0.9073134f, -1.4878990f, 0.6196147f,
                    0.3766097f,  -1.2950706f, -0.0934149f, -0.3783956f, 0.7720737f,
                    -1.0063317f, 1.0162123f,  -0.7500690f, 0.3290492f,  0.1599138f}));
}

TEST_F(SelfAttentionTest, KeysAndQueriesHaveNorms) {
  SelfAttention attention = block(shape_);
  add_norms(attention);
  EXPECT_THAT(
      run(attention),
      near({0.5216730f,  -0.6255245f, 0.6002157f, -0.4509724f, 0.6944287f,  -0.6889049f, 0.5411338f,
            -0.2816276f, -0.0574678f, 0.0287339f, 0.0059331f,  -0.0393750f, -0.2781267f, 0.1251563f,
            0.0536567f,  -0.2213905f, 0.4416779f, -0.5907661f, 0.6178711f,  -0.5173961f}));
}

TEST_F(SelfAttentionTest, NormsComeBeforeRotation) {
  SelfAttention attention = block(shape_);
  add_norms(attention);
  EXPECT_THAT(run(attention, &rope_),
              near({0.0502851f,  -0.2543085f, 0.4058214f,  -0.4735391f, 0.1841598f,
                    -0.3802069f, 0.4977477f,  -0.5125119f, 0.2559984f,  -0.3146171f,
                    0.3082728f,  -0.2382753f, 0.0462932f,  -0.2510676f, 0.4040007f,
                    -0.4735145f, 0.4290219f,  -0.3449074f, 0.1895753f,  0.0049009f}));
}

TEST_F(SelfAttentionTest, TokensNotAttendedToAreKeysOfNobody) {
  tensor::Batch batch = batch_of({kTokens});
  batch.attended = {3};
  EXPECT_THAT(
      run(block(shape_), batch, tokens()),
      near({1.6293160f, -1.1509862f, 0.4349972f, 0.3708115f,  1.6001862f,  -0.8116223f, -0.1445280f,
            1.0708357f, -1.4235934f, 0.8658853f, -0.1293864f, -0.6338286f, -1.5647009f, 0.7375232f,
            0.2419407f, -1.1714479f, 1.4861688f, -1.2660073f, 0.7844366f,  -0.1408929f}));
}

TEST_F(SelfAttentionTest, HeadsOfQueriesShareKeys) {
  shape_ = {.heads = 4, .kv_heads = 2, .head_dim = 2, .scale = 0.5f, .causal = true};
  EXPECT_THAT(run(block(shape_)),
              near({1.3482196f, 1.8992968f, 0.9626598f,  -0.7280261f, 1.7360420f,
                    1.8544963f, 0.5203284f, -1.2214113f, -1.3844284f, -0.1629643f,
                    1.1861494f, 1.6061553f, -1.2732535f, 0.4527311f,  1.8240926f,
                    1.7666471f, 1.5899403f, 0.4153083f,  -1.0846336f, -1.7349848f}));
}

TEST_F(SelfAttentionTest, AWindowOfAllIsNone) {
  const std::vector<float> all = run(block(shape_));
  shape_.window = kTokens;  // |p - j| < 5 holds for all of 0 .. 4
  EXPECT_EQ(run(block(shape_)), all);
  shape_.window = kTokens - 1;
  EXPECT_NE(run(block(shape_)), all);
}

// A window of one leaves each token its own value row: out(v), twice over the two heads.
TEST_F(SelfAttentionTest, AWindowOfOneIsTheTokenItself) {
  shape_.window = 1;
  const SelfAttention attention = block(shape_);
  const Tensor v = ops_->linear(tokens(), attention.kv).slice_columns(2, 2);
  const Tensor both[] = {v, v};
  const Tensor expected = ops_->linear(ops_->concat_columns(both), attention.out);
  EXPECT_THAT(run(attention), near(values_of(*ops_, expected)));
}

TEST_F(SelfAttentionTest, AOneTokenTextAttendsToItself) {
  const std::vector<float> alone = run(block(shape_), batch_of({1}), tokens(1));
  shape_.window = 1;
  const std::vector<float> whole = run(block(shape_));
  EXPECT_EQ(alone, std::vector<float>(whole.begin(), whole.begin() + kHidden));
}

TEST_F(SelfAttentionTest, TheFirstPositionDoesNotTurn) {
  EXPECT_EQ(run(block(shape_), batch_of({1}), tokens(1), &rope_),
            run(block(shape_), batch_of({1}), tokens(1)));
}

// Relative positions alone decide: q and k turned by equal angles have the product of plain ones.
TEST_F(SelfAttentionTest, EqualTokensSeeNoRotation) {
  std::vector<float> values;
  for (int i = 0; i < 3; ++i) values.insert(values.end(), {0.5f, -0.25f, 1.0f, 0.75f});
  const Tensor x = ops_->upload(values, 3, kHidden);
  const std::vector<float> plain = run(block(shape_), batch_of({3}), x);
  EXPECT_THAT(run(block(shape_), batch_of({3}), x, &rope_), near(plain, 1e-5f));
}

TEST_F(SelfAttentionTest, TheResidualIsAdded) {
  const SelfAttention attention = block(shape_);
  const Tensor x = tokens();
  std::vector<float> sum = run(attention, batch_of({kTokens}), x);
  const std::vector<float> own = values_of(*ops_, x);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += own[i];
  EXPECT_THAT(run(attention, batch_of({kTokens}), x, nullptr, &x), near(sum));
}

TEST_F(SelfAttentionTest, ASequenceHasTheSameBitsInAnyCompany) {
  shape_.causal = true;
  const SelfAttention attention = block(shape_);
  const Tensor x = tokens(9);
  const std::vector<float> together = run(attention, batch_of({2, 4, 1, 2}), x, &rope_);
  size_t at = 0;
  for (const int32_t length : {2, 4, 1, 2}) {
    const Tensor own = x.slice_rows(static_cast<int64_t>(at) / kHidden, length);
    const std::vector<float> alone = run(attention, batch_of({length}), own, &rope_);
    EXPECT_EQ(alone, std::vector<float>(together.begin() + static_cast<int64_t>(at),
                                        together.begin() + static_cast<int64_t>(at + alone.size())))
        << "sequence of " << length << " tokens from number " << at;
    at += alone.size();
  }
  EXPECT_EQ(at, together.size());
}

TEST_F(SelfAttentionTest, WantedRowsHaveTheBitsTheyHaveAmongAll) {
  const SelfAttention attention = block(shape_);
  tensor::Batch batch = batch_of({3, 2});
  const std::vector<float> all = run(attention, batch, tokens(), &rope_);
  batch.wanted = {.offsets = {0, 1, 2}, .index = {2, 0}};  // rows 2 and 3
  EXPECT_EQ(run(attention, batch, tokens(), &rope_),
            std::vector<float>(all.begin() + 2 * kHidden, all.begin() + 4 * kHidden));
}

TEST_F(SelfAttentionTest, ABiasByHeadMovesScores) {
  // Of a bias of -1e9 for every distance but 0 each token is left alone, as in a window of one.
  const int64_t reach = 1;
  const ops::AttentionBias bias{
      .reach = reach,
      .buckets = 2,
      .bucket = ops_->upload_indices({1, 0, 1}),
      .by_head = ops_->upload(std::vector<float>{0, -1e9f, 0, -1e9f}, 2, 2)};
  const SelfAttention attention = block(shape_);
  const tensor::Batch batch = batch_of({kTokens});
  const ForwardPass pass(*ops_, batch);
  const LayerRows rows = pass.rows_of(0, 1);
  const Tensor x = tokens();
  const Tensor y = attention.forward(pass, x, x, rows, nullptr, nullptr, bias);
  SelfAttention alone = attention;
  alone.shape.window = 1;
  EXPECT_EQ(values_of(*ops_, y), run(alone));
}

// Rows 1 .. 3 of five see each other and what is before them: the last of them as in a causal pass,
// the first as the last of a sequence whose rows 1 and 3 have changed places.
TEST_F(SelfAttentionTest, SpansSeeThemselvesBothWaysInACausalPass) {
  const SelfAttention causal =
      block({.heads = 2, .kv_heads = 1, .head_dim = 2, .scale = 0.5f, .causal = true, .window = 4});
  const std::vector<float> given = sines(kTokens * kHidden, 0.37);
  const Tensor x = ops_->upload(given, kTokens, kHidden);
  tensor::Batch batch = batch_of({kTokens});
  const std::vector<float> plain = run(causal, batch, x);
  batch.both_ways = {{1, 4}};
  const std::vector<float> both = run(causal, batch, x);
  const auto row = [](const std::vector<float>& rows, int64_t i) {
    return std::vector<float>(rows.begin() + i * kHidden, rows.begin() + (i + 1) * kHidden);
  };
  for (const int64_t same : {0, 3, 4}) EXPECT_EQ(row(both, same), row(plain, same)) << same;
  for (const int64_t other : {1, 2}) EXPECT_NE(row(both, other), row(plain, other)) << other;

  std::vector<float> turned = given;
  std::swap_ranges(turned.begin() + kHidden, turned.begin() + 2 * kHidden,
                   turned.begin() + 3 * kHidden);
  const std::vector<float> last =
      run(causal, batch_of({kTokens}), ops_->upload(turned, kTokens, kHidden));
  EXPECT_THAT(row(both, 1), near(row(last, 3)));
}

TEST_F(SelfAttentionTest, SpansOfSeveralSequencesHaveTheBitsOfEachAlone) {
  const SelfAttention causal =
      block({.heads = 2, .kv_heads = 1, .head_dim = 2, .scale = 0.5f, .causal = true});
  const auto part = [&](int64_t begin, int64_t count) {
    const std::vector<float> all = sines(12 * kHidden, 0.37);
    return ops_->upload(std::span(all).subspan(static_cast<size_t>(begin * kHidden),
                                               static_cast<size_t>(count * kHidden)),
                        count, kHidden);
  };
  tensor::Batch first = batch_of({5}), second = batch_of({3}), third = batch_of({4});
  first.both_ways = {{0, 2}, {3, 5}};
  third.both_ways = {{1, 3}};
  std::vector<float> apart = run(causal, first, part(0, 5));
  for (const auto& values : {run(causal, second, part(5, 3)), run(causal, third, part(8, 4))})
    apart.insert(apart.end(), values.begin(), values.end());
  tensor::Batch all = batch_of({5, 3, 4});
  all.both_ways = {{0, 2}, {3, 5}, {9, 11}};
  EXPECT_EQ(run(causal, all, part(0, 12)), apart);

  all.wanted = {.offsets = {0, 2, 2, 3}, .index = {1, 4, 1}};
  const std::vector<float> wanted = run(causal, all, part(0, 12));
  ASSERT_EQ(wanted.size(), 3U * kHidden);
  const int64_t rows[] = {1, 4, 9};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t c = 0; c < kHidden; ++c)
      EXPECT_EQ(wanted[i * kHidden + c], apart[static_cast<size_t>(rows[i] * kHidden) + c]);
  }
}

}  // namespace
}  // namespace vecton::nn
