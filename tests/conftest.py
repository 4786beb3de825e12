"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real files and golden figures beside the checkout."""
    folder = (Path(__file__).parents[1] / ".." / "shared").resolve()
    if not (folder / "data").is_dir():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("shared/ is not beside the checkout, and CI must not go without it")
        pytest.skip("shared/ is not beside the checkout")
    return folder
