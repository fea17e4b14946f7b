// What this machine can do: the limits that speed is measured against.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace vecton::backend {

struct Machine {
  std::string cpu{};                // model name
  std::string isa{};                // instruction set in use: "avx512", "avx2", "neon", "scalar"
  std::vector<std::string> isas{};  // all that this build and this CPU have
  int cores = 0;                    // cores this process may use
};
Machine machine();

// What `backend` computes with here: an instruction set, or a device of MLX's. A backend that the
// build lacks is an error.
std::string isa_of(const std::string& backend);
// The names of how it multiplies linear layers, ops::Compute.
std::vector<std::string> compute_names(const std::string& backend);

struct Peak {
  double fma_gflops = 0;     // float32 multiply-adds from registers, counted as two operations
  double read_gbytes_s = 0;  // reading memory that is in no cache
};
// Measures for about a second with `threads` threads at once.
Peak measure_peak(int threads);

// The speed of memory alone, as often as it is asked for: that of a shared machine varies by half
// within seconds, so what is compared with it is measured in turn with it.
class ReadSpeed {
 public:
  explicit ReadSpeed(int threads);  // holds a few times what the caches do
  ~ReadSpeed();
  // The most GB/s that any pass of about `seconds` reached.
  double measure(double seconds) const;

 private:
  class Pages;
  int threads_;
  std::unique_ptr<Pages> pages_;
};

}  // namespace vecton::backend
