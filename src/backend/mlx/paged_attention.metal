// One query of one head, by a SIMD group: attention to keys that lie in pages, and to those of the
// batch. The body of a kernel, whose signature MLX writes: mlx_paged_attention.cpp has its inputs.
// A lane has every 32nd number of a head.
constexpr int kLanes = 32, kPart = (DIM + kLanes - 1) / kLanes, kRow = KV_HEADS * DIM;
const int lane = thread_position_in_threadgroup.x, head = threadgroup_position_in_grid.y,
          query = threadgroup_position_in_grid.z, column = head / (HEADS / KV_HEADS) * DIM;
const int low = reach[query * 6], high = reach[query * 6 + 1];  // keys that it sees
const int first_page = reach[query * 6 + 2], paged = reach[query * 6 + 3];
const int first_own = reach[query * 6 + 4];       // row of the key after those in pages
const bool indifferent = reach[query * 6 + 5] != 0;  // all keys are equal to it
const float scale = numbers[0], cap = numbers[1];

float own[kPart], sum[kPart];
for (int i = 0; i < kPart; ++i) {
  const int d = lane + i * kLanes;
  own[i] = d < DIM ? scale * q[(query * HEADS + head) * DIM + d] : 0;
  sum[i] = 0;
}
// What is summed is relative to e^most.
float most = -INFINITY, total = 0;
if (SINKS && !indifferent) {
  most = sinks[head];
  total = 1;
}
for (int j = low; j < high; ++j) {
  const bool in_page = j < paged;
  const int row = in_page ? pages[first_page + j / PAGE_ROWS] * PAGE_ROWS + j % PAGE_ROWS
                          : first_own + j - paged;
  const size_t at = size_t(row) * kRow + column;
  float product = 0;
  for (int i = 0; i < kPart; ++i) {
    const int d = lane + i * kLanes;
    if (d < DIM) product += own[i] * (in_page ? float(page_k[at + d]) : k[at + d]);
  }
  float score = simd_sum(product);
  if (CAPPED) score = cap * tanh(score / cap);
  if (indifferent) score = 0;
  const float next = max(most, score);
  const float kept = exp(most - next), weight = exp(score - next);
  total = total * kept + weight;
  for (int i = 0; i < kPart; ++i) {
    const int d = lane + i * kLanes;
    if (d < DIM) sum[i] = sum[i] * kept + weight * (in_page ? float(page_v[at + d]) : v[at + d]);
  }
  most = next;
}
for (int i = 0; i < kPart; ++i) {
  const int d = lane + i * kLanes;  // who sees no key has 0
  if (d < DIM) y[(query * HEADS + head) * DIM + d] = total == 0 ? 0 : sum[i] / total;
}
