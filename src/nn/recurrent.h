// What recurrent layers read of the tokens before a pass, and keep for those after it.
#pragma once

#include "nn/forward_pass.h"

namespace vecton::nn {

// Ops::short_conv along sequences that may have begun before this pass. `layer` is that of the
// cache.
Tensor causal_conv(const ForwardPass& pass, int64_t layer, const Tensor& x, const Tensor& taps,
                   const ops::Vector& bias);

// Of models whose tokens see both ways, which a pass has whole: y[t] = bias + sum over i < width of
// taps[i] x[t - width / 2 + i]; what lies beside a sequence is 0.
Tensor centred_conv(const ForwardPass& pass, const Tensor& x, const Tensor& taps,
                    const ops::Vector& bias);

// Ops::gated_delta as causal_conv().
Tensor gated_delta(const ForwardPass& pass, int64_t layer, const ops::DeltaInput& in,
                   const ops::DeltaShape& shape);

// x with 0 in the rows that others may not attend to.
Tensor attended_rows(const ForwardPass& pass, Tensor x);

}  // namespace vecton::nn
