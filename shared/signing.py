"""The keys that sign the audit's days: in Key Vault, which never gives them away, or in a file on one machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.keyvault.keys import KeyVaultKeyIdentifier
from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import SignatureAlgorithm
from azure.keyvault.keys.crypto.aio import CryptographyClient
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class SigningError(Exception):
    """The key cannot sign: it is of another kind than EC P-256."""


def public_pem(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class LocalKeySigner:
    """Signs with a private key in a PEM file, which is made where it is missing; only its owner may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: ec.EllipticCurvePrivateKey | None = None

    async def public_key(self) -> str:
        """The public key as PEM. Raises :class:`SigningError` and ``OSError``."""
        return public_pem((await self._loaded()).public_key())

    async def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest. Raises :class:`SigningError` and ``OSError``."""
        signature = (await self._loaded()).sign(digest, ec.ECDSA(Prehashed(SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(signature))

    async def _loaded(self) -> ec.EllipticCurvePrivateKey:
        if self._key is None:
            self._key = await asyncio.to_thread(_read_or_make, self._path)
        return self._key


def _read_or_make(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        raise SigningError(f"{path} holds no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SigningError(f"{path} holds no private key for EC P-256")
    return key


def _make(path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
    try:
        # Never over a key that another process made in this moment.
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()


class KeyVaultSigner:
    """Signs with a key in Key Vault or Managed HSM; the app may read its public half and sign, nothing else."""

    def __init__(
        self,
        key_uri: str,
        credential: AsyncTokenCredential,
        transport: Callable[[], AsyncHttpTransport[Any, Any]],
        **options: Any,
    ) -> None:
        identifier = KeyVaultKeyIdentifier(key_uri)
        self._name, self._version = identifier.name, identifier.version
        self._credential = credential
        self._transport = transport
        self._options = options
        self._keys = KeyClient(identifier.vault_url, credential, transport=transport(), **options)
        self._signing: CryptographyClient | None = None
        self._public = ""

    async def public_key(self) -> str:
        """The public key as PEM. Raises :class:`SigningError` and ``AzureError``."""
        await self._loaded()
        return self._public

    async def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest. Raises :class:`SigningError` and ``AzureError``."""
        return (await (await self._loaded()).sign(SignatureAlgorithm.es256, digest)).signature

    async def aclose(self) -> None:
        """Close the connections."""
        for client in (self._signing, self._keys):
            if client:
                await client.close()

    async def _loaded(self) -> CryptographyClient:
        if self._signing is None:
            found = await self._keys.get_key(self._name, self._version)
            key: Any = found.key
            if key.crv != "P-256" or not key.x or not key.y:
                raise SigningError(f"key {self._name} is not an EC key on P-256")
            numbers = ec.EllipticCurvePublicNumbers(
                int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big"), ec.SECP256R1()
            )
            self._public = public_pem(numbers.public_key())
            # The id names the version: a key that is renewed meanwhile does not mix with what was read.
            self._signing = CryptographyClient(found.id, self._credential, transport=self._transport(), **self._options)
        return self._signing
