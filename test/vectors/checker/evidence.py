"""PROTOCOL.md EVI-1, EVI-2 and EVI-4: two signatures that no honest party makes together."""

from certificates import check_signature_form, check_signed_form, root_of, statement_holds
from checkpoints import check_cosignature_form, cosignature_holds, cosigned
from encoding import H, Refused, canonical, form, in_domain, is_hash, is_integer, keys, refuse
from merkle import extends
from signatures import is_signed

PLACE = ("contract", "lineage", "epoch", "view")
TYPES = {"two-votes": {"VOTE"}, "two-finalizes": {"FINALIZE"}, "finalize-and-skip": {"FINALIZE", "SKIP"}}
OF_CHECKPOINTS = ("two-checkpoints", "not-extended")
OF_FREEZES = ("two-freezes", "cosigned-past-freeze")
MORE_KEYS = {"not-extended": " contract lineage root proof"}


def rule_of(kind):
    return "EVI-2" if kind == "not-extended" else "EVI-4" if kind in OF_FREEZES else "EVI-1"


def check_evidence_form(value):
    """What it is made of, not whether it holds."""
    form(isinstance(value, dict), "EVI-1", "an object")
    kind = value.get("kind")
    form(isinstance(kind, str) and kind in (*TYPES, *OF_CHECKPOINTS, *OF_FREEZES), "EVI-1", "a kind")
    rule = "EVI-2" if kind == "not-extended" else "EVI-1"
    keys(value, rule, "kind party first second" + MORE_KEYS.get(kind, "" if kind in TYPES else " contract lineage"))
    form(is_hash(value["party"]), rule, "a party")
    if kind not in TYPES:
        form(is_hash(value["contract"]) and is_integer(value["lineage"], 0), rule, "contract and lineage")
    if kind == "not-extended":
        form(is_hash(value["root"]), rule, "a root")
        form(isinstance(value["proof"], list) and all(map(is_hash, value["proof"])), rule, "a proof of hashes")
    for name in ("first", "second"):
        if kind in TYPES:
            check_signed_form(value[name])
        elif kind == "two-freezes" or kind in OF_FREEZES and name == "first":
            check_some_freeze_form(value[name])
        else:
            check_cosignature_form(value[name])


def check_some_freeze_form(value):
    """A FREEZE as far as it matters to evidence: whatever history and evidence it holds."""
    keys(value, "LIN-1", "statement signature")
    check_signature_form(value["signature"], "LIN-1")
    statement = value["statement"]
    keys(statement, "LIN-1", "type contract lineage epoch view party history cosignatures evidence")
    form(statement["type"] == "FREEZE", "LIN-1", "a FREEZE")
    form(is_hash(statement["contract"]) and is_hash(statement["party"]), "LIN-1", "contract and party")
    form(is_integer(statement["lineage"], 0), "LIN-1", "a lineage")
    form(is_integer(statement["epoch"], 0, 0) and is_integer(statement["view"], 0, 0), "LIN-1", "neither epoch nor view")
    form(isinstance(statement["cosignatures"], list), "LIN-1", "a list of cosignatures")
    form(isinstance(statement["evidence"], list), "LIN-1", "a list of evidence")
    for one in statement["cosignatures"]:
        check_cosignature_form(one)


def place_of(value):
    """The contract, lineage and epoch that evidence is about; of checkpoints and FREEZEs the epoch does not matter."""
    source = value if "lineage" in value else value["first"]["statement"]
    return {"contract": source["contract"], "lineage": source["lineage"], "epoch": source.get("epoch", 0)}


def check_evidence(value, place):
    """Returns the id. place: contract, lineage, epoch, vote and cosign keys by party."""
    check_evidence_form(value)
    kind = value["kind"]
    if kind in TYPES:
        of_statements(value, place)
    elif kind in OF_CHECKPOINTS:
        of_checkpoints(value, place)
    else:
        of_freezes(value, place)
    return evidence_id(value)


def holds(value, place):
    """Whether evidence that is well formed does."""
    try:
        check_evidence(value, place)
        return True
    except Refused:
        return False


