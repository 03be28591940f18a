"""Queue messages and settings that nobody of ours wrote: refused in the one way that their readers expect."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.queues import KEYS_PER_MESSAGE, DocumentsMessage, MalformedMessage, encode, parse_message
from shared.settings import load_settings
from shared.settings_checks import SettingsError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
NEARLY_A_KEY = st.fixed_dictionaries(
    {"number": st.just("INV-1") | JSON, "date": st.just("2026-11-20") | JSON, "voucher": st.just("V-1") | JSON},
    optional={"more": JSON},
)
NEARLY_A_MESSAGE = st.fixed_dictionaries(
    {
        "connection": st.just("main") | JSON,
        "company": st.just("usmf") | JSON,
        "keys": st.lists(NEARLY_A_KEY, max_size=KEYS_PER_MESSAGE + 2) | JSON,
    },
    optional={"more": JSON},
)


@given(st.binary() | st.text().map(str.encode))
@example(b"")
@example(base64.b64encode(b"\xff\xfe"))
@example(base64.b64encode(b"[" * 100_000))
@example(base64.b64encode(b'{"connection":"\\ud800","company":"usmf","keys":[]}'))
def test_any_bytes_are_a_message_of_ours_or_malformed(body: bytes) -> None:
    for form in (body, base64.b64encode(body)):
        with suppress(MalformedMessage):
            parse_message(form)


@given(NEARLY_A_MESSAGE)
def test_what_is_nearly_a_message_is_one_with_usable_keys_or_malformed(content: dict[str, Any]) -> None:
    body = base64.b64encode(json.dumps(content).encode())
    try:
        message = parse_message(body)
    except MalformedMessage:
        return
    assert isinstance(message, DocumentsMessage)
    assert message.document_keys()
    assert parse_message(encode(message).encode()) == message


CONNECTION = st.fixed_dictionaries(
    {},
    optional={
        "dynamics": JSON
        | st.fixed_dictionaries(
            {
                "url": st.just("https://x.operations.dynamics.com") | JSON,
                "tenant_id": st.just("t") | JSON,
                "client_id": st.just("c") | JSON,
            },
            optional={
                "client_secret": st.just("s") | JSON,
                "lookback_days": JSON,
                "entities": JSON,
                "authority_host": JSON,
            },
        ),
        "taxjar": JSON | st.fixed_dictionaries({"token": st.just("tok") | JSON}, optional={"api_url": JSON}),
        "companies": JSON
        | st.dictionaries(
            st.sampled_from(["usmf", "USMF", "usrt", ""]),
            JSON
            | st.fixed_dictionaries(
                {"report_from": st.just("2026-01-01") | JSON},
                optional={
                    "product_tax_codes": JSON,
                    "exempt_tax_groups": JSON,
                    "exempt_customer_groups": JSON,
                    "exempt_regions": JSON,
                    "country_codes": JSON,
                    "pickup_delivery_modes": JSON,
                    "shipping_charge_codes": JSON,
                    "filing_lock_day": JSON,
                },
            ),
            max_size=2,
        ),
    },
)


@given(st.dictionaries(st.sampled_from(["main", "MAIN", "b"]), CONNECTION | JSON, max_size=2) | JSON)
def test_any_settings_are_loaded_or_refused_with_a_line_per_mistake(connections: Any) -> None:
    problems = []
    try:
        loaded = load_settings(connections=connections, azurewebjobsstorage="UseDevelopmentStorage=true")
    except SettingsError as error:
        problems = error.lines
    if problems:
        assert all(": " in line for line in problems)
    else:
        assert all(connection.companies for connection in loaded.connections.values())
