// ImageInput: what the engine must know of the images that a model reads, to make prompts and
// positions of them. A family makes it of config.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tensor/image.h"

namespace vecton::models {

// How a late-interaction model reads what it compares. Null = the text as it is.
struct RetrievalPrompt {
  std::string (*query)(std::string_view text) = nullptr;
  // `images`: ImageInput::markup of each, perhaps none.
  std::string (*document)(std::string_view images, std::string_view text) = nullptr;
  bool add_special_tokens = false;  // of the tokenizer, around what the two have written
};

struct ImageInput {
  int32_t token = 0;  // stands in a prompt for an image: as many of it as the image has rows
  // What a prompt has for an image where no chat template writes it; the token once.
  std::string_view markup = {};
  // What stands for an image in the text of prompts; empty = the text of `token`. Where it is
  // another, `tiles` has the token.
  std::string_view placeholder = {};
  int64_t merge = 1;            // Model::encode_images() gives a row for merge x merge patches
  bool axis_positions = false;  // on three axes (MRoPE): tensor::Batch::axis_positions
  // An image is a sequence of its own, of one row, whatever its patches (SigLIP, CLIP). It has no
  // prompt, and no token.
  bool pooled = false;
  // The tokens of an image see each other whichever comes first, in a causal model.
  bool both_ways = false;
  // The token of a prompt that stands between the rows of an image, by its text (Pixtral); empty =
  // its rows follow each other.
  std::string_view row_break = {};
  // What stands in a prompt for the placeholder of a picture that was cut into so many tiles, with
  // the token once per image that the processor has made of it, in their order. 0, 0 = the picture
  // is whole. Null = the placeholder as it is.
  std::string (*tiles)(int64_t rows, int64_t columns) = nullptr;
  RetrievalPrompt retrieval = {};
  // The first numbers of a token's projection, which are kept before it gets length 1; 0 = all.
  int64_t kept_dimensions = 0;

  int64_t rows(const tensor::Image& image) const {
    return pooled ? 1 : image.count() / (merge * merge);
  }
  // Of a prompt, those between its rows among them.
  int64_t tokens(const tensor::Image& image) const {
    return rows(image) + (row_break.empty() ? 0 : image.rows / merge - 1);
  }
};

}  // namespace vecton::models
