"""The fingerprint of a posted document: equal exactly when F&O shows the same content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from shared.documents import PostedDocument


def fingerprint(document: PostedDocument) -> str:
    """SHA-256 (hex) over the document's content; what the reader noted on the way does not count."""
    content = asdict(document)
    del content["notes"]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
