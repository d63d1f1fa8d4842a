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
    at = next(index for index, (uid, _) in enumerate(entries) if _bit(uid, bit))
    left, right = _map_root(entries[:at], bit + 1), _map_root(entries[at:], bit + 1)
    return map_node(bit, prefix_of(first, bit), left, right)


# proofs ---------------------------------------------------------------------------------------------------------------


def inclusion_proof(leaves, index):
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return inclusion_proof(leaves[:at], index) + [tree_root(leaves[at:])]
    return inclusion_proof(leaves[at:], index - at) + [tree_root(leaves[:at])]


def consistency_proof(leaves, old_size, is_whole=True):
    """RFC 6962 section 2.1.2: that the log of these leaves extends its own first ones."""
    if old_size == 0 or old_size == len(leaves):
        return [] if is_whole or old_size == 0 else [tree_root(leaves)]
    at = split(len(leaves))
    if old_size <= at:
        return consistency_proof(leaves[:at], old_size, is_whole) + [tree_root(leaves[at:])]
    return consistency_proof(leaves[at:], old_size - at, False) + [tree_root(leaves[:at])]


def extends(old_size, old_root, size, root, proof):
    """Whether a consistency proof shows that the log of this size and root extends the old one."""
    if old_size == 0:
        return not proof and old_root == NOTHING
    if not 0 < old_size <= size:
        return False
    return _roots(old_size, size, proof, old_root) == (old_root, root)


def _roots(old_size, size, proof, known):
    """The old and the new root that a proof leads to. known: the old root while the old log is a whole subtree."""
    if old_size == size:
        if known is not None:
            return None if proof else (known, known)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    at, beside = split(size), proof[-1]
    if old_size <= at:
        found = _roots(old_size, at, proof[:-1], known)
        return found and (found[0], node_hash(found[1], beside))
    found = _roots(old_size - at, size - at, proof[:-1], None)
    return found and (node_hash(beside, found[0]), node_hash(beside, found[1]))


def prefix_of(uid, bit):
    """The first bits of a UID in as few bytes as hold them, the rest of the last one zero."""
    prefix = bytearray(uid[: (bit + 7) // 8])
    if bit % 8:
        prefix[-1] &= 0xFF << 8 - bit % 8 & 0xFF
    return bytes(prefix)


def common_bits(first, second):
    return next((bit for bit in range(128) if _bit(first, bit) != _bit(second, bit)), 128)


def map_node(bit, prefix, left, right):
    return H("map-node", struct.pack(">H", bit) + prefix + bytes.fromhex(left) + bytes.fromhex(right))


def map_proof_root(uid_hex, value_hash, proof):
    """The root that a proof leads to: that a UID has a value with this hash in the map, or with None that it isn't there."""
    uid, steps = bytes.fromhex(uid_hex), proof["steps"]
    bits = [step["bit"] for step in steps]
    if bits != sorted(set(bits)):
        return None
    last = bits[-1] if bits else -1
    if value_hash is not None:
        root = None if {"leaf", "node"} & set(proof) else H("map-leaf", uid + bytes.fromhex(value_hash))
    elif "leaf" in proof:
        other = bytes.fromhex(proof["leaf"]["uid"])
        stands_there = last < common_bits(other, uid) < 128
        root = H("map-leaf", other + bytes.fromhex(proof["leaf"]["valueHash"])) if stands_there else None
    elif "node" in proof:
        node, prefix = proof["node"], bytes.fromhex(proof["node"]["prefix"])
        whole = prefix.ljust(16, b"\0")
        stands_there = prefix == prefix_of(whole, node["bit"]) and last < common_bits(whole, uid) < node["bit"]
        root = map_node(node["bit"], prefix, node["left"], node["right"]) if stands_there else None
    else:
        root = None if steps else H("map-empty", b"")
    for step in reversed(steps):
        bit, prefix = step["bit"], prefix_of(uid, step["bit"])
        sides = (step["sibling"], root) if _bit(uid, bit) else (root, step["sibling"])
        root = root and map_node(bit, prefix, *sides)
    return root
