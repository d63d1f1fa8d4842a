"""PROTOCOL.md EPO-1 and EPO-2: operations on the epoch, and who may make which request."""

from encoding import H, form, is_hash, is_integer, is_time, keys, refuse
from evidence import check_evidence_form
from identity import check_proven_card
from policies import check_policy

KEYS = {
    "invite": "op card role older expiresMs",
    "accept": "op change genesis checkpoint",
    "vote": "op change yes",
    "leave": "op checkpoint",
    "card": "op card expiresMs",
    "policy": "op policy expiresMs",
    "remove": "op evidence",
}
POINT = "epoch size root block stateRoot"


def is_on_epoch(operation):
    op = operation.get("op") if isinstance(operation, dict) else None
    return isinstance(op, str) and op in KEYS


def epoch_operation_of(body):
    """The one operation on the epoch that a request consists of, or None."""
    first = body["operations"][0]
    return first if is_on_epoch(first) else None


def check_epoch_operation(value):
    """EPO-1; what stands in it has the form that its own rule gives, and a card in it is proven."""
    rule = "EPO-1"
    keys(value, rule, KEYS[value["op"]])
    form("expiresMs" not in value or is_time(value["expiresMs"]), rule, "an expiry")
    form("change" not in value or is_hash(value["change"]), rule, "the id of a change")
    form("genesis" not in value or is_hash(value["genesis"]), rule, "a genesis")
    for name in ("older", "yes"):
        form(name not in value or isinstance(value[name], bool), rule, "true or false")
    form(value.get("role", "member") in ("member", "observer"), rule, "a role")
    if "checkpoint" in value:
        check_point(value["checkpoint"], rule)
    if "policy" in value:
        check_policy(value["policy"], "GEN-1")
    if "evidence" in value:
        check_evidence_form(value["evidence"])
    if "card" in value:
        check_proven_card(value["card"])


def check_point(value, rule):
    """A checkpoint without contract and lineage."""
    keys(value, rule, POINT)
    form(is_integer(value["epoch"], 0) and is_integer(value["size"], 1), rule, "epoch and size")
    form(all(is_hash(value[name]) for name in ("root", "block", "stateRoot")), rule, "hashes")


def party_of(card):
    """CARD-2, of any card of a party."""
    return card.get("party") or H("card", card)


def author_key_of(body, members, observers, invited):
    """
    EPO-2: the key that a request must be signed with. members, observers: author keys by party; invited: by the id of each
    invitation its party and that party's author key.
    """
    author, operation = body["author"], epoch_operation_of(body)
    op = operation["op"] if operation else None
    if author in members:
        return members[author]
    if author in observers:
        if op == "leave" or op == "card" and party_of(operation["card"]["card"]) == author:
            return observers[author]
        refuse("EPO-2", "an observer may leave and replace its own card")
    if author in [party for party, _ in invited.values()]:
        if op == "accept" and invited.get(operation["change"], ("", ""))[0] == author:
            return invited[operation["change"]][1]
        refuse("EPO-2", "an invited party may accept its invitation")
    refuse("REQ-6", "its author is neither in nor invited")
