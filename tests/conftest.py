"""How many examples Hypothesis tries, in how many processes the tests run, and what need not be done for every test.

Some examples at every change, many in CI (``--hypothesis-profile thorough``).
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import settings

# No deadline: it would say how busy the machine is.
settings.register_profile("thorough", max_examples=50, deadline=None)
settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")

_MEMORY = Path("/dev/shm")  # noqa: S108 -- pytest makes a directory there that is its user's alone
_ENOUGH = 2 * 1024**3  # bytes: a run leaves a tenth of it, and pytest keeps those of three
_WIRE = Path(__file__).parent / "wire"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All processors for the whole suite; one file is done before another process has started."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and _quick(config)
    return (os.cpu_count() or 1) if whole and not config.option.keyword else 0


def pytest_configure(config: pytest.Config) -> None:
    if _quick(config):
        _keep_files_in_memory()
    _read_each_model_of_aws_once()
    gc.disable()  # until all tests are known: nothing of them is garbage


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Tests that would all be deselected are not even imported, unless somebody names them."""
    named = any(_WIRE.name in Path(arg).parts for arg in config.args)
    return True if collection_path == _WIRE and _quick(config) and not named else None


def pytest_collection_finish() -> None:
    """What is there now stays to the end: no collection of garbage needs to go through all of it again."""
    gc.enable()
    gc.freeze()


def _quick(config: pytest.Config) -> bool:
    quick: bool = config.option.markexpr == "not wire"
    return quick


def _keep_files_in_memory() -> None:
    """Thousands of small files are made, and a disk is waited for at every directory and every fsync."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _read_each_model_of_aws_once() -> None:
    """Otherwise every session reads endpoints.json again, which takes longer than most tests of one."""
    read = functools.cache(JSONFileLoader().load_file)
    pytest.MonkeyPatch().setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
