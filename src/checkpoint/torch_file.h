// Torch files: the named tensors of a state_dict as torch.save writes it since PyTorch 1.6, a zip
// archive of data.pkl and one entry per storage. Format: torch/serialization.py.
// Strict and safe: only dense tensors of plain numbers, mapped, and copied only where they are not
// contiguous; no code that a file names is run. Called by weight_files; functions of their
// arguments, for any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

// Nothing outside `bytes` is ever read; several tensors may share bytes. Errors (kCorrupt,
// kUnsupported for what torch has beyond plain tensors) name `what` and the entry or tensor.
Tensors parse_torch_file(std::span<const std::byte> bytes, const std::string& what);

// Maps a file.
Tensors read_torch_file(const std::filesystem::path& file);

}  // namespace vecton::checkpoint
