// How long a picture takes until a vision tower can read it: decoding its file, and resizing and
// cutting it as a checkpoint's image processor does.
//
//   bench_pictures FOLDER FILE [RUNS]    FOLDER: has a preprocessor_config.json
//
// Prints one JSON object; times are medians, in milliseconds of this thread's processor clock.
// peer.py does the same with PIL and transformers.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "media/decode.h"
#include "media/image_processor.h"
#include "vecton/error.h"

namespace {

double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: %s FOLDER FILE [RUNS]\n", argv[0]);
    return 2;
  }
  try {
    std::ifstream file(argv[2], std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const auto processor = vecton::media::open_image_processor(argv[1]);
    const int runs = argc == 4 ? std::max(1, std::atoi(argv[3])) : 21;
    std::vector<double> decode, prepare, both;
    vecton::media::Picture picture;
    int64_t patches = 0;
    for (int i = 0; i < runs; ++i) {
      const double start = milliseconds();
      picture = vecton::media::decode(bytes, {}, argv[2]);
      const int64_t width = picture.width, height = picture.height;
      const double decoded = milliseconds();
      const auto processed = processor->process(std::move(picture));
      const double end = milliseconds();
      decode.push_back(decoded - start);
      prepare.push_back(end - decoded);
      both.push_back(end - start);
      patches = 0;
      for (const auto& image : processed.images) patches += image.count();
      if (i + 1 == runs) {
        std::printf("{\"width\": %lld, \"height\": %lld, ", static_cast<long long>(width),
                    static_cast<long long>(height));
      }
    }
    std::printf(
        "\"patches\": %lld, \"runs\": %d, \"decode_ms\": %.2f, \"prepare_ms\": %.2f, "
        "\"both_ms\": %.2f}\n",
        static_cast<long long>(patches), runs, median(decode), median(prepare), median(both));
    return 0;
  } catch (const vecton::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
