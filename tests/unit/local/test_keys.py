"""Keys of the local host, from the environment."""

from __future__ import annotations

import pytest

from local.host.errors import HostError
from local.host.keys import Keys


def test_one_key_is_the_function_and_the_master_key() -> None:
    keys = Keys.of({"LOCAL_FUNCTION_KEY": "given"}, made="made")
    assert keys.open("health", "FUNCTION", "given")
    assert keys.is_master("given")
    assert not keys.is_master("made")


def test_without_one_the_made_key_counts() -> None:
    assert Keys.of({"LOCAL_FUNCTION_KEY": ""}, made="made").is_master("made")


def test_a_master_key_of_its_own_takes_the_admin_endpoints_from_the_function_key() -> None:
    keys = Keys.of({"LOCAL_FUNCTION_KEY": "given", "LOCAL_MASTER_KEY": "master"}, made="made")
    assert keys.open("health", "FUNCTION", "given")
    assert not keys.open("health", "ADMIN", "given")
    assert not keys.is_master("given")
    assert keys.open("health", "ADMIN", "master")


def test_a_functions_own_key_opens_that_one_alone() -> None:
    keys = Keys.of({"LOCAL_FUNCTION_KEYS": '{"Receive": "own"}'}, made="made")
    assert keys.open("receive", "FUNCTION", "own")
    assert not keys.open("show", "FUNCTION", "own")


@pytest.mark.parametrize("text", ["{", "[]", '{"receive": 1}', '{"receive": ""}'])
def test_function_keys_that_are_no_json_object_of_texts_are_named(text: str) -> None:
    with pytest.raises(HostError, match="LOCAL_FUNCTION_KEYS"):
        Keys.of({"LOCAL_FUNCTION_KEYS": text}, made="made")
