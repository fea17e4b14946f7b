#include "base/call_stack.h"

#include <execinfo.h>
#if defined(__linux__)
#include <link.h>
#endif

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>

namespace vecton::base {

namespace {

constexpr int kDeepest = 48;

struct Range {
  uintptr_t begin = 0, end = 0;
};
Range ours;  // the module that this function is in; empty where the system does not tell

#if defined(__linux__)
int note_ours(dl_phdr_info* module, size_t, void*) {
  Range range{module->dlpi_addr, module->dlpi_addr};
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = module->dlpi_phdr[i];
    if (part.p_type == PT_LOAD)
      range.end = std::max<uintptr_t>(range.end, range.begin + part.p_vaddr + part.p_memsz);
  }
  const auto here = reinterpret_cast<uintptr_t>(&note_ours);
  if (here < range.begin || here >= range.end) return 0;
  ours = range;
  return 1;
}
#endif

}  // namespace

void prepare_call_stack() {
  void* frame = nullptr;
  ::backtrace(&frame, 1);
#if defined(__linux__)
  ::dl_iterate_phdr(note_ours, nullptr);
#endif
}

void visit_call_stack(const std::function<void(std::string_view)>& visit) {
  std::array<void*, kDeepest> frames;
  const int count = ::backtrace(frames.data(), kDeepest);
  for (int i = 0; i < count; ++i) {
    const auto address = reinterpret_cast<uintptr_t>(frames[static_cast<size_t>(i)]);
    const bool own = address >= ours.begin && address < ours.end;
    char text[32];
    const int length = std::snprintf(text, sizeof text, own ? "+0x%" PRIxPTR : "0x%" PRIxPTR,
                                     own ? address - ours.begin : address);
    visit({text, static_cast<size_t>(length)});
  }
}

}  // namespace vecton::base
