// Images of a sequence: what stands for pictures in its text, its tokens and its positions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fetched_pictures.h"
#include "heads/work.h"
#include "models/image_input.h"
#include "tensor/image.h"
#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton::engine {

struct Sequence;

// A picture as the model reads it: one image, or those of its tiles, rows * columns of them and the
// whole one.
struct PreparedPicture {
  std::vector<tensor::Image> images;
  int64_t tile_rows = 0, tile_columns = 0;  // 0 = it is not cut
};
// Reads, decodes and prepares. What comes from the web is taken from `fetched`, or put there; null
// = it is fetched. Thread-safe, each thread with its own `fetched`; throws Error.
using PictureReader =
    std::function<PreparedPicture(const Image& picture, FetchedPictures* fetched)>;

// What a sequence with images has beside Work; its copies share it.
struct SequenceImages {
  std::vector<tensor::Image> images;  // one per Work::images
  // Positions on three axes of the tokens up to the last image's, [3, tokens], and what is added to
  // the index of those that follow; empty = positions are indices.
  std::vector<int32_t> axis_positions;
  int32_t axis_delta = 0;
  bool both_ways = false;  // as ImageInput has it

  // What the tower has made of images that are not whole in a batch yet, by image.
  std::mutex mutex;
  std::vector<std::vector<float>> features;

  // Of token `index` on `axis`.
  int32_t position(int64_t index, int64_t axis) const;
};

// What stands for an image in texts.
std::string placeholder_of(const models::ImageInput& input, const Tokenizer& tokenizer);
// `text` with a placeholder per picture: those that it has, or before it where it has none; tiles
// are spelled out. `placeholder`: placeholder_of(). Throws Error (kInvalidArgument) where it has
// another number of them.
std::string place_images(std::string_view text, const models::ImageInput& input,
                         std::string_view placeholder,
                         const std::vector<PreparedPicture>& pictures);
// The placeholders of so many pictures.
std::string placeholders(const models::ImageInput& input, size_t pictures);

// Puts as many tokens as an image has rows in the place of each token that stands for one, and
// notes which they are, with their positions. `row_break`: of ImageInput::row_break, where there is
// one. Throws Error (kInvalidArgument) where there are not as many tokens as images.
void expand_images(const models::ImageInput& input, std::vector<tensor::Image> images,
                   Sequence& sequence, int32_t row_break = -1);

// Where the patches of pictures stand among the tokens of a sequence that has been expanded: a grid
// of each row, where rows have a token between them.
std::vector<ImageGrid> image_grids(const models::ImageInput& input,
                                   const std::vector<PreparedPicture>& pictures,
                                   const Sequence& sequence);

// The image in whose middle a chunk of `sequence` that ends at token `end` would stop though its
// tokens see each other both ways; null = there is none.
const heads::ImageTokens* divided_image(const Sequence& sequence, int64_t end);

// How many tokens the images add to those that stand for them.
int64_t added_tokens(const models::ImageInput& input, const std::vector<PreparedPicture>& pictures);

}  // namespace vecton::engine
