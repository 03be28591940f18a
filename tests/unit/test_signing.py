"""The keys that sign the audit's days: a file on one machine, and Key Vault over its REST interface."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest._http_response_impl_async import AsyncHttpResponseImpl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from shared.proof.seals import Statement, fingerprint, sign
from shared.signing import KeyVaultSigner, LocalKeySigner, SigningError, public_pem

STATEMENT = Statement(
    connection="main",
    company="usmf",
    day="2026-10-01",
    count=0,
    late=(),
    previous="",
    root="0" * 64,
    sealed_at="2026-10-02T01:20:00+00:00",
    key="",
)
VAULT = "https://kv-example.vault.azure.net"


async def test_a_key_file_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "below" / "key.pem"
    one, other = LocalKeySigner(file), LocalKeySigner(file)
    seal = await sign(one, STATEMENT)
    assert seal.is_signed()
    assert (await sign(other, STATEMENT)).public_key == seal.public_key
    assert seal.statement.key == fingerprint(seal.public_key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key.pem"]


@pytest.mark.parametrize("content", ["", "no key", public_pem(ec.generate_private_key(ec.SECP256R1()).public_key())])
async def test_a_file_without_a_private_key_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(content)
    with pytest.raises(SigningError):
        await LocalKeySigner(file).public_key()
    assert file.read_text() == content


class Credential:
    """An identity whose tokens the vault takes."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken("a-token", 4_000_000_000)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Vault(AsyncHttpTransport[Any, Any]):
    """Key Vault as its REST reference says: a challenge first, then the key and signatures."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self.key = ec.generate_private_key(curve or ec.SECP256R1())
        self.calls: list[str] = []

    async def send(self, request: Any, **_: Any) -> Any:
        path = request.url.split("?")[0].removeprefix(VAULT)
        self.calls.append(f"{request.method} {path}")
        if request.headers.get("Authorization") != "Bearer a-token":
            challenge = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'
            return answer(request, 401, {}, {"WWW-Authenticate": challenge})
        if request.method == "GET" and path.rstrip("/") in ("/keys/audit", "/keys/audit/7"):
            return answer(request, 200, {"key": self._jwk()})
        assert (request.method, path) == ("POST", "/keys/audit/7/sign")
        asked = json.loads(request.content if hasattr(request, "content") else request.data)
        assert asked["alg"] == "ES256"
        signature = self.key.sign(decoded(asked["value"]), ec.ECDSA(Prehashed(SHA256())))
        raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(signature))
        return answer(request, 200, {"kid": f"{VAULT}/keys/audit/7", "value": encoded(raw)})

    def _jwk(self) -> dict[str, Any]:
        numbers, curve = self.key.public_key().public_numbers(), self.key.curve
        size = (curve.key_size + 7) // 8
        return {
            "kid": f"{VAULT}/keys/audit/7",
            "kty": "EC",
            "crv": {"secp256r1": "P-256", "secp384r1": "P-384"}[curve.name],
            "key_ops": ["sign", "verify"],
            "x": encoded(numbers.x.to_bytes(size, "big")),
            "y": encoded(numbers.y.to_bytes(size, "big")),
        }

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Vault:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def answer(request: Any, status: int, body: Any, headers: dict[str, str] | None = None) -> Any:
    response = AsyncHttpResponseImpl(
        request=request,
        internal_response=None,
        status_code=status,
        headers={"content-type": "application/json", **(headers or {})},
        reason="",
        content_type="application/json",
        stream_download_generator=None,
    )
    response._content = json.dumps(body).encode()
    response._is_closed = response._is_stream_consumed = True
    return response


@pytest.mark.parametrize("uri", [f"{VAULT}/keys/audit", f"{VAULT}/keys/audit/7"])
async def test_a_key_in_the_vault_signs_there(uri: str) -> None:
    vault = Vault()
    signer = KeyVaultSigner(uri, Credential(), lambda: vault)
    seal = await sign(signer, STATEMENT)
    assert seal.is_signed()
    assert seal.public_key == public_pem(vault.key.public_key())
    reads = sum("GET" in call for call in vault.calls)
    await sign(signer, STATEMENT)
    await signer.aclose()
    assert vault.calls[-1] == "POST /keys/audit/7/sign"
    assert sum("GET" in call for call in vault.calls) == reads, "the key is not read again"


async def test_a_key_on_another_curve_is_refused() -> None:
    signer = KeyVaultSigner(f"{VAULT}/keys/audit", Credential(), lambda: Vault(ec.SECP384R1()))
    with pytest.raises(SigningError):
        await signer.public_key()
    await signer.aclose()
