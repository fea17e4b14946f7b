#include "nn/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::nn {

namespace {

[[noreturn]] void corrupt(const checkpoint::Config& config, const std::string& message) {
  throw Error(ErrorCode::kCorrupt, config.file() + ": " + message);
}

double positive(const checkpoint::Config& config, std::string_view key, double value) {
  if (!(value > 0)) corrupt(config, std::string(key) + ": expected a number above 0");
  return value;
}

// What config.json says, found in whichever place it stands.
struct Source {
  const checkpoint::Config& model;
  std::optional<checkpoint::Config> scaling;  // the object with the kind of scaling and its numbers
  std::string type = "default";
  double theta = 0;
  int64_t head_dim = 0, rotary_dim = 0;
  bool amplitudes = false;  // RopeOptions::amplitudes

  double number(std::string_view key) const {
    return positive(*scaling, key, scaling->number(key));
  }
  // Absent, null and 0 are the same, as the reference has it.
  double number_or(std::string_view key, double fallback) const {
    const double value = scaling->number_or(key, fallback);
    return value == 0 ? fallback : positive(*scaling, key, value);
  }
  std::vector<float> numbers(std::string_view key) const;
  // The positions that the model was trained with before it was stretched.
  int64_t original_positions() const;
  // How much it was stretched.
  double factor(int64_t original) const {
    if (scaling->has("factor")) return number("factor");
    return static_cast<double>(model.integer("max_position_embeddings")) /
           static_cast<double>(original);
  }
};

std::vector<float> Source::numbers(std::string_view key) const {
  const json::value* value = scaling->raw(key);
  const auto expected = static_cast<size_t>(rotary_dim / 2);
  if (!value || !value->is_array() || value->get_array().size() != expected) {
    corrupt(*scaling, std::string(key) + ": expected a list of " + std::to_string(expected) +
                          " numbers, one for each rotary pair");
  }
  std::vector<float> result;
  for (const json::value& item : value->get_array()) {
    const double number = item.is_number() ? item.to_number<double>() : 0;
    if (!std::isfinite(number)) corrupt(*scaling, std::string(key) + ": expected finite numbers");
    result.push_back(static_cast<float>(positive(*scaling, key, number)));
  }
  return result;
}

int64_t Source::original_positions() const {
  constexpr std::string_view kKey = "original_max_position_embeddings";
  const int64_t inner = scaling->integer_or(kKey, 0, 0), outer = model.integer_or(kKey, 0, 0);
  if (outer > 0) return outer;
  return inner > 0 ? inner : model.integer("max_position_embeddings");
}

// rope_scaling of older files wins over rope_parameters, as in the reference.
Source find(const checkpoint::Config& config, int64_t head_dim, const RopeOptions& options) {
  Source source{.model = config, .head_dim = head_dim, .amplitudes = options.amplitudes};
  std::optional<checkpoint::Config> parameters = config.child("rope_parameters");
  if (parameters && !options.layer_type.empty() && parameters->has(options.layer_type))
    parameters = parameters->child(options.layer_type);
  const std::optional<checkpoint::Config> scaling = config.child("rope_scaling");
  source.scaling = scaling && options.scaled ? scaling : parameters;

  double partial = config.number_or("partial_rotary_factor", options.partial_rotary_factor);
  source.theta = config.number_or(options.theta_key, options.theta);
  for (const std::optional<checkpoint::Config>& place : {scaling, parameters}) {
    if (!place) continue;
    source.theta = place->number_or("rope_theta", source.theta);
    partial = place->number_or("partial_rotary_factor", partial);
  }
  if (source.scaling) {
    source.type = source.scaling->string_or("type", "default");
    source.type = source.scaling->string_or("rope_type", source.type);
  }
  // As Qwen's older files call mrope_section.
  if (source.type == "mrope" && options.axes != RopeOptions::Axes::kNone) source.type = "default";
  positive(config, options.theta_key, source.theta);
  if (!(partial > 0 && partial <= 1))
    corrupt(config, "partial_rotary_factor: expected a number above 0 and at most 1");
  source.rotary_dim = static_cast<int64_t>(static_cast<double>(head_dim) * partial);
  if (source.type == "proportional") {
    source.rotary_dim = 2 * static_cast<int64_t>(static_cast<double>(head_dim) * partial / 2);
  } else if (source.rotary_dim % 2 != 0 || source.rotary_dim == 0) {
    corrupt(config, "the rotary part of a head has " + std::to_string(source.rotary_dim) +
                        " columns; expected an even number of at least 2");
  }
  return source;
}

// theta^(2i / dim), each step rounded to float32 as the reference does.
std::vector<float> wavelengths(double theta, int64_t pairs, int64_t dim) {
  std::vector<float> result;
  for (int64_t i = 0; i < pairs; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
    result.push_back(static_cast<float>(std::pow(theta, static_cast<double>(exponent))));
  }
  return result;
}

RopeFrequencies plain(const Source& source) {
  RopeFrequencies result;
  for (const float w : wavelengths(source.theta, source.rotary_dim / 2, source.rotary_dim))
    result.of_position.push_back(1.0f / w);
  return result;
}

RopeFrequencies linear(const Source& source) {
  const auto factor = static_cast<float>(source.number("factor"));
  RopeFrequencies result = plain(source);
  for (float& f : result.of_position) f /= factor;
  return result;
}

// Slow pairs are stretched, fast ones stay, those between are mixed.
RopeFrequencies llama3(const Source& source) {
  const auto factor = static_cast<float>(source.number("factor"));
  const auto low = static_cast<float>(source.number("low_freq_factor"));
  const auto high = static_cast<float>(source.number("high_freq_factor"));
  const auto original = static_cast<float>(source.original_positions());
  if (!(high > low))
    corrupt(*source.scaling, "high_freq_factor: expected a number above low_freq_factor");
  RopeFrequencies result = plain(source);
  for (float& f : result.of_position) {
    const float wavelength = 2 * std::numbers::pi_v<float> / f;
    if (wavelength > original / low) {
      f /= factor;
    } else if (!(wavelength < original / high)) {
      const float smooth = (original / wavelength - low) / (high - low);
      f = (1 - smooth) * f / factor + smooth * f;
    }
  }
  return result;
}

double yarn_amplitude(const Source& source, double factor) {
  const auto scale = [&](double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1; };
  const double mscale = source.scaling->number_or("mscale", 0);
  const double all = source.scaling->number_or("mscale_all_dim", 0);
  const double computed = mscale != 0 && all != 0 ? scale(mscale) / scale(all) : scale(1);
  return source.scaling->number_or("attention_factor", computed);
}

RopeFrequencies yarn(const Source& source) {
  const int64_t original = source.original_positions();
  const double factor = source.factor(original);
  const auto dim = static_cast<double>(source.rotary_dim);
  if (!(source.theta > 1)) corrupt(source.model, "rope_theta: expected a number above 1");
  // The pair that turns `rotations` times within the original positions.
  const auto pair_of = [&](double rotations) {
    return dim * std::log(static_cast<double>(original) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(source.theta));
  };
  double low = pair_of(source.number_or("beta_fast", 32));
  double high = pair_of(source.number_or("beta_slow", 1));
  if (source.scaling->boolean_or("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // the ramp has a slope

  RopeFrequencies result;
  const auto stretch = static_cast<float>(factor);
  const std::vector<float> waves =
      wavelengths(source.theta, source.rotary_dim / 2, source.rotary_dim);
  for (size_t i = 0; i < waves.size(); ++i) {
    const float ramp =
        (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1 - std::clamp(ramp, 0.0f, 1.0f);
    result.of_position.push_back(1.0f / (stretch * waves[i]) * (1 - kept) + 1.0f / waves[i] * kept);
  }
  result.amplitude = static_cast<float>(yarn_amplitude(source, factor));
  return result;
}

RopeFrequencies longrope(const Source& source) {
  const int64_t original = source.original_positions();
  const double factor = source.factor(original);
  if (original < 2) corrupt(source.model, "original_max_position_embeddings: expected at least 2");
  const double computed =
      factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
  const std::vector<float> brief = source.numbers("short_factor"),
                           extended = source.numbers("long_factor"),
                           waves =
                               wavelengths(source.theta, source.rotary_dim / 2, source.rotary_dim);
  RopeFrequencies result;
  for (size_t i = 0; i < waves.size(); ++i) {
    result.of_position.push_back(1.0f / (brief[i] * waves[i]));
    result.of_position_long.push_back(1.0f / (extended[i] * waves[i]));
  }
  result.amplitude = static_cast<float>(source.scaling->number_or("attention_factor", computed));
  result.amplitude_long = result.amplitude;
  if (source.amplitudes) {
    result.amplitude = static_cast<float>(source.number("short_mscale"));
    result.amplitude_long = static_cast<float>(source.number("long_mscale"));
    result.of_position_long = result.of_position;  // as transformers computes them at every length
  } else {
    for (const char* key : {"short_mscale", "long_mscale"}) source.scaling->require(key, nullptr);
  }
  const bool alike =
      result.of_position_long == result.of_position && result.amplitude_long == result.amplitude;
  if (alike) {
    result.of_position_long.clear();
  } else {
    result.long_after = original;
  }
  return result;
}

// The base grows with texts longer than max_position_embeddings, which no model takes here: up to
// there it is the plain one.
RopeFrequencies dynamic(const Source& source) {
  source.number("factor");
  source.scaling->require("alpha", nullptr);
  return plain(source);
}

// The head keeps its whole rotary layout, its later pairs stand still.
RopeFrequencies proportional(const Source& source) {
  const auto factor = static_cast<float>(source.number_or("factor", 1));
  RopeFrequencies result;
  for (const float w : wavelengths(source.theta, source.rotary_dim / 2, source.head_dim))
    result.of_position.push_back(1.0f / w / factor);
  result.of_position.resize(static_cast<size_t>(source.head_dim / 2), 0.0f);
  return result;
}

// Su 2023, https://kexue.fm/archives/9706, formulas 6 and, with mixed_b, 10, 12 and 13: the slower
// a pair the more it is stretched, the slowest by `factor`.
RopeFrequencies ntk(const Source& source) {
  const double factor = source.number("factor");
  const bool mixed = source.scaling->has("mixed_b");
  const double b = mixed ? source.number("mixed_b") : 0;
  if (factor <= 1) return plain(source);
  const int64_t pairs = source.rotary_dim / 2;
  const double base = mixed ? source.theta : source.theta * factor;
  const double all = std::pow(factor, 1.0 / static_cast<double>(pairs));
  const double a = std::log(factor) / std::pow(static_cast<double>(pairs), b);
  RopeFrequencies result;
  for (const float w : wavelengths(base, pairs, source.rotary_dim)) {
    const auto pair = static_cast<double>(result.of_position.size() + 1);
    const double stretch = mixed ? std::exp(a * std::pow(pair, b)) : all;
    result.of_position.push_back(1.0f / w / static_cast<float>(stretch));
  }
  return result;
}

struct Scaling {
  std::string_view name;
  RopeFrequencies (*frequencies)(const Source&);
};
constexpr Scaling kScalings[] = {
    {"default", plain},     {"linear", linear},
    {"llama3", llama3},     {"yarn", yarn},
    {"longrope", longrope}, {"su", longrope},  // as Phi-3 first called it
    {"dynamic", dynamic},   {"proportional", proportional},
    {"ntk", ntk},
};

// The axis of each pair.
std::vector<uint8_t> axes_of(const checkpoint::Config& config, const Source& source,
                             RopeOptions::Axes axes) {
  const bool interleaved = axes == RopeOptions::Axes::kInterleaved;
  const auto pairs = source.rotary_dim / 2;
  const std::vector<int64_t> sections =
      source.scaling ? source.scaling->integers_or_empty("mrope_section") : std::vector<int64_t>();
  int64_t sum = 0;
  bool right = sections.size() == 3;
  for (const int64_t section : sections) {
    right = right && section >= 0 && section <= pairs;
    sum += right ? section : 0;
  }
  if (!right || sum != pairs) {
    corrupt(config, "mrope_section: expected three counts of rotary pairs, " +
                        std::to_string(pairs) + " in all");
  }
  source.scaling->require("mrope_interleaved", interleaved);
  std::vector<uint8_t> result;
  for (int64_t i = 0; i < pairs; ++i) {
    if (interleaved) {
      const int64_t axis = i % 3;
      const bool own = axis > 0 && i < 3 * sections[static_cast<size_t>(axis)];
      result.push_back(static_cast<uint8_t>(own ? axis : 0));
    } else {
      result.push_back(static_cast<uint8_t>(i < sections[0]                 ? 0
                                            : i < sections[0] + sections[1] ? 1
                                                                            : 2));
    }
  }
  return result;
}

}  // namespace

RopeFrequencies rope_frequencies(const checkpoint::Config& config, int64_t head_dim,
                                 const RopeOptions& options) {
  if (head_dim % 2 != 0) corrupt(config, "head_dim must be even");
  if (head_dim > checkpoint::Config::kMostCounted) {
    corrupt(config, "a head has " + std::to_string(head_dim) + " columns; expected at most " +
                        std::to_string(checkpoint::Config::kMostCounted));
  }
  const Source source = find(config, head_dim, options);
  // Keys that the other scalings have change nothing in this one, nor does rope_parameters beside
  // the rope_scaling that wins. Files of Phi-3 without a scaling have one of them.
  config.ignore({"original_max_position_embeddings"});
  std::optional<checkpoint::Config> beside;
  if (config.has("rope_scaling")) beside = config.child("rope_parameters");
  for (const std::optional<checkpoint::Config>& place : {source.scaling, beside}) {
    if (!place) continue;
    place->ignore({"factor", "original_max_position_embeddings", "attention_factor", "beta_fast",
                   "beta_slow", "mscale", "mscale_all_dim", "truncate", "low_freq_factor",
                   "high_freq_factor", "short_factor", "long_factor", "finetuned"});
    place->ignore({"rope_type", "type"});
  }
  std::string known;
  for (const Scaling& scaling : kScalings) {
    if (scaling.name == source.type) {
      RopeFrequencies result = scaling.frequencies(source);
      if (options.axes != RopeOptions::Axes::kNone)
        result.axes = axes_of(config, source, options.axes);
      if (!result.axes.empty() && result.long_after > 0)
        corrupt(config, "rope_type longrope together with mrope_section is not known");
      return result;
    }
    known += (known.empty() ? "" : ", ") + std::string(scaling.name);
  }
  throw Error(ErrorCode::kUnsupported, config.file() + ": rope_type \"" + source.type +
                                           "\" is not supported; one of " + known + " is");
}

}  // namespace vecton::nn
