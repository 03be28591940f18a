"""A Merkle tree over leaves that come one by one; memory grows with the logarithm of their number.

The shape is RFC 6962's: leaves and inner nodes are hashed under different prefixes, and the left subtree of every node
is full. So no leaf can pass for a node, and the same leaves in another order have another root.
"""

from __future__ import annotations

import hashlib


def leaf_hash(content: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """Add leaves, then ask for the root."""

    def __init__(self) -> None:
        self._full: list[tuple[int, bytes]] = []
        """Roots of full subtrees with their heights, the largest first."""

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        height = 0
        while self._full and self._full[-1][0] == height:
            leaf = _node(self._full.pop()[1], leaf)
            height += 1
        self._full.append((height, leaf))

    def root(self) -> bytes:
        """The root over the leaves so far; of no leaves, the hash of nothing."""
        if not self._full:
            return hashlib.sha256(b"").digest()
        root = self._full[-1][1]
        for _, left in reversed(self._full[:-1]):
            root = _node(left, root)
        return root
