"""Compiles the inner modules of the engine, where there is a C compiler; elsewhere they run as they stand.

What they do between two reactions is hundreds of small steps, which take less than half the time when mypyc has
compiled them. It is the same typed Python either way. A few that reactions themselves go through are written in C as
well, beside the same in Python. See rlreactor/compiled.py.
"""

import os
import platform
import sys

from setuptools import Extension, setup

INNER = {
    "": ["pool", "tag"],
    "links/": [
        "acknowledgements", "board", "carrier", "distant_board", "distant_ends", "doorbell", "ends", "envelope",
        "exchange", "landing", "near_rows", "released", "reliable", "ring", "slot_room", "slots", "slotted", "status",
        "status_board",
    ],
    "runtime/": [
        "admission", "audience", "inlet", "intake", "lookout", "near_outbox", "neighbourhood", "outbox", "waiting",
    ],
    "scheduler/": ["cadence", "inbox", "routes"],
}  # fmt: skip
NATIVE = [
    "access", "lender", "lent", "links/slot_lender", "links/wire", "links/words", "reactors/stepping",
    "runtime/arrivals", "runtime/gatekeeper", "runtime/position", "runtime/post", "runtime/rest",
    "scheduler/agenda", "scheduler/edges", "scheduler/gathering", "scheduler/horizon", "scheduler/steady",
]  # fmt: skip
KNOWN = ("x86_64", "AMD64")  # whose order of loads and stores what is written in C relies on; see links/words.py
BUILDING = {"build_ext", "bdist_wheel", "editable_wheel"}  # other commands only ask what there is


def extensions() -> list[Extension]:
    """The compiled modules; none if nobody asks for them. If they cannot be made, set-up goes on without them."""
    if os.environ.get("RLREACTOR_ENGINE") == "interpreted" or not BUILDING & set(sys.argv):
        return []
    import numpy
    from mypyc.build import mypycify

    checks = ["--config-file=", "--cache-dir=build/mypy", "--ignore-missing-imports", "--explicit-package-bases"]
    modules = [f"rlreactor/{folder}{name}.py" for folder, names in INNER.items() for name in names]
    made = mypycify([*checks, *modules], opt_level="2", group_name="rlreactor")
    native = NATIVE if platform.machine() in KNOWN else []  # all or none: they know each other's structures
    made += [Extension(f"rlreactor.{name.replace('/', '.')}", [f"rlreactor/{name}.c"]) for name in native]
    for extension in made:
        extension.include_dirs.append(numpy.get_include())
        extension.optional = True
    return made


setup(ext_modules=extensions())
