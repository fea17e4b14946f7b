// For tests: the instructions of amx.h on processors that lack them. What traps is decoded,
// computed as the manual says, and stepped over, so that the machine code that is tested is the one
// that runs where they exist. Linux on x86-64 alone.
#pragma once

#include <cstdint>
#include <optional>

#include "backend/cpu/isa.h"

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <ucontext.h>

#include <cstdlib>
#include <cstring>
#endif

namespace vecton::cpu {

class AmxEmulator {
#if defined(__x86_64__) && defined(__linux__)
 public:
  AmxEmulator() {
    struct sigaction action = {};
    action.sa_sigaction = &on_trap;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGILL, &action, &before_);
  }
  ~AmxEmulator() { sigaction(SIGILL, &before_, nullptr); }
  AmxEmulator(const AmxEmulator&) = delete;
  AmxEmulator& operator=(const AmxEmulator&) = delete;

 private:
  static constexpr int kTiles = 8, kMostRows = 16, kMostBytes = 64;

  struct State {
    bool configured = false;
    int rows[kTiles] = {}, bytes[kTiles] = {};
    alignas(64) uint8_t tiles[kTiles][kMostRows][kMostBytes] = {};
  };
  static State& state() {
    static thread_local State state;
    return state;
  }

  // A VEX instruction of the map 0F 38 without W or L.
  struct Instruction {
    int prefix;  // 0 = none, 1 = 66, 2 = F3, 3 = F2
    int opcode, mod, reg, rm, v;
    uint8_t* memory = nullptr;  // base + displacement
    int64_t stride = 0;         // the index, scaled
    int64_t length = 0;
  };

  static void require(bool condition) {
    if (!condition) std::abort();
  }

