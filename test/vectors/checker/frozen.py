"""The older frozen files, crypto.json and ledger.json: every step of what README.md says of them, done again."""

import base64

import ed25519
import merkle
from certificates import check_certificate, check_signed_statement
from checkpoints import body_of, check_cosignature, check_counts, message_of, to_note
from encoding import H, canonical, in_domain, jcs, parse, sha256, to_b64
from evidence import check_evidence
from genesis import Contract
from identity import check_proven_card
from request import check_signed_request
from state import uid_of
from values import check_opening

PKCS8 = {"70": "302e020100300506032b657004220420", "6e": "302e020100300506032b656e04220420"}


def x25519_public(seed):
    """RFC 7748 section 5, of the base point 9."""
    scalar, p = int.from_bytes(seed, "little") & (1 << 254) - 8 | 1 << 254, ed25519.P
    x2, z2, x3, z3 = 1, 0, 9, 1
    for bit in range(254, -1, -1):
        one = scalar >> bit & 1
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        e, f, g = a * a, b * b, a * a - b * b
        x3, z3 = (d * a + c * b) ** 2 % p, 9 * (d * a - c * b) ** 2 % p
        x2, z2 = e * f % p, g * (e + 121665 * g) % p
        if one:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, -1, p) % p).to_bytes(32, "little")


def pem(label, der):
    return f"-----BEGIN {label} KEY-----\n{base64.b64encode(der).decode()}\n-----END {label} KEY-----\n"


def key_files(seed, public, oid):
    private_der = bytes.fromhex(PKCS8[oid]) + seed
    public_der = bytes.fromhex(f"302a300506032b65{oid}032100") + public
    files = {"privatePem": pem("PRIVATE", private_der), "publicPem": pem("PUBLIC", public_der)}
    return {"publicKey": to_b64(public), **files}


def leaves_of(case):
    return [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]


def log(case):
    leaves, frontier, at = leaves_of(case), [], 0
    for bit in range(len(leaves).bit_length() - 1, -1, -1):
        if len(leaves) >> bit & 1:
            frontier.append(merkle.tree_root(leaves[at : at + (1 << bit)]))
            at += 1 << bit
    return {"leafHashes": leaves, "root": merkle.tree_root(leaves), "frontier": frontier}


def consistency(case):
    leaves, old = leaves_of(case), case["oldSize"]
    proof = merkle.consistency_proof(leaves, old)
    roots = merkle.tree_root(leaves[:old]), merkle.tree_root(leaves)
    assert merkle.extends(old, roots[0], len(leaves), roots[1], proof)
    assert not merkle.extends(old, sha256(b"other"), len(leaves), roots[1], proof)
    return proof


def statements(case):
    seed = bytes.fromhex(case["seed"])
    leaves = [merkle.leaf_hash(jcs(statement)) for statement in case["statements"]]
    root = bytes.fromhex(merkle.tree_root(leaves))
    signature = to_b64(ed25519.sign(seed, in_domain("statements", root)))
    if len(leaves) == 1:
        return [{"signature": signature}]
    paths = [merkle.inclusion_proof(leaves, index) for index in range(len(leaves))]
    places = [{"index": index, "size": len(leaves), "path": path} for index, path in enumerate(paths)]
    return [{"signature": signature, "batch": place} for place in places]


def map_proof(case, expected):
    records = dict(case["entries"])
    root = merkle.map_root(records)
    found = merkle.map_proof_root(case["uid"], records.get(case["uid"]), expected)
    return expected if found == root else found


def cosignature(case):
    seed, name, body, time_s = bytes.fromhex(case["seed"]), case["name"], case["body"], case["timeSeconds"]
    public, message = ed25519.key_pair(seed)[0], message_of(body, time_s)
    key = name.encode() + b"\n\x04" + public
    key_id = bytes.fromhex(sha256(key))[:4]
    blob = key_id + time_s.to_bytes(8, "big") + ed25519.sign(seed, message)
    return {
        "keyId": key_id.hex(),
        "verifierKey": f"{name}+{key_id.hex()}+{base64.b64encode(bytes([4]) + public).decode()}",
        "publicKey": public.hex(),
        "message": message.hex(),
        "note": f"{body}\n— {name} {base64.b64encode(blob).decode()}\n",
    }


