#include "engine/images.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "engine/sequence.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

[[noreturn]] void refuse_count(const std::string& found, size_t images) {
  throw Error(ErrorCode::kInvalidArgument,
              "images: the prompt has " + found + " of images, and the request has " +
                  base::counted(static_cast<int64_t>(images), "image"),
              "images");
}

size_t count(std::string_view text, std::string_view word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + word.size())) {
    ++found;
  }
  return found;
}

// MRoPE: text advances all axes together; an image lies at one time, its rows and columns count
// from there, and what follows it begins after the longer of its sides.
void set_axis_positions(const models::ImageInput& input, const std::vector<heads::ImageTokens>& at,
                        SequenceImages& images) {
  const int64_t tokens = at.empty() ? 0 : at.back().end;
  std::vector<int32_t>& positions = images.axis_positions;
  positions.resize(static_cast<size_t>(3 * tokens));
  const auto set = [&](int64_t token, int64_t time, int64_t row, int64_t column) {
    positions[static_cast<size_t>(token)] = static_cast<int32_t>(time);
    positions[static_cast<size_t>(tokens + token)] = static_cast<int32_t>(row);
    positions[static_cast<size_t>(2 * tokens + token)] = static_cast<int32_t>(column);
  };
  int64_t token = 0, next = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    for (; token < at[i].begin; ++token, ++next) set(token, next, next, next);
    const int64_t rows = images.images[i].rows / input.merge,
                  columns = images.images[i].columns / input.merge;
    for (int64_t place = 0; token < at[i].end; ++token, ++place)
      set(token, next, next + place / columns, next + place % columns);
    next += std::max(rows, columns);
  }
  images.axis_delta = static_cast<int32_t>(next - tokens);
}

// `count` elements in the place of element `at`, like it; nothing where there are none at all.
template <class Element>
void repeat(std::vector<Element>& elements, int64_t at, int64_t count) {
  if (elements.empty()) return;
  const Element like = elements[static_cast<size_t>(at)];
  elements.insert(elements.begin() + at, static_cast<size_t>(count - 1), like);
}

void set_row_breaks(const heads::ImageTokens& image, int32_t row_break, Sequence& sequence) {
  for (int64_t token = image.begin; token < image.end; ++token) {
    if (image.place_of(token) >= 0) continue;
    sequence.ids[static_cast<size_t>(token)] = row_break;
    if (!sequence.tokens_info.empty())
      sequence.tokens_info[static_cast<size_t>(token)].id = row_break;
  }
}

// Adds the rows of an image that have tokens between them, each as a part of the grid.
void add_row_by_row(const ImageGrid& whole, std::vector<ImageGrid>& grids) {
  ImageGrid row = whole;
  row.rows = 1;
  row.height = whole.height / static_cast<double>(whole.rows);
  for (int64_t i = 0; i < whole.rows; ++i) {
    row.begin = whole.begin + i * (whole.columns + 1);
    row.top = whole.top + static_cast<double>(i) * row.height;
    grids.push_back(row);
  }
}

}  // namespace

int32_t SequenceImages::position(int64_t index, int64_t axis) const {
  const auto tokens = static_cast<int64_t>(axis_positions.size()) / 3;
  if (index >= tokens) return static_cast<int32_t>(index) + axis_delta;
  return axis_positions[static_cast<size_t>(axis * tokens + index)];
}

std::string placeholders(const models::ImageInput& input, size_t pictures) {
  std::string text;
  for (size_t i = 0; i < pictures; ++i) text += input.markup;
  return text;
}

std::string placeholder_of(const models::ImageInput& input, const Tokenizer& tokenizer) {
  return std::string(input.placeholder.empty() ? tokenizer.id_to_token(input.token)
                                               : input.placeholder);
}

