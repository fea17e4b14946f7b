// A checkpoint to one in MLX's layout: tensors are read, dequantised, rounded and quantised in
// pieces, by as many threads as there are, into files whose layout is known beforehand.
#include "convert/convert.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "checkpoint/hub_upload.h"
#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "convert/choice.h"
#include "convert/config_file.h"
#include "convert/dtypes.h"
#include "convert/layout.h"
#include "convert/rows.h"
#include "convert/shards.h"
#include "convert/source.h"
#include "convert/target.h"
#include "quantise/quantise.h"
#include "vecton/error.h"
#include "vecton/options.h"

namespace vecton::convert {

namespace fs = std::filesystem;

namespace {

using tensor::DType;

constexpr int64_t kPiece = 1 << 20;  // numbers, about

bool is_mlx(const checkpoint::StoredTensor& tensor, std::string_view mode = "") {
  return tensor.quantised && tensor.quantised->format.starts_with("MLX " + std::string(mode));
}

DType type_of(const tensor::BlockNumbers& numbers) {
  switch (numbers.type) {
    case tensor::BlockNumbers::Type::kF16:
      return DType::kF16;
    case tensor::BlockNumbers::Type::kBF16:
      return DType::kBF16;
    default:
      return DType::kF32;
  }
}

// One tensor on its way: what it becomes and where it goes.
struct Work {
  NewTensor tensor;
  std::optional<quantise::Scheme> scheme;  // none = floats of type `dtype`, or bytes as they are
  DType dtype = DType::kF32;
  DType dequantised_as = DType::kF32;  // see Rows::round_as
  size_t first_file_tensor = 0;

  std::string title() const { return checkpoint::title(tensor.sources.front()); }
};

// Of the modes of small floats alone, whose blocks have a scale and nothing else.
bool is_in_form(const quantise::Scheme& scheme, const tensor::Weight* weight) {
  using tensor::BlockNumbers;
  using tensor::Codes;
  if (!weight || scheme.affine() || weight->offset.exists() || weight->scale_unit.exists() ||
      weight->factor != 1 || weight->scale.block_rows != 1 ||
      weight->scale.block_columns != scheme.group)
    return false;
  const Codes::Kind kind =
      scheme.mode == quantise::Mode::kMxfp8 ? Codes::Kind::kFp8E4M3 : Codes::Kind::kFp4E2M1;
  const BlockNumbers::Type type =
      scheme.mode == quantise::Mode::kNvfp4 ? BlockNumbers::Type::kE4M3 : BlockNumbers::Type::kE8M0;
  return weight->codes.kind == kind && weight->scale.type == type;
}

class Conversion {
 public:
  Conversion(const ConvertOptions& options, Source source)
      : options_(options), source_(std::move(source)) {
    if (options.dequantize && !source_.quantised)
      refuse_option("--dequantize", source_.name + " is not quantised");
    layout_ =
        choose_layout(options.layout, source_.config, source_.tensors, !options.recipe.empty());
    report_.layout = to_string(layout_);
    rules_ = mlx_rules(source_.config);
    if (layout_ == Layout::kMlxLm) take_ends();
    given_dtype_ = dtype_of(options.dtype);
    dtype_ = given_dtype_ ? given_dtype_ : usual_dtype(layout_, source_.config);
    std::vector<NewTensor> tensors =
        name_tensors(layout_, source_.config, std::move(source_.tensors), report_.notes);
    if (options.quantize || (source_.quantised && !options.dequantize)) {
      std::optional<quantise::Scheme> scheme;
      if (options.quantize)
        scheme = quantise::make_scheme(options.mode, options.bits, options.group_size);
      choice_.emplace(scheme, options.recipe, options.group_size.has_value(), layout_,
                      source_.config, tensors);
      if (!scheme && !choice_->keeps_all(tensors))
        refuse_option(
            "--dequantize",
            source_.name + " is quantised: expected -d (to floats) or -q (to another form)");
    }
    report_.parameters = parameters_of(tensors);
    for (NewTensor& tensor : tensors) decide(std::move(tensor));
  }

