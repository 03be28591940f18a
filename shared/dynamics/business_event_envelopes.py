"""What business events come wrapped in: Event Grid, CloudEvents, and the execution context of a Dataverse webhook.

The exact form of the last is not documented (reference, section 12), so it is searched for an event in every place
where one can be: as a parameter's value, as JSON text in it, as the attributes of a target, or as one parameter per
field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

VALIDATION_EVENT = "microsoft.eventgrid.subscriptionvalidationevent"
_DEEPEST = 5
"""Envelopes inside each other."""
_FIELDS = {
    name.casefold(): name
    for name in ("BusinessEventId", "BusinessEventLegalEntity", "LegalEntity", "InvoiceId", "InvoiceDate")
}
"""The fields that matter, by the name without prefix and case under which a context may give them."""
_CONTEXT = ("InputParameters", "SharedVariables")
_ORIGIN = re.compile(r"[A-Za-z0-9._:/\[\]-]{1,253}")
_RATE = re.compile(r"[1-9][0-9]{0,9}|\*")


class NoBusinessEvent(ValueError):
    """The body is not JSON, or JSON that is not a business event."""


def events_in(item: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The events in ``item``, freed of every envelope. Raises :class:`NoBusinessEvent` when it is none."""
    if not isinstance(item, dict) or depth > _DEEPEST:
        raise NoBusinessEvent("The body holds something that is not a business event of Dynamics 365 F&O.")
    if "BusinessEventId" in item:
        yield item
    elif any(name in item for name in _CONTEXT):
        yield from _in_context(item, depth)
    elif "data" in item:
        yield from _in_envelope(item, depth)
    else:
        yield item


def cloud_events_handshake(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The response headers that allow a CloudEvents sender to post (``OPTIONS``); ``None`` for no such request.

    ``headers`` are those of the request, in any case. The callback that it may name is never called.
    """
    given = {name.casefold(): value.strip() for name, value in headers.items()}
    origin = given.get("webhook-request-origin", "")
    if not _ORIGIN.fullmatch(origin):
        return None
    rate = given.get("webhook-request-rate", "*")
    return {
        "WebHook-Allowed-Origin": origin,
        "WebHook-Allowed-Rate": rate if _RATE.fullmatch(rate) else "*",
        "Allow": "OPTIONS, POST",
    }


def _in_envelope(item: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    data = _parsed(item["data"])
    if str(item.get("eventType", item.get("type", ""))).casefold() == VALIDATION_EVENT and isinstance(data, dict):
        yield {"BusinessEventId": VALIDATION_EVENT, **data}
        return
    found = data if isinstance(data, list) else [data]
    if not found or not all(isinstance(event, dict) for event in found):
        raise NoBusinessEvent("The data of the Event Grid envelope is not a JSON object.")
    for event in found:
        yield from events_in(event, depth + 1)


def _in_context(context: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The events of an execution context."""
    found = False
    own: dict[str, Any] = {}
    for collection in _CONTEXT:
        for name, value in _pairs(context.get(collection)):
            own.setdefault(_plain(name), _value(value))
            content = _parsed(_value(value))
            if isinstance(content, dict):
                inner = content.get("Attributes", content)
                own |= {_plain(name): _value(value) for name, value in _pairs(inner)}
            for event in _in_value(value, depth):
                found = True
                yield event
    if found:
        return
    event = {_FIELDS[name]: value for name, value in own.items() if name in _FIELDS}
    event.setdefault("BusinessEventId", _without_prefix(str(context.get("MessageName", ""))))
    if len(event) == 1:
        raise NoBusinessEvent("The execution context holds no business event of Dynamics 365 F&O.")
    yield event


def _in_value(value: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """The events that one parameter holds: as they are, as JSON text, or as a target's attributes."""
    content = _parsed(_value(value))
    for item in content if isinstance(content, list) else [content]:
        if not isinstance(item, dict):
            continue
        if attributes := dict(_pairs(item.get("Attributes"))):
            item = {_FIELDS.get(_plain(name), name): _value(inner) for name, inner in attributes.items()}
        if "BusinessEventId" in item or "data" in item or any(name in item for name in _CONTEXT):
            yield from events_in(item, depth + 1)


def _pairs(collection: object) -> Iterator[tuple[str, object]]:
    """The names and values of a parameter collection, which is a list of pairs or an object."""
    if isinstance(collection, dict):
        yield from ((str(name), value) for name, value in collection.items())
    elif isinstance(collection, list):
        for pair in collection:
            if isinstance(pair, dict):
                named = {str(name).casefold(): value for name, value in pair.items()}
                yield str(named.get("key", "")), named.get("value")


def _value(value: object) -> object:
    """A value freed of the object that Dataverse puts around some types."""
    if isinstance(value, dict) and "Value" in value and set(value) <= {"Value", "__type", "ExtensionData"}:
        return value["Value"]
    return value


def _parsed(content: object) -> object:
    """Text is parsed as JSON where it is JSON; anything else stays."""
    if not isinstance(content, str):
        return content
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _without_prefix(name: str) -> str:
    return re.sub(r"^mserp_", "", name, flags=re.IGNORECASE)


def _plain(name: str) -> str:
    return _without_prefix(name).casefold()
