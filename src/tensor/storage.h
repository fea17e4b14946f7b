// Storage: memory of a backend, behind the handles that the rest of the program passes around
// (Tensor, Indices). What it is made of the backend that made it alone knows.
#pragma once

namespace vecton::tensor {

struct Storage {
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;
};

}  // namespace vecton::tensor
