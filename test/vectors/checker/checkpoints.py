"""PROTOCOL.md CHK-1 and CHK-2: checkpoints, cosignatures, and both as C2SP signed notes."""

import base64
import hashlib
import re
import struct

from encoding import H, form, from_b64, is_b64, is_hash, is_integer, keys, refuse, to_b64
from signatures import is_signed

TIME_MAX_S = 253402300799


def checkpoint_of(header, root):
    """Of a block's header, and of the root of the log with the block."""
    names = ("contract", "lineage", "epoch", "stateRoot")
    block = {"size": header["height"] + 1, "root": root, "block": H("ledger-block", header)}
    return {**{name: header[name] for name in names}, **block}


def body_of(checkpoint):
    """CHK-1."""
    lines = [
        f"countersign/{checkpoint['contract']}/{checkpoint['lineage']}",
        str(checkpoint["size"]),
        base64.b64encode(bytes.fromhex(checkpoint["root"])).decode(),
        f"epoch {checkpoint['epoch']}",
        f"block {checkpoint['block']}",
        f"state {checkpoint['stateRoot']}",
    ]
    return "".join(line + "\n" for line in lines)


def message_of(body, time_s):
    return f"cosignature/v1\ntime {time_s}\n{body}".encode()


def check_cosignature_form(value, rule="CHK-2"):
    keys(value, rule, "party epoch size root block stateRoot timeS signature")
    form(all(is_hash(value[name]) for name in ("party", "root", "block", "stateRoot")), rule, "hashes")
    form(is_integer(value["epoch"], 0) and is_integer(value["size"], 1), rule, "epoch and size")
    form(is_integer(value["timeS"], 0, TIME_MAX_S), rule, "a time in seconds")
    form(is_b64(value["signature"], 64), rule, "64 bytes of signature")


def cosigned(value, contract, lineage):
    """The checkpoint that a cosignature is on."""
    names = ("epoch", "size", "root", "block", "stateRoot")
    return {"contract": contract, "lineage": lineage, **{name: value[name] for name in names}}


def cosignature_holds(value, contract, lineage, cosign_keys):
    """cosign_keys: by party one, or all that it has had."""
    keys = cosign_keys.get(value["party"], [])
    message = message_of(body_of(cosigned(value, contract, lineage)), value["timeS"])
    return any(is_signed(key, message, value["signature"]) for key in (keys if isinstance(keys, list) else [keys]))


def check_cosignature(value, contract, lineage, cosign_keys):
    """CHK-2, of a cosignature by itself."""
    check_cosignature_form(value)
    if not cosignature_holds(value, contract, lineage, cosign_keys):
        refuse("CHK-2", "not a member's good cosignature")


def check_counts(value, here):
    """COS-2 and CHK-1: a good cosignature is on this checkpoint."""
    if value["root"] != here["root"]:
        refuse("COS-2", "on another history of this size")
    if cosigned(value, here["contract"], here["lineage"]) != here:
        refuse("CHK-1", "of another epoch, block or state")


def key_id(name, key):
    return hashlib.sha256(name.encode() + b"\n\x04" + from_b64(key)).digest()[:4]


def to_note(checkpoint, cosignatures, cosign_keys):
    """The checkpoint with these cosignatures of it as a signed note."""
    lines = []
    for value in cosignatures:
        name, key = f"countersign/{value['party']}", cosign_keys[value["party"]]
        blob = key_id(name, key) + struct.pack(">Q", value["timeS"]) + from_b64(value["signature"])
        lines.append(f"— {name} {base64.b64encode(blob).decode()}\n")
    return f"{body_of(checkpoint)}\n{''.join(lines)}"


def parse_note(text):
    """The body, and the signature lines as (name, bytes)."""
    end = text.rfind("\n\n")
    form(end >= 0 and text.endswith("\n") and not re.search("[\x00-\x09\x0b-\x1f]", text), "CHK-2", "a signed note")
    lines = []
    for line in text[end + 2 : -1].split("\n"):
        found = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/]+={0,2})", line)
        form(found is not None and len(found[2]) % 4 == 0, "CHK-2", "a signature line")
        data = base64.b64decode(found[2])
        form(base64.b64encode(data).decode() == found[2] and len(data) > 4, "CHK-2", "base64 of key ID and signature")
        lines.append((found[1], data))
    return text[: end + 1], lines


def check_note(data, header, root, cosign_keys):
    """A checkpoint with the cosignatures of all these parties. Returns the time of each."""
    form(is_utf8(data), "CHK-2", "UTF-8")
    body, lines = parse_note(data.decode())
    if body != body_of(checkpoint_of(header, root)):
        refuse("CHK-1", "not the checkpoint of this block")
    cosigners = []
    for party, key in cosign_keys.items():
        name = f"countersign/{party}"
        own = [blob[4:] for other, blob in lines if other == name and blob[:4] == key_id(name, key)]
        if not own:
            refuse("CHK-2", f"{party} has not cosigned")
        form(len(own[0]) == 72, "CHK-2", "a time and 64 bytes of signature")
        (time_s,) = struct.unpack(">Q", own[0][:8])
        if not is_signed(key, message_of(body, time_s), to_b64(own[0][8:])):
            refuse("CHK-2", f"the cosignature of {party} is bad")
        cosigners.append([party, time_s])
    return cosigners


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False
