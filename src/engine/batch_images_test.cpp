#include "engine/batch_images.h"

#include <gmock/gmock.h>

#include "backend/registry.h"
#include "base/thread_pool.h"
#include "engine/images.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A row of an image is its digest and the row's number.
class Tower : public models::Model {
 public:
  Tensor forward(Ops&, const tensor::Batch&, tensor::Cache*) const override { return {}; }
  Tensor encode_images(Ops& ops, std::span<const tensor::Image* const> images) const override {
    std::vector<float> rows;
    for (const tensor::Image* image : images) {
      encoded.push_back(image->digest[0]);
      for (int64_t row = 0; row < image->count(); ++row) {
        rows.push_back(static_cast<float>(image->digest[0]));
        rows.push_back(static_cast<float>(row));
      }
    }
    return ops.upload(rows, std::ssize(rows) / 2, 2);
  }
  mutable std::vector<uint64_t> encoded;
};

Sequence sequence_of(const std::vector<int32_t>& ids, const std::vector<uint64_t>& digests,
                     bool axes = false) {
  Sequence sequence;
  sequence.ids = ids;
  std::vector<tensor::Image> images;
  for (const uint64_t digest : digests)
    images.push_back({.patches = {}, .rows = 2, .columns = 2, .digest = {digest, 0}});
  expand_images({.token = 9, .axis_positions = axes}, std::move(images), sequence);
  sequence.end = sequence.tokens();
  return sequence;
}

class BatchImages : public ::testing::Test {
 protected:
  // The rows of the batch that are of images, and what they read: digest and row.
  void add(const std::vector<Sequence>& sequences) {
    batch = {};
    for (const Sequence& s : sequences)
      batch.ids.insert(batch.ids.end(), s.ids.begin() + s.cached(), s.ids.begin() + s.end);
    add_images(*ops, tower, sequences, batch);
    read.clear();
    if (batch.images.features.rows() == 0) return;
    std::vector<float> rows(static_cast<size_t>(batch.images.features.rows() * 2));
    ops->download(batch.images.features, rows);
    for (const int32_t from : batch.images.from)
      read.emplace_back(rows[static_cast<size_t>(2 * from)],
                        rows[static_cast<size_t>(2 * from + 1)]);
  }

  base::ThreadPool pool{1};
  std::unique_ptr<Ops> ops = backend::make_ops("ref", pool);
  Tower tower;
  tensor::Batch batch;
  std::vector<std::pair<float, float>> read;
};

using P = std::pair<float, float>;

TEST_F(BatchImages, RowsReadTheirImages) {
  add({sequence_of({1, 9, 2}, {5}), sequence_of({1}, {}), sequence_of({9, 9}, {6, 5})});
  EXPECT_THAT(batch.images.to, ElementsAre(1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14));
  EXPECT_THAT(read, ElementsAre(P{5, 0}, P{5, 1}, P{5, 2}, P{5, 3}, P{6, 0}, P{6, 1}, P{6, 2},
                                P{6, 3}, P{5, 0}, P{5, 1}, P{5, 2}, P{5, 3}));
  EXPECT_THAT(tower.encoded, ElementsAre(5, 6)) << "a picture that comes twice is encoded once";
  EXPECT_THAT(batch.axis_positions, IsEmpty());
}

TEST_F(BatchImages, ChunksReadWhatTheFirstHasMade) {
  Sequence sequence = sequence_of({9, 2}, {5});
  sequence.end = 3;
  add({sequence});
  EXPECT_THAT(read, ElementsAre(P{5, 0}, P{5, 1}, P{5, 2}));
  sequence.images[0].begin -= 2;  // as if two of its rows were cached
  sequence.images[0].end -= 2;
  sequence.end = 3;
  add({sequence});
  EXPECT_THAT(read, ElementsAre(P{5, 2}, P{5, 3}));
  EXPECT_THAT(tower.encoded, ElementsAre(5)) << "once for all chunks";
  EXPECT_THAT(sequence.pictures->features[0], IsEmpty()) << "no chunk follows";
}

// What stands between rows is a token of the text, in whichever chunk it comes.
TEST_F(BatchImages, TokensBetweenRowsAreOfTheText) {
  Sequence sequence;
  sequence.ids = {1, 9, 2};
  std::vector<tensor::Image> images(1);
  images[0] = {.patches = {}, .rows = 2, .columns = 2, .digest = {5, 0}};
  expand_images({.token = 9, .row_break = "<break>"}, std::move(images), sequence, 3);
  ASSERT_THAT(sequence.ids, ElementsAre(1, 9, 9, 3, 9, 9, 2));
  sequence.end = sequence.tokens();
  add({sequence});
  EXPECT_THAT(batch.images.to, ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(read, ElementsAre(P{5, 0}, P{5, 1}, P{5, 2}, P{5, 3}));
  for (const int64_t cut : {3, 4}) {
    Sequence chunk = sequence;
    chunk.end = cut;
    add({chunk});
    EXPECT_THAT(read, ElementsAre(P{5, 0}, P{5, 1})) << cut;
    chunk.images[0].begin -= cut;  // as if so many rows were cached
    chunk.images[0].end -= cut;
    chunk.end = chunk.tokens() - cut;
    add({chunk});
    EXPECT_THAT(read, ElementsAre(P{5, 2}, P{5, 3})) << cut;
    EXPECT_THAT(batch.images.to, ElementsAre(4 - cut, 5 - cut)) << cut;
  }
}

TEST_F(BatchImages, TextsBesideImagesHaveTheirIndexOnAllAxes) {
  add({sequence_of({9, 2}, {5}, true), sequence_of({1, 2}, {})});
  EXPECT_THAT(batch.axis_positions, ElementsAre(0, 0, 0, 0, 2, 0, 1,  //
                                                0, 0, 1, 1, 2, 0, 1,  //
                                                0, 1, 0, 1, 2, 0, 1));
}

TEST_F(BatchImages, TextsAloneHaveNoneOfIt) {
  add({sequence_of({1, 2}, {})});
  EXPECT_THAT(batch.images.to, IsEmpty());
  EXPECT_THAT(batch.axis_positions, IsEmpty());
  EXPECT_THAT(tower.encoded, IsEmpty());
}

TEST_F(BatchImages, TellsTheSpansThatSeeEachOther) {
  std::vector<Sequence> sequences = {sequence_of({1, 9, 2}, {5}), sequence_of({9, 9}, {6, 5})};
  add(sequences);
  EXPECT_THAT(batch.both_ways, IsEmpty());
  for (const Sequence& sequence : sequences) sequence.pictures->both_ways = true;
  add(sequences);
  EXPECT_THAT(batch.both_ways,
              ElementsAre(tensor::RowSpan{1, 5}, tensor::RowSpan{6, 10}, tensor::RowSpan{10, 14}));
}

}  // namespace
}  // namespace vecton::engine
