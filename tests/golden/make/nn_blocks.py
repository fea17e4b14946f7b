"""Prints what torch computes of the small blocks in src/nn/*_test.cpp and src/heads/*_test.cpp, as C++ lists.

    pip install torch && python tests/golden/make/nn_blocks.py
"""
import math

import torch
import torch.nn.functional as F


def sines(*shape, step):
    values = [math.sin(step * i) for i in range(1, math.prod(shape) + 1)]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def show(name, values):
    print(f"// {name}\n{{" + ", ".join(f"{v:.7f}f" for v in values.flatten().tolist()) + "}")


def turned(x, theta=10000.0):
    """Rotary positions 0, 1, ... of x [rows, heads, dim]; pairs are i and i + dim / 2 (Su et al. 2021)."""
    rows, _, dim = x.shape
    angle = torch.arange(rows).double()[:, None] * theta ** (-torch.arange(0, dim, 2).double() / dim)
    cos, sin = (torch.cat([f(angle)] * 2, -1)[:, None] for f in (torch.cos, torch.sin))
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def attention(x, *, heads, kv_heads, dim, causal=False, window=0, softcap=0.0, rope=False, norms=False, attended=None, q_rows=None):
    hidden = x.shape[1]
    q = (x @ sines(heads * dim, hidden, step=0.3).T).reshape(len(x), heads, dim)
    kv = x @ sines(2 * kv_heads * dim, hidden, step=0.7).T
    k, v = (part.reshape(len(x), kv_heads, dim) for part in kv.chunk(2, -1))
    if norms:
        q, k = (F.rms_norm(p, (dim,), sines(dim, step=s), 1e-6) for p, s in ((q, 1.1), (k, 1.3)))
    if rope:
        q, k = turned(q), turned(k)
    k, v = (p.repeat_interleave(heads // kv_heads, 1) for p in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) * 0.5
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    p = torch.arange(len(x))
    seen = torch.ones(len(x), len(x), dtype=torch.bool)
    if causal:
        seen &= p[None] <= p[:, None]
    if window:
        seen &= (p[None] - p[:, None]).abs() < window
    if attended is not None:
        seen &= p[None] < attended
    scores = scores.masked_fill(~seen, -math.inf).softmax(-1)
    context = torch.einsum("hqk,khd->qhd", scores, v).reshape(len(x), heads * dim)
    y = context @ sines(hidden, heads * dim, step=0.9).T
    return y if q_rows is None else y[q_rows]


def main():
    x = sines(5, 4, step=0.37)
    plain = dict(heads=2, kv_heads=1, dim=2)
    show("all see all", attention(x, **plain))
    show("causal", attention(x, **plain, causal=True))
    show("window 2", attention(x, **plain, window=2))
    show("causal, window 3", attention(x, **plain, causal=True, window=3))
    show("softcap 0.5", attention(x, **plain, softcap=0.5))
    show("rope, causal", attention(x, **plain, rope=True, causal=True))
    show("norms", attention(x, **plain, norms=True))
    show("norms and rope", attention(x, **plain, norms=True, rope=True))
    show("attended 3", attention(x, **plain, attended=3))
    show("4 heads, 2 kv heads", attention(x, heads=4, kv_heads=2, dim=2, causal=True))

    y = sines(2, 3, step=0.37)
    up, down = sines(4, 3, step=0.3), sines(3, 4, step=0.7)
    bias, end = sines(4, step=0.2), sines(3, step=0.4)
    functions = {"gelu": F.gelu, "gelu tanh": lambda v: F.gelu(v, approximate="tanh"), "relu": F.relu, "silu": F.silu,
                 "tanh": torch.tanh, "sigmoid": torch.sigmoid}
    for name, f in functions.items():
        show("mlp " + name, f(y @ up.T + bias) @ down.T + end)
    gate, other = sines(4, 3, step=0.3), sines(4, 3, step=0.5)
    for name, f in functions.items():
        if name not in ("tanh", "sigmoid"):
            show("gated mlp " + name, (f(y @ gate.T) * (y @ other.T)) @ down.T)

    h = sines(2, 4, step=0.8)
    w, b = sines(3, 4, step=0.6), sines(3, step=0.9)
    dense = h @ w.T + b
    residual = sines(3, 4, step=1.7)
    show("dense tanh", torch.tanh(dense))
    for name, module in {"GELU": F.gelu, "Identity": lambda v: v, "ReLU": F.relu, "SiLU": F.silu, "Mish": F.mish, "ELU": F.elu,
                         "SELU": F.selu, "Softplus": F.softplus, "LeakyReLU": F.leaky_relu, "Hardswish": F.hardswish,
                         "Softsign": F.softsign, "Tanhshrink": F.tanhshrink}.items():
        show("dense " + name, module(dense))
    show("dense prelu 0.3", F.prelu(dense, torch.tensor(0.3).double()))
    show("dense residual", torch.tanh(dense) + h @ residual.T)
    square, side = sines(4, 4, step=0.6), sines(4, step=0.9)
    show("square residual", torch.tanh(h @ square.T + side) + h)
    show("square prelu residual", F.prelu(h @ square.T + side, torch.tensor(0.3).double()) + h)
    show("layer norm", F.layer_norm(h, (4,), sines(4, step=1.1), sines(4, step=1.9), 1e-5))
    show("normalize", F.normalize(h))
    show("dense, layer norm, normalize",
         F.normalize(F.layer_norm(torch.tanh(dense), (3,), sines(3, step=1.1), sines(3, step=1.9), 1e-5)))


if __name__ == "__main__":
    main()
