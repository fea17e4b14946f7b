"""Patches: the arrays that Qwen's vision models take pictures as, from pictures and back."""
from __future__ import annotations

import json
import math
import pathlib
from typing import Any

import numpy as np

from vecton.mlx_embeddings.arrays import to_numpy

KINDS = ("Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast", "Qwen3VLImageProcessor", "Qwen3VLImageProcessorFast")
MOST = 200  # times that a picture may be as long as it is wide


class Patches:
    """A picture is cut into squares, of which those that are merged into one token stand together: rows of levels as numbers, and a
    grid [frames, rows, columns] per picture."""

    def __init__(self, folder: str) -> None:
        file = pathlib.Path(folder, "preprocessor_config.json")
        settings: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        kind = settings.get("image_processor_type")
        if kind not in KINDS:
            raise ValueError(f"images: of {kind or 'a model without preprocessor_config.json'} there are no arrays; of {', '.join(KINDS)} there are: "
                             "give the pictures to embed_vision_language(model, processor, items)")
        size = settings.get("size") or {}
        self.least = settings.get("min_pixels") or size.get("shortest_edge") or 56 * 56
        self.most = settings.get("max_pixels") or size.get("longest_edge") or 28 * 28 * 1280
        self.side, self.merged, self.frames = settings.get("patch_size", 14), settings.get("merge_size", 2), settings.get("temporal_patch_size", 2)
        self.resample = settings.get("resample", 3)
        self.resizes = settings.get("do_resize", True)
        self.scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
        normal = settings.get("do_normalize", True)
        self.mean = np.array(settings["image_mean"] if normal else [0.0] * 3)
        self.std = np.array(settings["image_std"] if normal else [1.0] * 3)

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """The nearest size of whole squares between the least and the most pixels."""
        if max(width, height) > MOST * min(width, height):
            raise ValueError(f"images: a picture is at most {MOST} times as long as it is wide, found {width} x {height}")
        unit = self.side * self.merged
        found = [max(unit, round(edge / unit) * unit) for edge in (width, height)]
        if found[0] * found[1] > self.most:
            shrink = math.sqrt(width * height / self.most)
            found = [max(unit, math.floor(edge / shrink / unit) * unit) for edge in (width, height)]
        elif found[0] * found[1] < self.least:
            grow = math.sqrt(self.least / (width * height))
            found = [math.ceil(edge * grow / unit) * unit for edge in (width, height)]
        return found[0], found[1]

    def values(self, image: Any) -> tuple[np.ndarray, list[int]]:
        """The rows of a PIL image, and its grid."""
        from PIL import Image

        image = image.convert("RGB")
        if self.resizes:
            image = image.resize(self.size_of(*image.size), Image.Resampling(self.resample))
        levels = (np.asarray(image, np.float64) * self.scale - self.mean) / self.std
        height, width = (edge // self.side for edge in levels.shape[:2])
        if levels.shape[:2] != (height * self.side, width * self.side) or height % self.merged or width % self.merged:
            raise ValueError(f"images: with do_resize = false a picture is of whole squares of {self.side * self.merged} pixels, found {image.size}")
        squares = levels.reshape(height // self.merged, self.merged, self.side, width // self.merged, self.merged, self.side, 3)
        rows = squares.transpose(0, 3, 1, 4, 6, 2, 5).reshape(height * width, 3, 1, self.side * self.side)
        return rows.repeat(self.frames, 2).reshape(height * width, -1).astype(np.float32), [1, height, width]

    def tokens_of(self, grid: Any) -> int:
        return int(np.prod(grid)) // self.merged**2

    def levels(self, values: Any, grids: Any) -> list[np.ndarray]:
        """The pictures, uint8 [height, width, 3], of rows below each other or of pictures filled up to the longest."""
        rows, grids = to_numpy(values).astype(np.float64), to_numpy(grids)
        if grids.ndim != 2 or grids.shape[1] != 3 or (grids[:, 0] != 1).any():
            raise ValueError(f"image_grid_thw must be [images, 3] with one frame each, found {grids.tolist()}")
        counts = grids.prod(1).tolist()
        if rows.ndim == 3 and len(rows) == len(grids) and rows.shape[1] >= max(counts):
            rows = np.concatenate([row[:count] for row, count in zip(rows, counts)])
        width = 3 * self.frames * self.side**2
        if rows.shape != (sum(counts), width):
            raise ValueError(f"pixel_values must have the shape [{sum(counts)}, {width}] by image_grid_thw, found {list(rows.shape)}")
        found = []
        for (_, height, width), end in zip(grids.tolist(), np.cumsum(counts)):
            squares = rows[end - height * width:end].reshape(height // self.merged, width // self.merged, self.merged, self.merged, 3, self.frames,
                                                             self.side, self.side)[:, :, :, :, :, 0]
            picture = squares.transpose(0, 2, 5, 1, 3, 6, 4).reshape(height * self.side, width * self.side, 3)
            found.append(np.clip(np.rint((picture * self.std + self.mean) / self.scale), 0, 255).astype(np.uint8))
        return found
