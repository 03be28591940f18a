"""The seal of a day: a signed statement whose root covers the day's journal rows and the root of the day before.

Signatures are ECDSA on P-256 with SHA-256, as the two 32-byte numbers in a row, which is what Key Vault gives.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from shared.proof.canonical import canonical
from shared.proof.journal import JournalRow
from shared.proof.merkle import MerkleTree, leaf_hash

_NUMBER = 32
"""Bytes of each of the two numbers of a signature."""


class Signer(Protocol):
    """Signs the statements of one app."""

    async def public_key(self) -> str:
        """The public key as PEM."""
        ...

    async def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed about one day of one company."""

    connection: str
    company: str
    day: str
    count: int
    """How many journal rows the root covers."""
    late: tuple[str, ...]
    """Keys of rows of earlier days among them: they came after their day was sealed."""
    previous: str
    """The root of the day before; empty for the first day."""
    root: str
    sealed_at: str
    key: str
    """Fingerprint of the public key."""
    version: int = 1

    def digest(self) -> bytes:
        """What is signed."""
        return hashlib.sha256(canonical(asdict(self))).digest()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The statement from its JSON content. Raises ``ValueError`` for anything else."""
        try:
            statement = cls(**{**content, "late": tuple(content["late"])})
        except (TypeError, KeyError):
            raise ValueError("this is not a statement about a day") from None
        texts = (statement.connection, statement.company, statement.day, statement.previous, statement.root)
        if not all(isinstance(text, str) for text in (*texts, statement.sealed_at, statement.key, *statement.late)):
            raise ValueError("a statement of other types")
        return statement


@dataclass(frozen=True, slots=True)
class Seal:
    """A statement with its signature and the public key that it was made for."""

    statement: Statement
    signature: str
    """Base64."""
    public_key: str
    """PEM."""

    def content(self) -> dict[str, Any]:
        """The seal as JSON content."""
        return {
            "statement": asdict(self.statement),
            "signature": self.signature,
            "public_key": self.public_key,
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The seal from :meth:`content`. Raises ``ValueError`` for anything else."""
        statement, signature, key = (content.get(name) for name in ("statement", "signature", "public_key"))
        if not isinstance(statement, Mapping) or not isinstance(signature, str) or not isinstance(key, str):
            raise ValueError("a seal needs a statement, a signature and a public key")
        return cls(Statement.of(statement), signature, key)

    def is_signed(self) -> bool:
        """Whether the signature is of the statement, by the key that it names."""
        try:
            if fingerprint(self.public_key) != self.statement.key:
                return False
            key = load_pem_public_key(self.public_key.encode())
            raw = base64.b64decode(self.signature, validate=True)
            if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 2 * _NUMBER:
                return False
            numbers = (int.from_bytes(raw[:_NUMBER], "big"), int.from_bytes(raw[_NUMBER:], "big"))
            key.verify(encode_dss_signature(*numbers), self.statement.digest(), ec.ECDSA(Prehashed(SHA256())))
        except (InvalidSignature, ValueError):
            return False
        return True


def fingerprint(public_key: str) -> str:
    """SHA-256 of the public key (its DER form) as hex: what an auditor compares. Raises ``ValueError``."""
    key = load_pem_public_key(public_key.encode())
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class DayRoot:
    """The root of a day, over the root before and the rows in the order of their keys."""

    def __init__(self, previous: str) -> None:
        self._tree = MerkleTree()
        self._tree.add(leaf_hash(canonical(["previous", previous])))
        self.count = 0

    def add(self, leaf: bytes) -> None:
        """Add the leaf of the next row."""
        self._tree.add(leaf)
        self.count += 1

    def hex(self) -> str:
        """The root."""
        return self._tree.root().hex()


def day_root(previous: str, rows: Iterable[JournalRow]) -> str:
    """The root over ``rows``, which are in the order of their keys."""
    root = DayRoot(previous)
    for row in rows:
        root.add(row.leaf())
    return root.hex()


async def sign(signer: Signer, statement: Statement) -> Seal:
    """``statement`` (with any ``key``) as a seal of ``signer``."""
    public_key = await signer.public_key()
    signed = Statement(**{**asdict(statement), "key": fingerprint(public_key), "late": tuple(statement.late)})
    signature = await signer.sign(signed.digest())
    return Seal(signed, base64.b64encode(signature).decode(), public_key)
