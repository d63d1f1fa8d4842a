"""PROTOCOL.md sections 3 and 4: operations, signed requests, and the openings of what they commit to."""

import re

from changes import check_epoch_operation, is_on_epoch
from encoding import H, SURROGATE, form, in_domain, jcs, keys, refuse
from encoding import is_b64, is_hash, is_hex, is_list, is_time, utf16_units
from identity import CONTROL
from signatures import is_signed
from values import TYPES, check_opening

MEBIBYTE = 1024 * 1024
LIFETIME_MAX_MS = 30 * 24 * 3600 * 1000
ZEROS = "0" * 32
VALUE = "value readers"


def check_operation(value):
    """REQ-3, with the forms of ELE-1, ELE-2 and ELE-3."""
    form(isinstance(value, dict), "REQ-3", "an object")
    op = value.get("op")
    form(op in ("create", "set", "delete"), "REQ-3", "create, set, delete, or an operation on the epoch")
    if op == "create":
        is_field = value.get("kind") == "field"
        keys(value, "REQ-3", "op uid parent name kind order" + (" type" if is_field else ""), VALUE if is_field else "")
        form(value["kind"] in ("block", "list", "field"), "REQ-3", "a kind")
        form(is_hex(value["parent"], 16), "ELE-1", "a parent's UID")
        form(is_hex(value["uid"], 16) and value["uid"] != ZEROS, "ELE-1", "a UID that is not zeros")
        order, name = value["order"], value["name"]
        form(isinstance(order, str) and re.fullmatch("[0-9A-Za-z]{1,64}", order), "ELE-2", "an order")
        form(isinstance(name, str) and 1 <= utf16_units(name) <= 256, "ELE-3", "a name's length")
        form(not re.search(f"[{CONTROL}]", name) and not SURROGATE.search(name), "ELE-3", "a name's characters")
    else:
        keys(value, "REQ-3", "op uid seen" + (" type" if op == "set" else ""), VALUE if op == "set" else "")
        form(is_hex(value["uid"], 16), "ELE-1", "a UID")
        form(is_hash(value["seen"]), "REQ-3", "what was seen")
    if "value" in value:
        form(is_hash(value["value"]), "REQ-3", "a commitment")
    if "readers" in value:
        readers = value["readers"]
        form("value" in value, "REQ-3", "readers of a value")
        form(is_list(readers, 0, 256) and all(map(is_hash, readers)), "REQ-3", "at most 256 parties")
        form(readers == sorted(set(readers)), "REQ-3", "parties in order, each once")
    if "type" in value:
        form(value["type"] in TYPES, "REQ-3", "a type")


def check_operations(operations):
    """REQ-3 and EPO-1."""
    if any(map(is_on_epoch, operations)):
        form(len(operations) == 1, "EPO-1", "alone in its request")
        check_epoch_operation(operations[0])
        return
    for operation in operations:
        check_operation(operation)


def commitments_of(operations):
    """Of values that everybody may see (REQ-2)."""
    return {operation["value"] for operation in operations if "value" in operation and "readers" not in operation}


def private_in(operations):
    """VAL-4: by commitment the fields that private values are for."""
    fields = {}
    for operation in operations:
        if "readers" in operation:
            fields.setdefault(operation["value"], set()).add(operation["uid"])
    return fields


def size_of(value):
    return len(jcs(value))


def check_openings(values, commitments, may_lack=False, private=None):
    """
    VAL-1, VAL-2: one opening for each commitment, unless some may be missing, any of private ones, each of its own field
    (VAL-4), and no other. Returns them by commitment.
    """
    opened, private = {}, private or {}
    for value in values:
        commitment = check_opening(value)
        if commitment not in commitments:
            if commitment not in private:
                refuse("VAL-2", "an opening of something else")
            if value.get("of") not in private[commitment]:
                refuse("VAL-4", "a private value as that of another field")
        if commitment in opened:
            refuse("VAL-2", "an opening twice")
        opened[commitment] = value
    if commitments - set(opened) and not may_lack:
        refuse("VAL-2", "an opening is missing")
    return opened


def check_signed_request(value, contract, author_key_of):
    """
    REQ-1 to REQ-3, REQ-6, EPO-1, EPO-2 and SIG-1, by itself. Returns the id. author_key_of: gives the key that a body must
    be signed with, or refuses it.
    """
    keys(value, "REQ-1", "request signature")
    body = value["request"]
    if size_of(body) > 8 * MEBIBYTE:
        refuse("REQ-2", "a body of more than 8 MiB")
    keys(body, "REQ-1", "contract author authorKey nonce notAfterMs operations", "claimedMs")
    form(is_hash(body["contract"]) and is_hash(body["author"]), "REQ-1", "contract and author")
    form(is_b64(body["authorKey"], 32) and is_b64(body["nonce"], 16), "REQ-1", "author key and nonce")
    form(is_time(body["notAfterMs"]), "REQ-1", "a time")
    form("claimedMs" not in body or is_time(body["claimedMs"]), "REQ-1", "a claimed time")
    form(isinstance(body["operations"], list), "REQ-1", "a list of operations")
    form(is_list(body["operations"], 1, 100_000), "REQ-2", "1 to 100,000 operations")
    check_operations(body["operations"])
    form(is_b64(value["signature"], 64), "REQ-1", "64 bytes of signature")
    if body["contract"] != contract:
        refuse("REQ-1", "for another contract")
    if author_key_of(body) != body["authorKey"]:
        refuse("REQ-1", "not the author key of its author's card")
    if not is_signed(body["authorKey"], in_domain("request", body), value["signature"]):
        refuse("SIG-1", "not signed by its author")
    return H("request", body)


def check_in_time(body, request_id, time_ms, ordered):
    """REQ-5 and REQ-2: neither expired nor living too long at a block's time, nor ordered before."""
    if body["notAfterMs"] < time_ms:
        refuse("REQ-5", "it has expired")
    if request_id in ordered:
        refuse("REQ-5", "it has been ordered before")
    if body["notAfterMs"] > time_ms + LIFETIME_MAX_MS:
        refuse("REQ-2", "it would live for more than 30 days")


def check_openings_size(operations, opened, revealed=frozenset()):
    """REQ-2, for the openings of one request that everybody gets. Returns their size in bytes."""
    size_bytes = size_of([opened[one] for one in commitments_of(operations) | revealed if one in opened])
    if size_bytes > 8 * MEBIBYTE:
        refuse("REQ-2", "openings of more than 8 MiB")
    return size_bytes


def check_request(data, contract, author_key_of, time_ms, ordered):
    """A signed request with its openings, to stand in a block of this time. Returns the id and the commitments."""
    request_id = check_signed_request(data["request"], contract, author_key_of)
    body = data["request"]["request"]
    check_in_time(body, request_id, time_ms, ordered)
    commitments = commitments_of(body["operations"])
    opened = check_openings(data["openings"], commitments, private=private_in(body["operations"]))
    check_openings_size(body["operations"], opened)
    return request_id, sorted(commitments)