def checkpoint(case):
    root = base64.b64encode(bytes.fromhex(case["rootHash"])).decode()
    return "".join(f"{line}\n" for line in [case["origin"], case["size"], root, *case["extensions"]])


def signing_key(case):
    seed = bytes.fromhex(case["seed"])
    return key_files(seed, ed25519.key_pair(seed)[0], "70")


def sealing_key(case):
    seed = bytes.fromhex(case["seed"])
    return key_files(seed, x25519_public(seed), "6e")


def data_in(case):
    return in_domain(case["domain"], bytes.fromhex(case["data"]))


OUTPUTS = {
    "jcs": lambda case: canonical(parse(case["json"].encode())),
    "hash": lambda case: sha256(data_in(case)),
    "hash-json": lambda case: H(case["domain"], case["value"]),
    "signing-input": lambda case: data_in(case).hex(),
    "signing-key": signing_key,
    "sealing-key": sealing_key,
    "signature": lambda case: ed25519.sign(bytes.fromhex(case["seed"]), data_in(case)).hex(),
    "statements": statements,
    "log": log,
    "inclusion": lambda case: merkle.inclusion_proof(leaves_of(case), case["index"]),
    "consistency": consistency,
    "map-root": lambda case: merkle.map_root(dict(case["entries"])),
    "checkpoint": checkpoint,
    "cosignature": cosignature,
}


def crypto_faults(file):
    """The cases that come to something else. That of numbers that are no integers is none of the protocol (ENC-1)."""
    for case in file["cases"]:
        kind, name, given, expected = (case[key] for key in ("kind", "name", "input", "output"))
        if (kind, name) == ("jcs", "numbers"):
            continue
        found = map_proof(given, expected) if kind == "map-proof" else OUTPUTS[kind](given)
        if found != expected:
            yield f"crypto.json, {kind} {name}: found {found}"


def ledger_faults(file):
    """The parts of the ledger that are not as they must be."""
    contract = Contract(file["genesis"]["genesis"], [file["commitments"][0]["opening"]])
    for part, check in LEDGER.items():
        try:
            holds = check(file, contract)
        except Exception as error:
            holds = False
            part = f"{part} ({error!r})"
        if not holds:
            yield f"ledger.json: {part}"


def preimage_holds(part):
    return sha256(part["preimage"].encode()) == part["hash"]


def is_by(file, part, public_key):
    """Whether `by` names this key."""
    return {"name": part["by"], "publicKey": public_key}.items() <= key_named(file, part["by"]).items()


def key_named(file, name):
    return next(key for key in file["keys"] if key["name"] == name)


def leaves_hold(leaves, values):
    """Texts and hashes of leaves, of these JSON values."""
    texts = [leaf["text"] == canonical(value) for leaf, value in zip(leaves, values)]
    return all(texts) and all(leaf["hash"] == merkle.leaf_hash(leaf["text"].encode()) for leaf in leaves)


def keys_hold(file, _):
    def public(key):
        seed = bytes.fromhex(key["seed"])
        return x25519_public(seed) if key["name"].endswith("sealing") else ed25519.key_pair(seed)[0]

    return all(key["publicKey"] == to_b64(public(key)) for key in file["keys"])


def cards_hold(file, _):
    first, second, other = file["cards"]
    proven = [first["signed"], {**second["signed"], "earlier": [first["signed"]]}, other["signed"]]
    ids = [check_proven_card(card) for card in proven]
    expected = [(first["hash"], first["hash"]), (first["hash"], second["hash"]), (other["hash"], other["hash"])]
    signers = [(first, first), (second, first), (other, other)]
    named = [is_by(file, card, signer["signed"]["card"]["keys"]["root"]) for card, signer in signers]
    return ids == expected and all(named) and all(map(preimage_holds, file["cards"]))


def commitments_hold(file, _):
    found = [check_opening(part["opening"]) for part in file["commitments"]]
    hashed = [sha256(bytes.fromhex(part["preimage"])) for part in file["commitments"]]
    return found == hashed == [part["hash"] for part in file["commitments"]]


