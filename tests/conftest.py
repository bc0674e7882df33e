"""For all tests: whoever runs beside them, here or in another checkout, puts nothing where they look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from rlreactor.compiled import ENGINE, engine

settings.register_profile("whatever the load", deadline=None)
settings.load_profile("whatever the load")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reaches into the engine finds nothing to take hold of where it is compiled."""
    if engine() == "compiled":
        skipped = pytest.mark.skip(reason=f"reaches into the engine: needs {ENGINE}=interpreted")
        for item in items:
            if item.get_closest_marker("interpreted") is not None:
                item.add_marker(skipped)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder() -> Iterator[None]:
    """Temporary files lie in a folder of this process's own. Its path is short: those of sockets have little room."""
    with (
        tempfile.TemporaryDirectory(prefix="tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        yield
