"""The locks of requirements hold everything that an installation asks for, whatever is released later."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.bootstrap import ROOT


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_pins_every_package_with_the_extras_that_others_ask_for(lock: str) -> None:
    """pip before 23.3 takes the newest release for an extra that is not pinned, and then has no hash for it."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line.removesuffix(" \\")) for line in lines if "==" in line]
    pins = {canonicalize_name(pin.name): pin.extras for pin in pinned if not pin.marker or pin.marker.evaluate()}
    missing = []
    for name, extras in pins.items():
        for asked in map(Requirement, distribution(name).requires or []):
            if asked.marker and not any(asked.marker.evaluate({"extra": extra}) for extra in ["", *extras]):
                continue
            if (
                asked.extras - pins.get(canonicalize_name(asked.name), set())
                or canonicalize_name(asked.name) not in pins
            ):
                missing.append(f"{name} asks for {asked}")
    assert missing == []
