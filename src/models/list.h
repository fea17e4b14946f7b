// List: a few values of a constant, in place. One that has more than `Most` does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <stdexcept>

namespace vecton::models {

template <class T, std::size_t Most>
class List {
 public:
  constexpr List() = default;
  constexpr List(std::initializer_list<T> values) {
    if (values.size() > Most) throw std::length_error("a List of more values than it may have");
    for (const T& value : values) values_[size_++] = value;
  }

  constexpr const T* begin() const { return values_.data(); }
  constexpr const T* end() const { return values_.data() + size_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T& front() const { return values_[0]; }
  constexpr const T& back() const { return values_[size_ - 1]; }

 private:
  std::array<T, Most> values_{};
  std::size_t size_ = 0;
};

}  // namespace vecton::models
