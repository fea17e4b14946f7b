#include "engine/batch_images.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include "engine/images.h"

namespace vecton::engine {

namespace {

// Tokens of an image that are in the batch.
struct Part {
  const Sequence& sequence;
  size_t image;
  int64_t begin, end;  // of the sequence
  int64_t first_row;   // of the batch

  const heads::ImageTokens& tokens() const { return sequence.images[image]; }
  bool is_last() const { return end == tokens().end; }
};

std::vector<Part> parts_of(const std::vector<Sequence>& sequences) {
  std::vector<Part> parts;
  int64_t row = 0;
  for (const Sequence& sequence : sequences) {
    const int64_t from = sequence.cached();
    for (size_t i = 0; i < sequence.images.size(); ++i) {
      const int64_t begin = std::max(sequence.images[i].begin, from),
                    end = std::min(sequence.images[i].end, sequence.end);
      if (begin < end) parts.push_back({sequence, i, begin, end, row + begin - from});
    }
    row += sequence.end - from;
  }
  return parts;
}

using Digest = std::array<uint64_t, 2>;
using Features = std::map<Digest, std::vector<float>>;

// What earlier chunks have left.
void take_kept(const std::vector<Part>& parts, Features& features) {
  for (const Part& part : parts) {
    SequenceImages& own = *part.sequence.pictures;
    const std::lock_guard lock(own.mutex);
    std::vector<float>& kept = own.features[part.image];
    if (!kept.empty()) features.try_emplace(part.tokens().digest, kept);
    if (part.is_last()) kept = {};
  }
}

// Images that one call of the tower reads, and the rows that it has of each.
struct Call {
  std::vector<const tensor::Image*> images;
  std::vector<std::pair<Digest, int64_t>> rows;

  void encode(Ops& ops, const models::Model& model, Features& features) const {
    const Tensor encoded = model.encode_images(ops, images);
    int64_t at = 0;
    for (const auto& [digest, count] : rows) {
      std::vector<float>& values = features.at(digest);
      values.resize(static_cast<size_t>(count * encoded.columns()));
      ops.download(encoded.slice_rows(at, count), values);
      at += count;
    }
  }
};

// The others, each once. A batch is bounded in tokens, of which an image may have one whatever its
// patches: so many of those are read at a time.
void encode(Ops& ops, const models::Model& model, const std::vector<Part>& parts,
            Features& features) {
  constexpr int64_t kMostPatches = 16384;
  Call call;
  int64_t patches = 0;
  for (const Part& part : parts) {
    if (!features.try_emplace(part.tokens().digest).second) continue;
    const tensor::Image& image = part.sequence.pictures->images[part.image];
    if (!call.images.empty() && patches + image.count() > kMostPatches) {
      call.encode(ops, model, features);
      call = {};
      patches = 0;
    }
    call.images.push_back(&image);
    call.rows.emplace_back(part.tokens().digest, part.tokens().own());
    patches += image.count();
  }
  if (!call.images.empty()) call.encode(ops, model, features);
}

void keep(const std::vector<Part>& parts, const Features& features) {
  for (const Part& part : parts) {
    if (part.is_last()) continue;
    SequenceImages& own = *part.sequence.pictures;
    const std::lock_guard lock(own.mutex);
    own.features[part.image] = features.at(part.tokens().digest);
  }
}

void add_positions(const std::vector<Sequence>& sequences, tensor::Batch& batch) {
  const auto turned = [](const Sequence& s) {
    return s.pictures && !s.pictures->axis_positions.empty();
  };
  if (std::ranges::none_of(sequences, turned)) return;
  batch.axis_positions.reserve(3 * batch.ids.size());
  for (int64_t axis = 0; axis < 3; ++axis) {
    for (const Sequence& sequence : sequences) {
      for (int64_t token = sequence.cached(); token < sequence.end; ++token) {
        batch.axis_positions.push_back(turned(sequence) ? sequence.pictures->position(token, axis)
                                                        : static_cast<int32_t>(token));
      }
    }
  }
}

}  // namespace

void add_images(Ops& ops, const models::Model& model, const std::vector<Sequence>& sequences,
                tensor::Batch& batch) {
  add_positions(sequences, batch);
  const std::vector<Part> parts = parts_of(sequences);
  if (parts.empty()) return;
  Features features;
  take_kept(parts, features);
  encode(ops, model, parts, features);
  keep(parts, features);
  const heads::ImageTokens& any = parts.front().tokens();
  const int64_t columns = std::ssize(features.at(any.digest)) / any.own();
  std::map<Digest, int64_t> places;  // of the first row of each
  std::vector<float> rows;
  for (const auto& [digest, values] : features) {
    places[digest] = std::ssize(rows) / columns;
    rows.insert(rows.end(), values.begin(), values.end());
  }
  tensor::ImageRows& images = batch.images;
  for (const Part& part : parts) {
    const int64_t first = places.at(part.tokens().digest);
    for (int64_t token = part.begin; token < part.end; ++token) {
      const int64_t place = part.tokens().place_of(token);
      if (place < 0) continue;
      images.from.push_back(static_cast<int32_t>(first + place));
      images.to.push_back(static_cast<int32_t>(part.first_row + token - part.begin));
    }
  }
  for (const Part& part : parts) {
    if (!part.sequence.pictures->both_ways) continue;
    const auto first = static_cast<int32_t>(part.first_row);
    batch.both_ways.push_back({first, first + static_cast<int32_t>(part.end - part.begin)});
  }
  images.features = ops.upload(rows, std::ssize(rows) / columns, columns);
}

}  // namespace vecton::engine
