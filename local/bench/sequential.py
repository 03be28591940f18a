"""What a script does that knows no queue: read one invoice, post it, take the next.

Arguments: F&O URL, F&O token, TaxJar URL, TaxJar token, company, prefix of ids, numbers of invoices. Prints seconds.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx


def read(http: httpx.Client, company: str, number: str) -> dict[str, Any]:
    """Header, lines, charges and address of one invoice."""

    def rows(entity: str, where: str) -> list[dict[str, Any]]:
        answer = http.get(f"/data/{entity}", params={"cross-company": "true", "$filter": where})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    own = f"dataAreaId eq '{company}'"
    header = rows("SalesInvoiceHeadersV2", f"{own} and InvoiceNumber eq '{number}'")[0]
    journal = rows("CustInvoiceJourBiEntities", f"{own} and InvoiceId eq '{number}'")[0]
    return {
        "header": header,
        "lines": rows("SalesInvoiceV2Lines", f"{own} and InvoiceNumber eq '{number}'"),
        "charges": rows("MarkupTransBiEntities", f"{own} and Voucher eq '{header['LedgerVoucher']}'"),
        "address": rows("LogisticsPostalAddressBiEntities", f"SourceKey eq {journal['DeliveryPostalAddress']}")[0],
    }


def order(invoice: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The TaxJar order."""
    header, address = invoice["header"], invoice["address"]
    return {
        "transaction_id": f"{prefix}-{header['InvoiceNumber']}",
        "transaction_date": header["InvoiceDate"][:10],
        "amount": round(header["TotalInvoiceAmount"] - header["TotalTaxAmount"], 2),
        "shipping": sum(charge["CalculatedAmount"] for charge in invoice["charges"]),
        "sales_tax": header["TotalTaxAmount"],
        "to_country": "US",
        "to_state": address["State"],
        "to_zip": address["ZipCode"],
        "to_city": address["City"],
        "to_street": address["Street"],
        "line_items": [
            {
                "quantity": 1,
                "product_identifier": line["ProductNumber"],
                "unit_price": line["LineAmount"],
                "sales_tax": line["LineTotalTaxAmount"],
            }
            for line in invoice["lines"]
        ],
    }


def client(url: str, token: str) -> Callable[[dict[str, Any]], object]:
    """How to create an order: by TaxJar's own client, or where that is not installed by httpx."""
    if importlib.util.find_spec("taxjar"):
        taxjar = importlib.import_module("taxjar")
        own = taxjar.Client(api_key=token, api_url=url.removesuffix("/v2"))
        return lambda order: own.create_order(order)
    http = httpx.Client(headers={"Authorization": f"Bearer {token}"})
    return lambda order: http.post(f"{url}/transactions/orders", json=order).raise_for_status()


def main(arguments: list[str]) -> float:
    """Report every invoice; return the seconds."""
    dynamics, bearer, taxjar_url, token, company, prefix, *numbers = arguments
    create_order = client(taxjar_url, token)
    started = time.monotonic()
    with httpx.Client(base_url=dynamics, headers={"Authorization": f"Bearer {bearer}"}) as http:
        for number in numbers:
            create_order(order(read(http, company, number), prefix))
    return time.monotonic() - started


if __name__ == "__main__":
    print(main(sys.argv[1:]))