def uids_hold(file, contract):
    found = [part["hash"][:32] for part in file["uids"]]
    expected = [uid_of(purpose, contract.id) for purpose in ("root", "epoch")]
    return found == expected and all(map(preimage_holds, file["uids"]))


def blocks_hold(file, contract):
    leaves, parent = [], "0" * 64
    for part in file["blocks"]:
        header = part["block"]["header"]
        entries = [{**entry, "effects": effects} for entry, effects in zip(part["block"]["entries"], part["effects"])]
        records = {one["uid"]: H(domain_of(one["record"]), one["record"]) for one in part["records"]}
        assert preimage_holds(part) and H("ledger-block", header) == part["hash"]
        assert leaves_hold(part["leaves"], entries) and all(map(preimage_holds, part["records"]))
        entries_root = merkle.tree_root([leaf["hash"] for leaf in part["leaves"]])
        assert entries_root == header["entriesRoot"] == part["entriesRoot"]
        assert records == {one["uid"]: one["hash"] for one in part["records"]}
        assert merkle.map_root(records) == header["stateRoot"] == part["stateRoot"]
        assert header["parent"] == parent and header["logRoot"] == merkle.tree_root(leaves)
        leaves.append(merkle.log_leaf(part["hash"]))
        parent = part["hash"]
        assert leaves[-1] == part["logLeaf"] and merkle.tree_root(leaves) == part["logRoot"]
    return file["blocks"][0]["block"]["header"] == contract.header


def domain_of(record):
    return "element" if "kind" in record else "meta"


def requests_hold(file, contract):
    signed = [part["signed"] for part in file["requests"]]
    authors = contract.keys["author"]
    found = [check_signed_request(one, contract.id, lambda body: authors[body["author"]]) for one in signed]
    named = [is_by(file, part, part["signed"]["request"]["authorKey"]) for part in file["requests"]]
    ids = [part["hash"] for part in file["requests"]]
    return found == ids and all(named) and all(map(preimage_holds, file["requests"]))


def place_of(contract):
    return {"contract": contract.id, "lineage": 0, "epoch": 0, "quorum": contract.quorum, **contract.keys}


def statements_hold(file, contract):
    for part in file["statements"]:
        assert leaves_hold(part["leaves"], [one["statement"] for one in part["signed"]])
        assert in_domain("statements", bytes.fromhex(part["root"])).hex() == part["message"]
        for one in part["signed"]:
            assert check_signed_statement(one, place_of(contract))[1] == part["root"]
            assert is_by(file, part, contract.keys["vote"][one["party"]])
    return True


def checkpoints_hold(file, contract):
    for part in file["checkpoints"]:
        here, cosigned = part["checkpoint"], [one["cosignature"] for one in part["cosigned"]]
        for one, value in zip(part["cosigned"], cosigned):
            check_cosignature(value, contract.id, 0, contract.keys["cosign"])
            check_counts(value, here)
            assert is_by(file, one, contract.keys["cosign"][value["party"]])
            assert message_of(part["body"], value["timeS"]).hex() == one["message"]
        assert body_of(here) == part["body"] and to_note(here, cosigned, contract.keys["cosign"]) == part["note"]
    return True


def evidence_holds(file, contract):
    ids = [check_evidence(part["evidence"], place_of(contract)) for part in file["evidence"]]
    return ids == [part["hash"] for part in file["evidence"]] and all(map(preimage_holds, file["evidence"]))


def certificates_hold(file, contract):
    return all(check_certificate(one, place_of(contract)) for one in file["certificates"])


LEDGER = {
    "keys": keys_hold,
    "cards": cards_hold,
    "commitments": commitments_hold,
    "genesis": lambda file, contract: file["genesis"]["hash"] == contract.id and preimage_holds(file["genesis"]),
    "uids": uids_hold,
    "requests": requests_hold,
    "subtree": lambda file, _: preimage_holds(file["subtree"]),
    "blocks": blocks_hold,
    "statements": statements_hold,
    "certificates": certificates_hold,
    "checkpoints": checkpoints_hold,
    "evidence": evidence_holds,
}
