"""Documents that become several transactions, or go elsewhere than they look: shown against figures by hand."""

from __future__ import annotations

from local.simulators.taxjar.records import Account, StoredTransaction

_EXPECTED = {
    "Shipped to two states on one invoice": {
        "USRT-INV-200001": "TX 100.00 + 8.25",
        "USRT-INV-200001-part-2": "CA 300.00 + 24.75",
    },
    "An exchange: one thing back, a dearer one out": {
        "USRT-EXC-400006": "TX 150.00 + 12.38",
        "USRT-EXC-400006-refund": "TX -100.00 + -8.25 of USRT-INV-400006",
    },
    "Sold to California, returned to the warehouse in Dallas": {
        "USRT-INV-400011": "CA 100.00 + 8.63",
        "USRT-CRN-400011-refund": "CA -100.00 + -8.63 of USRT-INV-400011",
    },
    "Sold on a marketplace, which remits the tax": {"USRT-INV-500008": "CA 100.00 + 0.00 marketplace"},
}
"""By id in TaxJar: state, amount and tax."""


def show_transactions(account: Account) -> int:
    """Print them; return how many are not as they should be."""
    print("\nWhat a document becomes")
    wrong = 0
    for title, expected in _EXPECTED.items():
        print(f"  {title}")
        base = next(iter(expected)).removesuffix("-refund")
        found = {
            stored.transaction_id: _told(stored)
            for stored in account.transactions.values()
            if stored.transaction_id in expected or stored.transaction_id.startswith(f"{base}-")
        }
        for transaction_id, told in found.items():
            print(f"    {transaction_id:26} {told}")
        if found != expected:
            wrong += 1
            print(f"  WRONG: expected {expected}")
    return wrong


def _told(stored: StoredTransaction) -> str:
    exemption = "" if stored.exemption_type == "non_exempt" else f" {stored.exemption_type}"
    reference = f" of {stored.transaction_reference_id}" if stored.transaction_reference_id else ""
    return f"{stored.to_state} {stored.amount:.2f} + {stored.sales_tax:.2f}{exemption}{reference}"
