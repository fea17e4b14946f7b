"""Stands for the package mlx where that is not installed: mlx.core is numpy's stand-in."""