  ConvertReport run(const std::function<void(const ConvertProgress&)>& progress) {
    std::error_code not_there;
    if (!source_.folder.empty() && fs::equivalent(source_.folder, options_.target, not_there))
      refuse_option("--mlx-path", options_.target + " is the model itself: name another folder");
    Target target(options_.target, layout_ == Layout::kMlxEmbeddings);
    target.require(Shards::size_of(files_));
    const fs::path below = source_.weights.lexically_relative(source_.folder);
    const fs::path place = below == "." ? fs::path() : below;  // empty of a GGUF file too
    fs::create_directories(target.work() / place);
    copy_files(target);
    Shards shards(files_, target.work() / place);
    write(shards, progress);
    shards.finish();
    report_.output_bytes = shards.total_bytes();
    target.write((place / "model.safetensors.index.json").string(),
                 index_text(shards, report_.parameters, layout_));
    target.write((place / "config.json").string(),
                 config_text(source_.config, choice_ ? &choice_->entries() : nullptr, layout_));
    write_card(target);
    target.commit();
    report_.folder = options_.target;
    return std::move(report_);
  }

 private:
  // mlx-lm has the tokens that end a text in config.json as well.
  void take_ends() {
    const fs::path file = source_.weights / "generation_config.json";
    if (source_.weights.empty() || !base::is_file(file)) return;
    const json::value settings = base::read_json(file);
    const json::object* object = settings.if_object();
    const json::value* ends = object ? object->if_contains("eos_token_id") : nullptr;
    if (ends && !ends->is_null() && *ends != 0) source_.config["eos_token_id"] = *ends;
  }

  void decide(NewTensor tensor) {
    Work work{.tensor = std::move(tensor), .first_file_tensor = files_.size()};
    report_.input_bytes += work.tensor.stored_bytes();
    if (choice_) work.scheme = choice_->of(work.tensor, report_.notes);
    decide_types(work);
    const std::vector<int64_t>& shape = work.tensor.shape;
    const auto add = [&](const std::string& name, DType dtype, std::vector<int64_t> dims) {
      int64_t bytes = tensor::size_of(dtype);
      for (const int64_t size : dims) bytes *= size;
      files_.push_back({.name = name, .dtype = dtype, .shape = std::move(dims), .bytes = bytes});
    };
    if (work.scheme) {
      const std::string module = work.tensor.module();
      std::vector<int64_t> words = shape, groups = shape;
      words.back() = shape.back() / 32 * work.scheme->bits;
      groups.back() = shape.back() / work.scheme->group;
      add(module + ".weight", DType::kU32, words);
      add(module + ".scales", work.scheme->affine() ? work.dtype : DType::kU8, groups);
      if (work.scheme->affine()) add(module + ".biases", work.dtype, groups);
    } else {
      add(work.tensor.name, work.dtype, shape);
    }
    work_.push_back(std::move(work));
  }

  // What this tensor's numbers are rounded to; none = they stay.
  std::optional<DType> asked_type(const std::string& name) const {
    return keeps_type(layout_, rules_, name) ? std::nullopt : dtype_;
  }

  void decide_types(Work& work) const {
    const checkpoint::StoredTensor& first = work.tensor.sources.front();
    if (!work.tensor.is_float()) {
      work.dtype = first.dtype;
      return;
    }
    const std::optional<DType> asked = asked_type(work.tensor.name);
    if (!first.quantised) {
      // mlx-embeddings leaves the rest of what it dequantises as it is.
      const bool as_it_is =
          options_.dequantize && layout_ == Layout::kMlxEmbeddings && !given_dtype_;
      work.dtype = as_it_is ? first.dtype : asked.value_or(first.dtype);
      return;
    }
    if (!is_mlx(first)) {  // no converter of MLX's has a rule for these
      work.dtype = asked ? *asked : dtype_in(source_.config, "dtype").value_or(DType::kBF16);
    } else if (is_mlx(first, "affine")) {
      const DType scales = type_of(first.quantised->weight().scale);
      const bool of_scales = layout_ == Layout::kMlxEmbeddings && !given_dtype_;
      work.dequantised_as = of_scales ? scales : asked.value_or(scales);
      work.dtype = of_scales ? DType::kF16 : work.dequantised_as;
    } else {
      work.dtype = given_dtype_                        ? *given_dtype_
                   : layout_ == Layout::kMlxEmbeddings ? DType::kF16
                                                       : DType::kBF16;
    }
    if (options_.quantize) work.dequantised_as = DType::kF32;  // rounded once, when quantised
  }

