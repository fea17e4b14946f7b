"""python -m mlx_embeddings.convert, by the native program."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    from vecton.mlx_embeddings.utils import convert

    parser = argparse.ArgumentParser("mlx_embeddings.convert", description="Converts a checkpoint to MLX's layout")
    parser.add_argument("--hf-path", "--model", required=True, help="folder or name on the hub")
    parser.add_argument("--mlx-path", default="mlx_model", help="folder to be made")
    parser.add_argument("-q", "--quantize", action="store_true")
    parser.add_argument("--q-group-size", type=int, help="default: the mode's own")
    parser.add_argument("--q-bits", type=int, help="default: the mode's own")
    parser.add_argument("--q-mode", default="affine", choices=["affine", "mxfp4", "nvfp4", "mxfp8"])
    parser.add_argument("--dtype", choices=["float16", "bfloat16", "float32"])
    parser.add_argument("--upload-repo")
    parser.add_argument("-d", "--dequantize", action="store_true")
    parser.add_argument("--revision")
    parser.add_argument("--trust-remote-code", action="store_true", help="taken; no code is ever run")
    given = vars(parser.parse_args(arguments))
    given.pop("trust_remote_code")
    try:
        convert(**given)
    except (ValueError, OSError) as error:
        sys.exit(f"mlx_embeddings.convert: {error}")


if __name__ == "__main__":
    main()
