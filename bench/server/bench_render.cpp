// How long the numbers of an answer take to become its text.
//
//   bench_render [ROWS [COLUMNS [RUNS]]]    2048 vectors of 1024 floats, 21 times
//
// Prints one JSON object; times are of this thread's processor clock, in milliseconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "server/render.h"

namespace {

double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::max(1L, std::strtol(argv[i], nullptr, 10)) : otherwise;
  };
  const long rows = argument(1, 2048), columns = argument(2, 1024), runs = argument(3, 21);
  // Of the size that the values of vectors of length 1 have.
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.03F);
  std::vector<float> values(static_cast<size_t>(rows * columns));
  for (float& value : values) value = normal(random);
  const auto vector = [&](long row) {
    return std::span<const float>(values).subspan(static_cast<size_t>(row * columns),
                                                  static_cast<size_t>(columns));
  };
  const struct {
    const char* name;
    std::function<void(std::string&, long)> add;
  } forms[] = {
      {"json",
       [&](std::string& out, long row) {
         vecton::server::append_floats(out, vector(row));
         out += ',';
       }},
      {"base64",
       [&](std::string& out, long row) {
         out += '"';
         vecton::server::append_base64(out, vector(row));
         out += "\",";
       }},
  };
  std::printf("{\"rows\":%ld,\"columns\":%ld", rows, columns);
  for (const auto& form : forms) {
    std::vector<double> times;
    size_t bytes = 0;
    for (long run = 0; run < runs; ++run) {
      const double start = milliseconds();
      std::string out;
      for (long row = 0; row < rows; ++row) {
        if (row == 1) out.reserve(out.size() * static_cast<size_t>(rows + 1));  // as answers do
        form.add(out, row);
      }
      times.push_back(milliseconds() - start);
      bytes = out.size();
    }
    std::sort(times.begin(), times.end());
    std::printf(",\"%s\":{\"bytes\":%zu,\"least_ms\":%.1f,\"median_ms\":%.1f}", form.name, bytes,
                times.front(), times[times.size() / 2]);
  }
  std::printf("}\n");
  return 0;
}