  // What mlx-lm writes, and what the hub shows of a model that is uploaded.
  void write_card(const Target& target) const {
    if (layout_ != Layout::kMlxLm &&
        (options_.upload_repo.empty() || base::is_file(target.work() / "README.md")))
      return;
    std::error_code ignored;
    const bool is_path = fs::exists(options_.model, ignored);
    target.write("README.md", card_text(is_path ? "" : options_.model, layout_));
  }

  // Everything beside the weights: settings, the tokenizer, modules' folders.
  void copy_files(const Target& target) const {
    for (const auto& [name, text] : source_.files) target.write(name, text);
    if (source_.folder.empty()) return;
    const auto wanted = [](const fs::path& name) {
      static const std::set<std::string> kEndings = {".json",  ".py",       ".txt",
                                                     ".model", ".tiktoken", ".jinja"};
      const std::string text = name.string();
      return kEndings.contains(name.extension().string()) && !text.ends_with(".index.json") &&
             text != "config.json" && text != checkpoint::kModelOptFile;
    };
    std::set<fs::path> folders{source_.folder, source_.weights};
    for (const fs::path& folder : folders) {
      for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        const fs::path name = entry.path().filename();
        if (!base::is_file(entry.path()) || !wanted(name)) continue;
        target.copy(entry.path(), entry.path().lexically_relative(source_.folder));
      }
    }
    if (source_.weights != source_.folder && base::is_file(source_.folder / "config.json"))
      target.copy(source_.folder / "config.json", "config.json");
    copy_modules(target);
  }

  // Modules other than the transformer, whole: MLX's converters leave them out, and the model would
  // be pooled otherwise than it was.
  void copy_modules(const Target& target) const {
    const fs::path file = source_.folder / "modules.json";
    if (!base::is_file(file)) return;
    const json::value modules = base::read_json(file);
    if (!modules.is_array()) return;
    for (const json::value& module : modules.get_array()) {
      const json::object* object = module.if_object();
      const json::value* path = object ? object->if_contains("path") : nullptr;
      if (!path || !path->is_string() || path->get_string().empty()) continue;
      const fs::path folder = source_.folder / std::string(path->get_string());
      if (folder != source_.weights && fs::is_directory(folder))
        target.copy(folder, std::string(path->get_string()));
    }
  }

  void write(Shards& shards, const std::function<void(const ConvertProgress&)>& progress) {
    base::ThreadPool pool(options_.threads > 0 ? options_.threads : base::ThreadPool::cores());
    ConvertProgress done{.bytes_total = report_.input_bytes};
    for (const Work& work : work_) {
      int64_t at = 0;  // numbers of the sources before
      for (const checkpoint::StoredTensor& stored : work.tensor.sources) {
        const int64_t bytes =
            NewTensor{.name = "", .shape = {}, .sources = {stored}}.stored_bytes();
        if (!work.tensor.is_float()) {
          shards.write(work.first_file_tensor, 0, stored.bytes);
        } else {
          write_numbers(shards, pool, work, stored, at);
        }
        at += checkpoint::shape_product(stored.shape).value_or(0);
        done.bytes_done += bytes;
        if (progress) progress(done);
      }
    }
  }

  // Codes of one source that are in the form already: quantised again, blocks whose largest number
  // is no code of their scale would lose.
  static void write_codes(Shards& shards, const Work& work, const tensor::Weight& weight,
                          int64_t at) {
    shards.write(work.first_file_tensor, work.scheme->code_bytes(at), weight.codes.bytes);
    shards.write(work.first_file_tensor + 1, at / work.scheme->group, weight.scale.bytes);
  }

