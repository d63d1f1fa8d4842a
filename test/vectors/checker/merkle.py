"""RFC 6962 trees and the Merkle map of PROTOCOL.md STA-1. Hashes are lowercase hex."""

import struct

from encoding import H, sha256

NOTHING = sha256(b"")


def leaf_hash(data):
    return sha256(b"\0" + data)


def node_hash(left, right):
    return sha256(b"\1" + bytes.fromhex(left) + bytes.fromhex(right))


def split(size):
    """The largest power of two below a size of at least two."""
    return 1 << (size - 1).bit_length() - 1


def tree_root(leaves):
    """The root over leaf hashes."""
    if not leaves:
        return NOTHING
    if len(leaves) == 1:
        return leaves[0]
    at = split(len(leaves))
    return node_hash(tree_root(leaves[:at]), tree_root(leaves[at:]))


def root_by_path(leaf, index, size, path):
    """The root that an inclusion proof leads to, or None where it has not the length that index and size ask for."""
    if not 0 <= index < size:
        return None
    if size == 1:
        return None if path else leaf
    if not path:
        return None
    at = split(size)
    below, beside = path[:-1], path[-1]
    if index < at:
        root = root_by_path(leaf, index, at, below)
        return root and node_hash(root, beside)
    root = root_by_path(leaf, index - at, size - at, below)
    return root and node_hash(beside, root)


def log_leaf(block_hash):
    """LOG-1."""
    return leaf_hash(bytes.fromhex(block_hash))


def map_root(records):
    """STA-1: the root of the map from UID to record hash."""
    entries = [(bytes.fromhex(uid), bytes.fromhex(records[uid])) for uid in sorted(records)]
    return _map_root(entries, 0) if entries else H("map-empty", b"")


def _bit(uid, bit):
    return uid[bit // 8] >> 7 - bit % 8 & 1


def _map_root(entries, bit):
    """Of entries in order whose UIDs have the bits before `bit` in common."""
    first, last = entries[0][0], entries[-1][0]
    if len(entries) == 1:
        return H("map-leaf", first + entries[0][1])
    while _bit(first, bit) == _bit(last, bit):
        bit += 1
    prefix = bytearray(first[: (bit + 7) // 8])
    if bit % 8:
        prefix[-1] &= 0xFF << 8 - bit % 8 & 0xFF
    at = next(index for index, (uid, _) in enumerate(entries) if _bit(uid, bit))
    left, right = _map_root(entries[:at], bit + 1), _map_root(entries[at:], bit + 1)
    data = struct.pack(">H", bit) + bytes(prefix) + bytes.fromhex(left) + bytes.fromhex(right)
    return H("map-node", data)
