// A copy of a golden model in a folder of its own, for tests that change its files. Included by
// *_test.cpp only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/test_tensors.h"
#include "vecton/vecton.h"

namespace vecton::testing {

class ModelCopy {
 public:
  // `name`: of a folder of tests/golden; `as`: what the copy is called.
  explicit ModelCopy(const std::string& name, const std::string& as = "model")
      : path_(folder_.path() / as) {
    std::filesystem::copy("tests/golden/" + name + "/model", path_,
                          std::filesystem::copy_options::recursive);
  }

  const std::filesystem::path& path() const { return path_; }
  EngineOptions options() const {
    EngineOptions options{.model = path_.string()};
    options.threads = 1;
    return options;
  }

  void remove(const std::string& file) const { std::filesystem::remove_all(path_ / file); }

  void write(const std::string& file, const std::string& text) const {
    remove(file);
    std::ofstream(path_ / file) << text;
  }

  void change_config(const std::function<void(json::object&)>& change) const {
    json::value config = base::read_json(path_ / "config.json");
    change(config.as_object());
    write("config.json", json::serialize(config));
  }
  void call_it(const std::string& architecture) const {
    change_config([&](json::object& config) { config["architectures"] = {architecture}; });
  }

  // Renames and adds tensors of model.safetensors; "" leaves one out.
  void change_tensors(const std::function<std::string(const std::string&)>& rename,
                      const std::vector<NamedArray>& more = {}) const {
    std::vector<NamedArray> arrays = more;
    for (const auto& [name, tensor] : checkpoint::read_safetensors(path_ / "model.safetensors")) {
      if (!tensor::is_float(tensor.dtype) || rename(name).empty()) continue;
      arrays.push_back(
          {rename(name), tensor.shape, checkpoint::read_floats(tensor.dtype, tensor.bytes)});
    }
    remove("model.safetensors");
    write_safetensors(path_ / "model.safetensors", arrays);
  }

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_;
};

inline std::vector<float> vector_of(const EngineOptions& options) {
  return Engine::open(options)->embed({"a river and the capital"}).front();
}

}  // namespace vecton::testing
