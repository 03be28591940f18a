"""When Table Storage or the queues do not answer: trouble of the moment, not a defect and not the document's."""

from __future__ import annotations

from azure.core.exceptions import AzureError, HttpResponseError

_REFUSED_FOR_NOW = {401, 403, 408, 429}


def is_storage_trouble(error: BaseException) -> bool:
    """Whether ``error`` says that the storage account cannot be used now; other refusals are defects of ours."""
    if not isinstance(error, AzureError):
        return False
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return status is None or status >= 500 or status in _REFUSED_FOR_NOW
