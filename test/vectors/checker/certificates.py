"""PROTOCOL.md SIG-3 and ORD-1: signed statements, and certificates made of them."""

from encoding import form, in_domain, is_b64, is_hash, is_integer, is_list, jcs, keys, refuse
from merkle import leaf_hash, root_by_path
from signatures import is_signed

TYPE_OF = {"notarization": "VOTE", "finalization": "FINALIZE", "skip": "SKIP"}
BATCH_MAX = 65536


def check_statement_form(statement):
    form(isinstance(statement, dict), "ORD-1", "an object")
    form(statement.get("type") in TYPE_OF.values(), "ORD-1", "VOTE, FINALIZE or SKIP")
    keys(statement, "ORD-1", "type contract lineage epoch view" + ("" if statement["type"] == "SKIP" else " block"))
    form(is_hash(statement["contract"]), "ORD-1", "a contract")
    form(is_integer(statement["lineage"], 0) and is_integer(statement["epoch"], 0), "ORD-1", "lineage and epoch")
    form(is_integer(statement["view"], 1), "ORD-1", "a view from 1 on")
    form(is_hash(statement.get("block", "0" * 64)), "ORD-1", "a block")


def check_signature_form(signature, rule):
    keys(signature, rule, "signature", "batch")
    form(is_b64(signature["signature"], 64), rule, "64 bytes of signature")
    if "batch" in signature:
        batch = signature["batch"]
        keys(batch, rule, "index size path")
        form(is_integer(batch["size"], 2, BATCH_MAX) and is_integer(batch["index"], 0), rule, "index and size")
        form(isinstance(batch["path"], list) and all(map(is_hash, batch["path"])), rule, "a path of hashes")


def check_signed_form(signed):
    keys(signed, "SIG-3", "statement party signature")
    form(is_hash(signed["party"]), "SIG-3", "a party")
    check_signature_form(signed["signature"], "SIG-3")
    check_statement_form(signed["statement"])


def root_of(statement, signature):
    """The root of the batch that a statement is shown to be in, or None."""
    leaf = leaf_hash(jcs(statement))
    batch = signature.get("batch")
    return root_by_path(leaf, batch["index"], batch["size"], batch["path"]) if batch else leaf


def statement_holds(place, statement, party, signature):
    """Whether the party, a member at this place, has signed this statement, and the statement is of this place."""
    key = place["vote"].get(party)
    root = root_of(statement, signature)
    if key is None or root is None:
        return False
    if any(statement[name] != place[name] for name in ("contract", "lineage", "epoch")):
        return False
    return is_signed(key, in_domain("statements", bytes.fromhex(root)), signature["signature"])


def check_signed_statement(signed, place):
    """Returns leaf and root. place: contract, lineage, epoch, and vote keys by party."""
    check_signed_form(signed)
    if not statement_holds(place, signed["statement"], signed["party"], signed["signature"]):
        refuse("SIG-3", "not signed so")
    return leaf_hash(jcs(signed["statement"])), root_of(signed["statement"], signed["signature"])


def check_certificate(certificate, place):
    """ORD-1. Returns the statement that each signer signed. place: as above, and the quorum."""
    rule = "ORD-1"
    form(isinstance(certificate, dict), rule, "an object")
    kind = certificate.get("kind")
    form(isinstance(kind, str) and kind in TYPE_OF, rule, "a kind")
    keys(certificate, rule, "kind view signatures" + ("" if kind == "skip" else " block"))
    form(is_list(certificate["signatures"], 1, 256), rule, "1 to 256 signatures")
    for pair in certificate["signatures"]:
        form(is_list(pair, 2, 2) and is_hash(pair[0]), rule, "a party with its signature")
        check_signature_form(pair[1], rule)
    statement = {"type": TYPE_OF[kind], "view": certificate["view"]}
    if kind != "skip":
        statement["block"] = certificate["block"]
    statement.update({name: place[name] for name in ("contract", "lineage", "epoch")})
    check_statement_form(statement)
    signers = [party for party, _ in certificate["signatures"]]
    if len(set(signers)) < len(signers):
        refuse(rule, "a party twice")
    if len(signers) < place["quorum"]:
        refuse(rule, "below the quorum")
    for party, signature in certificate["signatures"]:
        if not statement_holds(place, statement, party, signature):
            refuse(rule, "a signature that is no member's good one")
    return statement