  static int64_t reg(const ucontext_t& context, int number) {
    constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                              REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                              REG_R12, REG_R13, REG_R14, REG_R15};
    return context.uc_mcontext.gregs[kOrder[number]];
  }

  static Instruction decode(const ucontext_t& context) {
    const auto* at = reinterpret_cast<const uint8_t*>(context.uc_mcontext.gregs[REG_RIP]);
    require(at[0] == 0xc4 && (at[1] & 0x1f) == 2 && (at[2] & 0x84) == 0);
    const int x = at[1] & 0x40 ? 0 : 8, b = at[1] & 0x20 ? 0 : 8;
    Instruction made{at[2] & 3, at[3], at[4] >> 6, at[4] >> 3 & 7, at[4] & 7, ~at[2] >> 3 & 15};
    made.length = 5;
    if (made.mod == 3) return made;
    int64_t address = 0;
    int base = made.rm;
    if (base == 4) {
      const int sib = at[made.length++], index = (sib >> 3 & 7) + x;
      if (index != 4) made.stride = reg(context, index) << (sib >> 6);
      base = sib & 7;
    }
    require(!(made.mod == 0 && base == 5));
    address = reg(context, base + b);
    if (made.mod == 1) address += static_cast<int8_t>(at[made.length++]);
    if (made.mod == 2) {
      int32_t displacement;
      std::memcpy(&displacement, at + made.length, sizeof displacement);
      address += displacement;
      made.length += 4;
    }
    made.memory = reinterpret_cast<uint8_t*>(address);
    return made;
  }

  static void configure(State& s, const uint8_t* layout) {
    require(layout[0] == 1 && layout[1] == 0);
    for (int i = 2; i < 16; ++i) require(layout[i] == 0);
    std::memset(s.tiles, 0, sizeof s.tiles);
    for (int i = 0; i < kTiles; ++i) {
      uint16_t bytes;
      std::memcpy(&bytes, layout + 16 + 2 * i, sizeof bytes);
      s.bytes[i] = bytes;
      s.rows[i] = layout[48 + i];
      require(s.bytes[i] <= kMostBytes && s.rows[i] <= kMostRows &&
              (s.bytes[i] == 0) == (s.rows[i] == 0));
    }
    s.configured = true;
  }

  // What is subnormal as 0.
  static float flushed(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7f800000u) == 0) bits &= 0x80000000u;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
  static float widened(uint16_t bits) {
    const uint32_t word = static_cast<uint32_t>(bits) << 16;
    float x;
    std::memcpy(&x, &word, sizeof x);
    return flushed(x);
  }

  template <class T>
  static T element(const State& s, int tile, int row, int column) {
    T value;
    std::memcpy(&value, s.tiles[tile][row] + column * sizeof(T), sizeof value);
    return value;
  }

  static void multiply(State& s, const Instruction& i) {
    const int c = i.reg, a = i.rm, b = i.v;
    require(s.configured && c != a && c != b && a != b && a < kTiles && b < kTiles);
    require(s.rows[c] == s.rows[a] && s.bytes[c] == s.bytes[b] && s.bytes[a] == 4 * s.rows[b]);
    for (int row = 0; row < s.rows[c]; ++row) {
      for (int column = 0; column < s.bytes[c] / 4; ++column) {
        uint8_t* to = s.tiles[c][row] + 4 * column;
        if (i.opcode == 0x5e) {
          auto sum = element<uint32_t>(s, c, row, column);
          for (int k = 0; k < s.bytes[a]; ++k) {
            sum += static_cast<uint32_t>(element<int8_t>(s, a, row, k) *
                                         element<uint8_t>(s, b, k / 4, 4 * column + k % 4));
          }
          std::memcpy(to, &sum, sizeof sum);
        } else {
          float sums[2] = {0, 0};
          for (int k = 0; k < s.bytes[a] / 2; ++k) {
            const float product =
                flushed(widened(element<uint16_t>(s, a, row, k)) *
                        widened(element<uint16_t>(s, b, k / 2, 2 * column + k % 2)));
            sums[k % 2] = flushed(sums[k % 2] + product);
          }
          const float sum =
              flushed(flushed(element<float>(s, c, row, column)) + flushed(sums[0] + sums[1]));
          std::memcpy(to, &sum, sizeof sum);
        }
      }
    }
  }

  static void on_trap(int, siginfo_t*, void* given) {
    auto& context = *static_cast<ucontext_t*>(given);
    const Instruction i = decode(context);
    State& s = state();
    if (i.opcode == 0x49 && i.prefix == 0) {
      if (i.mod == 3) {
        s.configured = false;
      } else {
        configure(s, i.memory);
      }
    } else if (i.opcode == 0x49 && i.prefix == 3 && i.mod == 3) {
      require(s.configured && s.rows[i.reg] > 0);
      std::memset(s.tiles[i.reg], 0, sizeof s.tiles[i.reg]);
    } else if (i.opcode == 0x4b && i.mod != 3 && (i.prefix == 2 || i.prefix == 3)) {
      require(s.configured && s.rows[i.reg] > 0);
      if (i.prefix == 3) std::memset(s.tiles[i.reg], 0, sizeof s.tiles[i.reg]);
      for (int row = 0; row < s.rows[i.reg]; ++row) {
        uint8_t* memory = i.memory + row * i.stride;
        uint8_t* tile = s.tiles[i.reg][row];
        std::memcpy(i.prefix == 3 ? tile : memory, i.prefix == 3 ? memory : tile,
                    static_cast<size_t>(s.bytes[i.reg]));
      }
    } else if ((i.opcode == 0x5e || i.opcode == 0x5c) && i.prefix == 2 && i.mod == 3) {
      multiply(s, i);
    } else {
      std::abort();
    }
    context.uc_mcontext.gregs[REG_RIP] += i.length;
  }

  struct sigaction before_ = {};
#endif
};

// The emulator where a machine has all that kernels for AMX need but AMX.
class AmxWhereThereIsNone {
 public:
  explicit AmxWhereThereIsNone(Isa isa) {
    if (isa == Isa::kAvx512 && byte_products(isa) == 1) emulator_.emplace();
  }
  // Of bfloat16_products() or byte_products(), what can be run.
  int products(int native) const { return emulator_ ? 2 : native; }

 private:
  std::optional<AmxEmulator> emulator_;
};

}  // namespace vecton::cpu
