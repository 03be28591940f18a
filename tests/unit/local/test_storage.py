"""Which storage the host uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.host.errors import HostError
from local.host.storage import development_storage, queue_service, table_service


@pytest.mark.parametrize("name", ["AzureWebJobsStorage", "AZUREWEBJOBSSTORAGE", "azurewebjobsstorage__queueServiceUri"])
def test_storage_that_is_given_in_any_case_is_left_alone(tmp_path: Path, name: str) -> None:
    environment = {name: "given"}
    with development_storage(environment, tmp_path / "azurite"):
        assert environment == {name: "given"}
    assert list(tmp_path.iterdir()) == []


async def test_a_client_is_made_of_a_name_in_any_case() -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=a2V5;EndpointSuffix=core.windows.net"
    environment = {"AZUREWEBJOBSSTORAGE": text}
    async with queue_service("AzureWebJobsStorage", environment) as queues, table_service(environment) as tables:
        assert (queues.account_name, tables.account_name) == ("contoso", "contoso")


@pytest.mark.parametrize("given", ["", "garbage"])
async def test_what_is_no_connection_string_is_one_line_with_the_name(given: str) -> None:
    environment = {"AzureWebJobsStorage": given}
    for service in (queue_service("AzureWebJobsStorage", environment), table_service(environment)):
        with pytest.raises(HostError, match="AzureWebJobsStorage: must"):
            async with service:
                pass