def evidence_id(value):
    """Over what was signed, in the order of its JCS text; a FREEZE stands by its id."""
    signed = []
    for one in (value["first"], value["second"]):
        if "size" in one:
            signed.append(cosigned(one, value["contract"], value["lineage"]))
        elif value["kind"] in OF_FREEZES:
            signed.append(freeze_id(one["statement"]))
        else:
            signed.append(one["statement"])
    return H("evidence", {"kind": value["kind"], "party": value["party"], "signed": sorted(signed, key=canonical)})


def freeze_id(statement):
    return H("freeze", statement)


def check_by_party(value, signers):
    if any(party != value["party"] for party in signers):
        refuse(rule_of(value["kind"]), "not both by the party that it names")


def check_about(value, place):
    if value["contract"] != place["contract"] or value["lineage"] != place["lineage"]:
        refuse(rule_of(value["kind"]), "about another contract or lineage")


def of_checkpoints(value, place):
    rule, contract, lineage = rule_of(value["kind"]), value["contract"], value["lineage"]
    both = [value["first"], value["second"]]
    check_about(value, place)
    check_by_party(value, [one["party"] for one in both])
    first, second = (cosigned(one, contract, lineage) for one in both)
    if value["kind"] == "not-extended":
        check_not_extended(value, first, second)
    elif first["size"] != second["size"] or first == second:
        refuse(rule, "not two checkpoints of one size")
    if not all(cosignature_holds(one, contract, lineage, place["cosign"]) for one in both):
        refuse(rule, "a bad cosignature")


def check_not_extended(value, first, second):
    if first["size"] >= second["size"] or value["root"] == first["root"]:
        refuse("EVI-2", "no smaller size, or no other root")
    if not extends(first["size"], value["root"], second["size"], second["root"], value["proof"]):
        refuse("EVI-2", "the proof does not lead there")


def of_statements(value, place):
    both = [value["first"], value["second"]]
    first, second = (one["statement"] for one in both)
    check_by_party(value, [one["party"] for one in both])
    if any(first[name] != second[name] for name in PLACE):
        refuse("EVI-1", "not of one place and view")
    if {first["type"], second["type"]} != TYPES[value["kind"]]:
        refuse("EVI-1", "statements of other types")
    if first == second:
        refuse("EVI-1", "one statement twice")
    if not all(statement_holds(place, one["statement"], one["party"], one["signature"]) for one in both):
        refuse("EVI-1", "a bad signature, or about another contract, lineage or epoch")


def is_frozen_by(freeze, place, party):
    """Whether the party has signed this FREEZE, and it is of this contract and lineage."""
    statement, key = freeze["statement"], place["cosign"].get(party)
    root = root_of(statement, freeze["signature"])
    if statement["party"] != party or key is None or root is None:
        return False
    if any(statement[name] != place[name] for name in ("contract", "lineage")):
        return False
    return is_signed(key, in_domain("statements", bytes.fromhex(root)), freeze["signature"]["signature"])


def largest_own(statement):
    """The size of the largest ledger that its party says to have cosigned, 0 for none."""
    return max([one["size"] for one in statement["cosignatures"] if one["party"] == statement["party"]], default=0)


def of_freezes(value, place):
    """EVI-4."""
    party, first, second = value["party"], value["first"], value["second"]
    check_about(value, place)
    if not is_frozen_by(first, place, party):
        refuse("EVI-4", "the first is not its party's FREEZE of this lineage")
    if value["kind"] == "two-freezes":
        if not is_frozen_by(second, place, party):
            refuse("EVI-4", "the second is not its party's FREEZE of this lineage")
        if freeze_id(first["statement"]) == freeze_id(second["statement"]):
            refuse("EVI-4", "one FREEZE twice")
        return
    if second["party"] != party or second["size"] <= largest_own(first["statement"]):
        refuse("EVI-4", "not a cosignature of more than its party froze")
    if not cosignature_holds(second, value["contract"], value["lineage"], place["cosign"]):
        refuse("EVI-4", "a bad cosignature")
