#pragma once

#include "gemmetry/shape/model.h"

namespace gemmetry::advise {

/// A standard shape of about that many parameters, to start a search from when nothing but a count is given: the
/// paper's layer (FFN 4h, LayerNorm, biases, tied embeddings) with rotary positions, which bound no sequence, head
/// dimension 128 and vocabulary 50304. Depth and width follow the GPT-3 family (Brown et al., arXiv 2005.14165,
/// table 2.1): the hidden size is interpolated in the logarithms of hidden size and parameters and rounded to a
/// multiple of 128; the layers are as many as come nearest to the count. Error unless `parameters` is from 1e7 to 1e13.
shape::Model start_from_parameters(double parameters);

}  // namespace gemmetry::advise
