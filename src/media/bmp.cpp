// BMP: Windows' and OS/2's headers, palettes, 16, 24 and 32 bits, run lengths.
#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "media/formats.h"

namespace vecton::media {

namespace {

enum Compression : uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaFields = 6 };

class Bmp {
 public:
  explicit Bmp(const Input& input) : input_(input) {}

  Picture read() {
    read_header();
    input_.check_size(width_, height_);
    Picture picture(width_, height_);
    if (bits_ <= 8) {
      const std::vector<uint8_t> indices = compression_ == kNone ? packed_indices() : run_lengths();
      for (size_t i = 0; i < indices.size(); ++i) {
        const size_t entry = size_t{indices[i]} * 3;
        if (entry + 3 <= palette_.size())
          std::copy_n(palette_.data() + entry, 3, picture.rgb.data() + i * 3);
      }
    } else {
      read_colours(picture);
    }
    return picture;
  }

 private:
  uint32_t number(size_t at, size_t size) const {
    if (at > input_.bytes.size() || input_.bytes.size() - at < size) input_.fail("is cut off");
    uint32_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | input_.data()[at + i];
    return value;
  }
  int64_t signed_number(size_t at) const { return static_cast<int32_t>(number(at, 4)); }

  void read_header() {
    constexpr size_t kHeader = 14;  // of the file; the picture's follows
    pixels_ = number(10, 4);
    const uint32_t size = number(kHeader, 4);
    size_t colour_bytes = 4;
    uint32_t colours = 0;
    if (size == 12) {
      width_ = number(18, 2), height_ = number(20, 2), bits_ = number(24, 2), colour_bytes = 3;
    } else if (size == 40 || size == 52 || size == 56 || size == 64 || size == 108 || size == 124) {
      width_ = signed_number(18), height_ = signed_number(22), bits_ = number(28, 2);
      compression_ = number(30, 4), colours = number(46, 4);
      top_down_ = height_ < 0;
      if (top_down_) height_ = -height_;
    } else {
      input_.fail("has a header of " + std::to_string(size) + " bytes, which no version has");
    }
    if (bits_ != 1 && bits_ != 4 && bits_ != 8 && bits_ != 16 && bits_ != 24 && bits_ != 32)
      input_.fail("has " + std::to_string(bits_) +
                  " bits per pixel; 1, 4, 8, 16, 24, 32 can be read");
    const bool fits = compression_ == kNone || (compression_ == kRle8 && bits_ == 8) ||
                      (compression_ == kRle4 && bits_ == 4) ||
                      ((compression_ == kBitFields || compression_ == kAlphaFields) &&
                       (bits_ == 16 || bits_ == 32));
    if (!fits)
      input_.fail("is compressed in a way (" + std::to_string(compression_) +
                  ") that can't be read");
    size_t after = kHeader + size;
    if (bits_ <= 8) {
      if (colours == 0 || colours > 1u << bits_) colours = 1u << bits_;
      for (uint32_t i = 0; i < colours; ++i, after += colour_bytes)
        for (size_t c = 3; c-- > 0;) palette_.push_back(static_cast<uint8_t>(number(after + c, 1)));
    } else if (compression_ != kNone) {
      // Of the shortest header they follow it; they lie where longer ones have them.
      for (size_t c = 0; c < 3; ++c) masks_[c] = number(kHeader + 40 + c * 4, 4);
    } else if (bits_ == 16) {
      masks_[0] = 0x7c00, masks_[1] = 0x3e0, masks_[2] = 0x1f;
    } else {
      masks_[0] = 0xff0000, masks_[1] = 0xff00, masks_[2] = 0xff;
    }
  }

  int64_t place(int64_t y) const { return top_down_ ? y : height_ - 1 - y; }
  // The bytes of a row, which is filled up to whole words.
  const uint8_t* row(int64_t y) const {
    const int64_t size = (width_ * bits_ + 31) / 32 * 4, at = int64_t{pixels_} + y * size;
    const int64_t used = (width_ * bits_ + 7) / 8;
    if (at + used > static_cast<int64_t>(input_.bytes.size())) input_.fail("is cut off");
    return input_.data() + at;
  }

  std::vector<uint8_t> packed_indices() const {
    row(height_ - 1);  // all of it is there: nothing is taken for what is not
    std::vector<uint8_t> indices(static_cast<size_t>(width_ * height_));
    const uint32_t per_byte = 8 / bits_, mask = (1u << bits_) - 1;
    for (int64_t y = 0; y < height_; ++y) {
      const uint8_t* from = row(y);
      uint8_t* to = indices.data() + place(y) * width_;
      for (int64_t x = 0; x < width_; ++x) {
        const auto in_byte = static_cast<uint32_t>(x) % per_byte;
        to[x] = static_cast<uint8_t>(from[x / per_byte] >> (8 - bits_ * (in_byte + 1)) & mask);
      }
    }
    return indices;
  }

  std::vector<uint8_t> run_lengths() const {
    std::vector<uint8_t> indices(static_cast<size_t>(width_ * height_));
    int64_t x = 0, y = 0;
    size_t at = pixels_;
    const auto put = [&](uint32_t value) {
      if (x < width_ && y < height_)
        indices[static_cast<size_t>(place(y) * width_ + x)] = static_cast<uint8_t>(value);
      ++x;
    };
    const auto put_part = [&](uint32_t byte, uint32_t i) {
      put(bits_ == 8 ? byte : i % 2 == 0 ? byte >> 4 : byte & 15);
    };
    while (y < height_) {
      const uint32_t count = number(at, 1), value = number(at + 1, 1);
      at += 2;
      if (count > 0) {
        for (uint32_t i = 0; i < count; ++i) put_part(value, i);
      } else if (value == 0) {
        x = 0, ++y;
      } else if (value == 1) {
        break;
      } else if (value == 2) {
        x += number(at, 1), y += number(at + 1, 1), at += 2;
      } else {
        for (uint32_t i = 0; i < value; ++i) put_part(number(at + (bits_ == 8 ? i : i / 2), 1), i);
        const size_t bytes = bits_ == 8 ? value : (value + 1) / 2;
        at += bytes + bytes % 2;
      }
    }
    return indices;
  }

  void read_colours(Picture& picture) const {
    uint32_t shifts[3], most[3];
    for (size_t c = 0; c < 3; ++c) {
      shifts[c] = masks_[c] == 0 ? 0 : static_cast<uint32_t>(std::countr_zero(masks_[c]));
      most[c] = masks_[c] >> shifts[c];
    }
    const size_t bytes = bits_ / 8;
    row(height_ - 1);
    for (int64_t y = 0; y < height_; ++y) {
      const uint8_t* from = row(y);
      uint8_t* to = picture.row(place(y));
      for (int64_t x = 0; x < width_; ++x, from += bytes, to += 3) {
        uint32_t value = 0;
        for (size_t i = bytes; i-- > 0;) value = value << 8 | from[i];
        for (size_t c = 0; c < 3; ++c) {
          const uint64_t level = (value & masks_[c]) >> shifts[c];
          to[c] = most[c] == 0 ? 0 : static_cast<uint8_t>(level * 255 / most[c]);
        }
      }
    }
  }

  const Input& input_;
  int64_t width_ = 0, height_ = 0;
  uint32_t bits_ = 0, compression_ = kNone, pixels_ = 0;
  bool top_down_ = false;
  std::vector<uint8_t> palette_;  // [colours, 3]
  uint32_t masks_[3] = {};
};

}  // namespace

Decoded decode_bmp(const Input& input) { return {Bmp(input).read()}; }

}  // namespace vecton::media
