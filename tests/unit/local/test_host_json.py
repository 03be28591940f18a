from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from local.bootstrap import ROOT
from local.host.errors import HostError
from local.host.host_json import read_host_json


def read(folder: Path, text: str) -> object:
    (folder / "host.json").write_text(text)
    return read_host_json(folder)


def test_the_project_s_own_file_is_read() -> None:
    settings = read_host_json(ROOT)
    queues = settings.extensions.queues
    assert settings.function_timeout == timedelta(minutes=30)
    assert (queues.batch_size, queues.threshold, queues.max_dequeue_count) == (4, 6, 5)
    assert queues.max_polling_interval == timedelta(seconds=2)


def test_what_is_left_out_has_the_real_host_s_default(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 6}}}')
    settings = read_host_json(tmp_path)
    assert settings.extensions.queues.threshold == 3
    assert settings.extensions.queues.visibility_timeout == timedelta(0)
    assert settings.extensions.http.route_prefix == "api"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{", "Invalid JSON"),
        ('{"version": "1.0"}', "version"),
        ('{"version": "2.0", "functionTimeout": "ten minutes"}', "functionTimeout"),
        ('{"version": "2.0", "functionTimeout": 600}', "functionTimeout"),
        ('{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}', "extensions.queues.batchSize"),
        ('{"version": "2.0", "extensions": {"queues": {"batch": 3}}}', "extensions.queues.batch"),
        ('{"version": "2.0", "extensions": {"queues": {"messageEncoding": "hex"}}}', "messageEncoding"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(HostError, match=mistake):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"host\.json is missing"):
        read_host_json(tmp_path)