std::string place_images(std::string_view text, const models::ImageInput& input,
                         std::string_view placeholder,
                         const std::vector<PreparedPicture>& pictures) {
  const size_t found = count(text, placeholder);
  std::string placed = (found == 0 ? placeholders(input, pictures.size()) : "") + std::string(text);
  if (found > 0 && found != pictures.size())
    refuse_count(base::counted(static_cast<int64_t>(found), "placeholder"), pictures.size());
  if (!input.tiles) return placed;
  size_t at = 0;
  for (const PreparedPicture& picture : pictures) {
    at = placed.find(placeholder, at);
    const std::string tiles = input.tiles(picture.tile_rows, picture.tile_columns);
    placed.replace(at, placeholder.size(), tiles);
    at += tiles.size();
  }
  return placed;
}

const heads::ImageTokens* divided_image(const Sequence& sequence, int64_t end) {
  if (!sequence.pictures || !sequence.pictures->both_ways) return nullptr;
  const auto divided = std::ranges::find_if(sequence.images, [&](const heads::ImageTokens& image) {
    return image.begin < end && end < image.end;
  });
  return divided == sequence.images.end() ? nullptr : &*divided;
}

int64_t added_tokens(const models::ImageInput& input,
                     const std::vector<PreparedPicture>& pictures) {
  int64_t tokens = 0;
  for (const PreparedPicture& picture : pictures) {
    for (const tensor::Image& image : picture.images) tokens += input.tokens(image) - 1;
  }
  return tokens;
}

void expand_images(const models::ImageInput& input, std::vector<tensor::Image> images,
                   Sequence& sequence, int32_t row_break) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < sequence.tokens(); ++i) {
    if (sequence.ids[static_cast<size_t>(i)] == input.token) places.push_back(i);
  }
  if (places.size() != images.size())
    refuse_count(base::counted(std::ssize(places), "placeholder"), images.size());
  if (images.empty()) return;
  for (size_t i = images.size(); i-- > 0;) {
    const int64_t tokens = input.tokens(images[i]), at = places[i];
    repeat(sequence.ids, at, tokens);
    repeat(sequence.type_ids, at, tokens);
    repeat(sequence.answered, at, tokens);
    repeat(sequence.tokens_info, at, tokens);
    if (at < sequence.attended) sequence.attended += tokens - 1;
    if (at < sequence.prompt_tokens) sequence.prompt_tokens += tokens - 1;
  }
  int64_t added = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    const int64_t tokens = input.tokens(images[i]), begin = places[i] + added,
                  columns = input.row_break.empty() ? 0 : images[i].columns / input.merge;
    sequence.images.push_back({begin, begin + tokens, images[i].digest, columns});
    if (columns > 0) set_row_breaks(sequence.images.back(), row_break, sequence);
    added += tokens - 1;
  }
  auto own = std::make_shared<SequenceImages>();
  own->images = std::move(images);
  own->both_ways = input.both_ways;
  own->features.resize(own->images.size());
  if (input.axis_positions) set_axis_positions(input, sequence.images, *own);
  sequence.pictures = std::move(own);
}

std::vector<ImageGrid> image_grids(const models::ImageInput& input,
                                   const std::vector<PreparedPicture>& pictures,
                                   const Sequence& sequence) {
  std::vector<ImageGrid> grids;
  size_t next = 0;  // of the sequence's images
  for (size_t p = 0; p < pictures.size(); ++p) {
    const auto rows = static_cast<double>(pictures[p].tile_rows),
               columns = static_cast<double>(pictures[p].tile_columns);
    const auto tiles = static_cast<size_t>(pictures[p].tile_rows * pictures[p].tile_columns);
    for (size_t i = 0; i < pictures[p].images.size(); ++i) {
      const tensor::Image& image = pictures[p].images[i];
      ImageGrid grid{.image = p,
                     .begin = sequence.images[next++].begin,
                     .rows = image.rows / input.merge,
                     .columns = image.columns / input.merge};
      if (i < tiles) {
        const auto across = static_cast<size_t>(pictures[p].tile_columns);
        grid.left = static_cast<double>(i % across) / columns;
        grid.top = static_cast<double>(i / across) / rows;
        grid.width = 1 / columns, grid.height = 1 / rows;
      }
      if (input.row_break.empty()) {
        grids.push_back(grid);
      } else {
        add_row_by_row(grid, grids);
      }
    }
  }
  return grids;
}

}  // namespace vecton::engine