  // The numbers of one source, which come `at` numbers after the tensor's first.
  static void write_numbers(Shards& shards, base::ThreadPool& pool, const Work& work,
                            const checkpoint::StoredTensor& stored, int64_t at) {
    Rows rows(stored);
    rows.round_as(work.dequantised_as);
    if (work.scheme && is_in_form(*work.scheme, rows.weight()))
      return write_codes(shards, work, *rows.weight(), at);
    const int64_t columns =
        std::max<int64_t>(1, work.tensor.shape.empty() ? 1 : work.tensor.shape.back());
    const int64_t step = std::max<int64_t>(1, kPiece / columns) * columns;
    const int64_t pieces = (rows.numbers() + step - 1) / step;
    pool.parallel_for(pieces, [&](int64_t piece) {
      const int64_t begin = piece * step, count = std::min(step, rows.numbers() - begin);
      std::vector<float> values(static_cast<size_t>(count));
      rows.read(begin, values);
      write_piece(shards, work, at + begin, values);
    });
  }

  static void write_piece(Shards& shards, const Work& work, int64_t begin,
                          std::vector<float>& values) {
    const auto count = static_cast<int64_t>(values.size());
    const size_t file = work.first_file_tensor;
    if (!work.scheme) {
      const int64_t width = tensor::size_of(work.dtype);
      std::vector<std::byte> stored(static_cast<size_t>(count * width));
      quantise::narrow(work.dtype, values, stored, work.title());
      return shards.write(file, begin * width, stored);
    }
    const quantise::Scheme& scheme = *work.scheme;
    const int64_t width = scheme.affine() ? tensor::size_of(work.dtype) : 1;
    std::vector<std::byte> codes(static_cast<size_t>(scheme.code_bytes(count))),
        scales(static_cast<size_t>(count / scheme.group * width)),
        offsets(scheme.affine() ? scales.size() : 0);
    quantise::quantise(scheme, work.dtype, values, {codes.data(), scales.data(), offsets.data()},
                       work.title());
    const int64_t group_bytes = begin / scheme.group * width;
    shards.write(file, scheme.code_bytes(begin), codes);
    shards.write(file + 1, group_bytes, scales);
    if (scheme.affine()) shards.write(file + 2, group_bytes, offsets);
  }

  const ConvertOptions& options_;
  Source source_;
  Layout layout_ = Layout::kMlxEmbeddings;
  models::MlxRules rules_;
  std::optional<DType> given_dtype_, dtype_;  // as asked for; as numbers are rounded to, or none
  std::optional<Choice> choice_;
  std::vector<Work> work_;
  std::vector<FileTensor> files_;
  ConvertReport report_;
};

void check(const ConvertOptions& options) {
  if (options.quantize && options.dequantize)
    refuse_option("--quantize, --dequantize", "choose one of the two, not both");
  if (!options.dtype.empty() && !dtype_of(options.dtype))
    refuse_option("--dtype", checkpoint::quoted_text(options.dtype) +
                                 " is not known: expected float16, bfloat16 or float32");
  if (options.quantize)
    quantise::make_scheme(options.mode, options.bits, options.group_size);
  else if (!options.recipe.empty())
    refuse_option("--quant-predicate", "says how to quantise: expected -q with it");
}

void upload(const ConvertOptions& options, ConvertReport& report,
            const std::function<void(const ConvertProgress&)>& progress) {
  const auto told = [&](int64_t done, int64_t total) {
    if (progress) progress({.bytes_done = done, .bytes_total = total, .uploading = true});
  };
  try {
    report.uploaded =
        hub::upload_folder(report.folder, options.upload_repo, options.hub, {}, told).url;
  } catch (const Error& error) {
    throw Error(error.code(),
                "--upload-repo: " + report.folder.string() + " is written, but " + error.what(),
                error.field());
  }
}

}  // namespace

ConvertReport convert_model(const ConvertOptions& options,
                            const std::function<void(const ConvertProgress&)>& progress) {
  check(options);
  if (!options.upload_repo.empty()) hub::check_upload(options.upload_repo, options.hub);
  const fs::path model = resolve_model(options.model, options.hub);
  ConvertReport report = Conversion(options, open_source(model)).run(progress);
  if (!options.upload_repo.empty()) upload(options, report, progress);
  return report;
}

}  // namespace vecton::convert
