"""A pretend F&O behind httpx's transport: entity sets with rows, answered whole whatever the filter says.

The reader must therefore match every row itself, as it must with F&O's loose string comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import stamina
import trustme

from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.odata import ODataClient
from shared.dynamics.probe import EnvironmentProbe
from shared.dynamics.reader import DynamicsReader
from shared.mapping import is_complete
from shared.settings import ConnectionSettings

URL = "https://contoso.operations.dynamics.com"
Row = dict[str, Any]


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 20, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FixedTokens:
    renewed: list[str] = field(default_factory=list)
    current: str = "first-token"

    async def get(self) -> str:
        return self.current

    async def renew(self, refused: str) -> str:
        self.renewed.append(refused)
        self.current = f"token-{len(self.renewed)}"
        return self.current


@dataclass
class Environment:
    """``sets`` maps a set to its rows, or to the response that it gives instead, always or by request."""

    sets: dict[str, list[Row] | httpx.Response | Callable[[httpx.Request], httpx.Response]] = field(
        default_factory=dict
    )
    clock: Clock = field(default_factory=Clock)
    requests: list[httpx.Request] = field(default_factory=list)

    def client(self) -> ODataClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return ODataClient(http, URL, FixedTokens(), self.clock)

    def probe(self) -> EnvironmentProbe:
        client = self.client()
        return EnvironmentProbe(client, EntitySets(client, {}, self.clock))

    def reader(self, *, profile: dict[str, Any] | None = None, **company: Any) -> DynamicsReader:
        settings = ConnectionSettings.model_validate(
            {
                "dynamics": {
                    "url": URL,
                    "tenant_id": "t",
                    "client_id": "c",
                    "client_secret": "s",
                    "entities": profile or {},
                },
                "taxjar": {"token": "x"},
                "companies": {"ctus": {"report_from": "2026-01-01", **company}, "ctca": {"report_from": "2026-01-01"}},
            }
        )
        return DynamicsReader(self.client(), settings, self.clock, is_complete=is_complete)

    def asked(self, set: str) -> list[str]:
        """The decoded queries sent to ``set``."""
        paths = ((request.url.path, unquote(request.url.query.decode())) for request in self.requests)
        return [query for path, query in paths if path == f"/data/{set}"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        content = self.sets.get(request.url.path.removeprefix("/data/"), [])
        if callable(content):
            return content(request)
        return content if isinstance(content, httpx.Response) else page(content)


def page(rows: list[Row], next_link: str | None = None) -> httpx.Response:
    body: Row = {"value": rows}
    if next_link:
        body["@odata.nextLink"] = next_link
    return httpx.Response(200, content=json.dumps(body, default=_exact))


def _exact(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value))


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def environment(clock: Clock) -> Environment:
    return Environment(clock=clock)


@pytest.fixture
def tokens() -> FixedTokens:
    return FixedTokens()


@pytest.fixture
def as_page() -> Callable[..., httpx.Response]:
    return page


@pytest.fixture
def order_invoice(environment: Environment) -> Environment:
    """One ordinary invoice, INV-1, as F&O tells it: header, two lines, journal rows, freight, address, customer."""
    key = {
        "dataAreaId": "ctus",
        "InvoiceNumber": "INV-1",
        "InvoiceDate": "2026-03-17T12:00:00Z",
        "LedgerVoucher": "V-1",
    }
    posted = {"dataAreaId": "ctus", "InvoiceId": "INV-1", "InvoiceDate": "2026-03-17T12:00:00Z"}
    environment.sets = {
        "SalesInvoiceHeadersV2": [
            {
                **key,
                "TotalInvoiceAmount": 137.26,
                "TotalTaxAmount": 10.46,
                "TotalChargeAmount": 12.3,
                "TotalDiscountCustomerGroupCode": 3,
                "InvoiceCustomerAccountNumber": "PAYER",
                "SalesOrderNumber": "SO-1",
                "CurrencyCode": "USD",
                "DeliveryModeCode": "Truck",
            }
        ],
        "SalesInvoiceV2Lines": [
            {
                **key,
                "LineCreationSequenceNumber": 4,
                "ProductNumber": "SAW",
                "ProductName": "Saw",
                "ProductDescription": "Hand saw, 40 cm",
                "InvoicedQuantity": 2,
                "LineAmount": 90,
                "LineTotalDiscountAmount": 10,
                "LineTotalTaxAmount": 7.43,
                "InventorySiteId": "S1",
                "InventoryWarehouseId": "W1",
                "SalesProductCategoryName": "Tools",
            },
            {
                **key,
                "LineCreationSequenceNumber": 9,
                "ProductNumber": "OIL",
                "ProductName": "Oil",
                "InvoicedQuantity": 1,
                "LineAmount": 24.5,
                "LineTotalTaxAmount": 2.02,
            },
        ],
        "CustInvoiceJourBiEntities": [
            {
                **posted,
                "SourceKey": 5637000001,
                "LedgerVoucher": "V-1",
                "OrderAccount": "BUYER",
                "SalesId": "SO-1",
                "RefNum": "SalesOrder",
                "EndDisc": 0,
                "InclTax": "No",
                "TaxGroup": "TX",
                "DeliveryPostalAddress": 5637000100,
                "Prepayment": "No",
                "Proforma": "No",
                "InterCompanyCompanyId": "",
            }
        ],
        "CustInvoiceTransBiEntities": [
            {
                **posted,
                "LineCreationSequenceNumber": sequence,
                "ParentRecId": 5637000001,
                "ItemId": item,
                "Name": f"{item} as invoiced",
                "Qty": quantity,
                "LineAmount": amount,
                "SumLineDisc": 0,
                "TaxAmount": tax,
                "TaxItemGroup": "FULL",
                "InventTransId": f"LOT-{item}",
                "SalesId": "SO-1",
                "DeliveryPostalAddress": 5637000100,
            }
            for sequence, item, quantity, amount, tax in ((4, "SAW", 2, 90, 7.43), (9, "OIL", 1, 24.5, 2.02))
        ],
        "MarkupTransBiEntities": [
            {
                "dataAreaId": "ctus",
                "Voucher": "V-1",
                "TransDate": "2026-03-17T12:00:00Z",
                "MarkupCode": "FREIGHT",
                "Txt": "Freight out",
                "CalculatedAmount": 12.3,
                "Posted": 12.3,
                "TaxAmount": 1.01,
                "IsDeleted": "No",
            }
        ],
        "MarkupTableBiEntities": [
            {"dataAreaId": "ctus", "ModuleType": "Cust", "MarkupCode": "Freight", "IsShipping": "Yes"}
        ],
        "LogisticsPostalAddressBiEntities": [
            {
                "SourceKey": 5637000100,
                "Street": "77 River Rd",
                "BuildingCompliment": "Dock 2",
                "City": "Austin",
                "State": "TX",
                "ZipCode": "78704",
                "CountryRegionId": "USA",
            }
        ],
        "CustomersV3": [
            {
                "dataAreaId": "ctus",
                "CustomerAccount": "Buyer",
                "OrganizationName": "Barton Tools",
                "SalesTaxGroup": "TX",
                "CustomerGroupId": "TRADE",
                "FederalIndicator": "None",
                "DeliveryAddressStreet": "1 Gate",
                "DeliveryAddressCity": "Waco",
                "DeliveryAddressState": "TX",
                "DeliveryAddressZipCode": "76701",
                "DeliveryAddressCountryRegionId": "USA",
                "DeliveryAddressCountryRegionISOCode": "US",
            }
        ],
        "Warehouses": [
            {
                "dataAreaId": "ctus",
                "WarehouseId": "W1",
                "OperationalSiteId": "S1",
                "IsPrimaryAddressAssigned": "Yes",
                "PrimaryAddressStreet": "2200 Irving Blvd",
                "PrimaryAddressCity": "Dallas",
                "PrimaryAddressStateId": "TX",
                "PrimaryAddressZipCode": "75207",
                "PrimaryAddressCountryRegionId": "USA",
            }
        ],
        "OperationalSitesV2": [
            {"dataAreaId": "ctus", "SiteId": "S1", "IsPrimaryAddressAssigned": "No", "PrimaryAddressCity": "Nowhere"}
        ],
        "AddressCountryRegions": [{"CountryRegion": "USA", "ISOcode": "US"}],
        "LegalEntities": [
            {
                "LegalEntityId": "CTUS",
                "AddressCity": "Houston",
                "AddressState": "TX",
                "AddressZipCode": "77002",
                "AddressCountryRegionId": "USA",
                "AddressCountryRegionISOCode": "US",
            }
        ],
    }
    return environment


@pytest.fixture(scope="session")
def certificate_pem() -> bytes:
    """A self-made certificate with its key, as an app registration would have."""
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    return issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
