"""How Tuoke runs: sources in, engine, lake, warehouse out."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds pipeline, assets, quality and sql, in a checkout and where the package is installed."""
