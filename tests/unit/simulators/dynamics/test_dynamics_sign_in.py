from __future__ import annotations

import ssl
from datetime import UTC, date, datetime
from pathlib import Path

import httpx

from local.simulators.certificates import write_certificates
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.entra import EntraSimulator
from local.simulators.server import LoopbackServer

IN_ORDER = "$orderby=dataAreaId,InvoiceNumber,InvoiceDate,LedgerVoucher"


def now() -> datetime:
    return datetime(2026, 4, 1, tzinfo=UTC)


async def test_a_token_from_the_simulated_entra_id_opens_the_simulated_environment_over_tls(tmp_path: Path) -> None:
    entra = EntraSimulator({"tenant": {"app": "secret"}}, clock=now)
    dynamics = DynamicsSimulator(
        "", entra.claims, clock=now, default_company="usrt", tenant="tenant", applications=["app"], page_size=1
    )
    posting = Posting(dynamics, "usrt")
    for number in ("INV-1", "INV-2"):
        posting.invoice(InvoiceSpec(number, date(2026, 3, 17)))
    certificates = write_certificates(tmp_path)
    trust = ssl.create_default_context(cafile=certificates.authority)
    with (
        LoopbackServer(entra.app, tls=certificates.server) as login,
        LoopbackServer(dynamics.app, tls=certificates.server) as environment,
    ):
        dynamics.audience = environment.url
        entra.resources.add(environment.url)
        async with httpx.AsyncClient(verify=trust) as client:
            form = {
                "grant_type": "client_credentials",
                "client_id": "app",
                "client_secret": "secret",
                "scope": f"{environment.url}/.default",
            }
            token = (await client.post(f"{login.url}/tenant/oauth2/v2.0/token", data=form)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            first = (await client.get(f"{environment.url}/data/SalesInvoiceHeadersV2?{IN_ORDER}")).json()
            second = (await client.get(first["@odata.nextLink"])).json()
            entra.revoke_all()
            revoked = await client.get(first["@odata.nextLink"])

    assert [row["InvoiceNumber"] for page in (first, second) for row in page["value"]] == ["INV-1", "INV-2"]
    assert first["@odata.nextLink"].startswith(environment.url)
    assert revoked.status_code == 401
