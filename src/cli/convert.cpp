// vecton convert: a checkpoint in MLX's layout of any that is read, quantised, dequantised or as it
// is. The options are those of mlx_embeddings.convert and mlx_lm.convert.
#include "convert/convert.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/own_options.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace vecton::cli {

namespace {

void add_quantising_options(CLI::App& app, convert::ConvertOptions& options) {
  const auto group = "What is made of the weights";
  auto* quantize =
      app.add_flag("-q,--quantize", options.quantize, "Quantise the layers")->group(group);
  app.add_option("--q-mode", options.mode, "affine, mxfp4, nvfp4 or mxfp8 [affine]")
      ->type_name("MODE")
      ->check(one_of({"affine", "mxfp4", "nvfp4", "mxfp8"}))
      ->group(group);
  app.add_option("--q-bits", options.bits, "Bits of a weight [4; mxfp8: 8]")
      ->type_name("N")
      ->group(group);
  app.add_option("--q-group-size", options.group_size,
                 "Weights that share a scale [64; mxfp4 and mxfp8: 32; nvfp4: 16]")
      ->type_name("N")
      ->group(group);
  app.add_option("--quant-predicate", options.recipe,
                 "More bits for some layers: mixed_2_6, mixed_3_4, mixed_3_6 or mixed_4_6")
      ->type_name("RECIPE")
      ->check(one_of({"mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"}))
      ->group(group);
  app.add_flag("-d,--dequantize", options.dequantize, "Make floats of quantised layers")
      ->excludes(quantize)
      ->group(group);
  app.add_option("--dtype", options.dtype,
                 "float16, bfloat16 or float32, also of scales [float16; with layout mlx-lm "
                 "config.json's torch_dtype, or as stored]")
      ->type_name("TYPE")
      ->check(one_of({"float16", "bfloat16", "float32"}))
      ->group(group);
  app.add_option("--layout", options.layout,
                 "Whose names and defaults: mlx-embeddings or mlx-lm [mlx-embeddings for encoders "
                 "and what it has code for]")
      ->type_name("NAME")
      ->check(one_of({"auto", "mlx-embeddings", "mlx-lm"}))
      ->group(group);
}

std::string summary(const convert::ConvertReport& report) {
  char text[200];
  const auto bits = 8 * static_cast<double>(report.output_bytes) /
                    static_cast<double>(std::max<int64_t>(1, report.parameters));
  std::snprintf(text, sizeof text, "%s to %s, %.3g bits per weight, layout %s\n",
                format_bytes(static_cast<double>(report.input_bytes)).c_str(),
                format_bytes(static_cast<double>(report.output_bytes)).c_str(), bits,
                report.layout.c_str());
  return text;
}

}  // namespace

std::function<void()> define_convert(CLI::App& app) {
  auto options = std::make_shared<convert::ConvertOptions>();
  add_hub_options(app, options->model, options->hub);
  app.get_option("MODEL")->required(false);
  auto* path =
      app.add_option("--hf-path,--model", options->model, "The same as MODEL")->type_name("NAME");
  path->excludes(app.get_option("MODEL"));
  app.add_option("--mlx-path", options->target, "Folder to be made [mlx_model]")
      ->type_name("FOLDER");
  app.add_option("--upload-repo", options->upload_repo,
                 "Upload the new folder to this model on the hub, with the token that may write")
      ->type_name("NAME");
  add_quantising_options(app, *options);
  app.add_option("-j,--threads", options->threads, "Threads to work with [one per core]")
      ->type_name("N")
      ->transform(at_least(0));
  app.footer(
      "Examples:\n"
      "  vecton convert Qwen/Qwen3-Embedding-0.6B -q --q-bits 8 --mlx-path qwen3-8bit\n"
      "  vecton convert --hf-path ./my-model -q --q-mode mxfp4\n"
      "  vecton convert ./my-model-awq -d --dtype bfloat16 --mlx-path my-model\n"
      "  vecton convert ./model-Q4_K_M.gguf -d --mlx-path my-model\n"
      "  vecton convert ./my-model -q --upload-repo me/my-model-4bit\n"
      "\nPrints the folder, which appears when all of it is written.");
  return [options] {
    if (options->model.empty())
      usage_error("MODEL: expected a folder, a GGUF file or a name on the model hub");
    find_model(options->model, options->hub);  // with its progress, if it downloads
    convert::ConvertReport report;
    {
      ShareBar converting(stderr_is_terminal()), uploading(stderr_is_terminal());
      report = convert::convert_model(*options, [&](const convert::ConvertProgress& p) {
        (p.uploading ? uploading : converting).update(p.bytes_done, p.bytes_total);
      });
    }
    for (const std::string& note : report.notes) std::fprintf(stderr, "vecton: %s\n", note.c_str());
    std::fprintf(stderr, "vecton: %s", summary(report).c_str());
    if (!report.uploaded.empty())
      std::fprintf(stderr, "vecton: uploaded: %s\n", report.uploaded.c_str());
    print(report.folder.string() + "\n");
  };
}

}  // namespace vecton::cli
