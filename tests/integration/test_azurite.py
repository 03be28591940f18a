from __future__ import annotations

import subprocess
import sys
import time

import pytest
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueServiceClient

from local.azurite import Azurite, AzuriteError, Ports


def answers(connection_string: str) -> bool:
    with QueueServiceClient.from_connection_string(connection_string, retry_total=0) as service:
        try:
            list(service.list_queues())
        except AzureError:
            return False
        return True


def test_it_answers_between_start_and_stop() -> None:
    azurite = Azurite()
    with azurite:
        assert answers(azurite.connection_string)
    assert not answers(azurite.connection_string)


def test_a_port_that_is_taken_is_an_error_with_what_it_printed(azurite: str) -> None:
    taken = int(azurite.split("QueueEndpoint=http://127.0.0.1:")[1].split("/")[0])
    with pytest.raises(AzuriteError, match=str(taken)):
        Azurite(ports=Ports(queue=taken)).start()


def test_it_ends_with_its_parent_even_when_that_is_killed() -> None:
    program = (
        "import sys, local.azurite as a; x = a.Azurite(); x.start(); print(x.connection_string, flush=True); input()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    connection_string = parent.stdout.readline().strip()
    assert answers(connection_string)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while answers(connection_string):
        assert time.monotonic() < deadline
