"""PROTOCOL.md EVI-1 and EVI-2: two signatures that no honest party makes together."""

from certificates import check_signed_form, statement_holds
from checkpoints import check_cosignature_form, cosignature_holds, cosigned
from encoding import H, canonical, form, is_hash, is_integer, keys, refuse
from merkle import extends

PLACE = ("contract", "lineage", "epoch", "view")
MORE_KEYS = {"two-checkpoints": " contract lineage", "not-extended": " contract lineage root proof"}
TYPES = {"two-votes": {"VOTE"}, "two-finalizes": {"FINALIZE"}, "finalize-and-skip": {"FINALIZE", "SKIP"}}


def check_evidence(value, place):
    """Returns the id. place: contract, lineage, epoch, vote and cosign keys by party."""
    form(isinstance(value, dict), "EVI-1", "an object")
    kind = value.get("kind")
    form(isinstance(kind, str) and (kind in TYPES or kind in MORE_KEYS), "EVI-1", "a kind")
    rule = "EVI-2" if kind == "not-extended" else "EVI-1"
    keys(value, rule, "kind party first second" + MORE_KEYS.get(kind, ""))
    form(is_hash(value["party"]), rule, "a party")
    both = [value["first"], value["second"]]
    signed = of_checkpoints(value, both, place, rule) if kind in MORE_KEYS else of_statements(value, both, place)
    if any(one["party"] != value["party"] for one in both):
        refuse(rule, "not both by the party that it names")
    return H("evidence", {"kind": kind, "party": value["party"], "signed": sorted(signed, key=canonical)})


def of_checkpoints(value, both, place, rule):
    contract, lineage = value["contract"], value["lineage"]
    form(is_hash(contract) and is_integer(lineage, 0), rule, "contract and lineage")
    for one in both:
        check_cosignature_form(one)
    if contract != place["contract"] or lineage != place["lineage"]:
        refuse(rule, "about another contract or lineage")
    first, second = (cosigned(one, contract, lineage) for one in both)
    if value["kind"] == "not-extended":
        check_not_extended(value, first, second)
    elif first["size"] != second["size"] or first == second:
        refuse(rule, "not two checkpoints of one size")
    if not all(cosignature_holds(one, contract, lineage, place["cosign"]) for one in both):
        refuse(rule, "a bad cosignature")
    return [first, second]


def check_not_extended(value, first, second):
    root, proof = value["root"], value["proof"]
    form(is_hash(root), "EVI-2", "a root")
    form(isinstance(proof, list) and all(map(is_hash, proof)), "EVI-2", "a proof of hashes")
    if first["size"] >= second["size"] or root == first["root"]:
        refuse("EVI-2", "no smaller size, or no other root")
    if not extends(first["size"], root, second["size"], second["root"], proof):
        refuse("EVI-2", "the proof does not lead there")


def of_statements(value, both, place):
    for one in both:
        check_signed_form(one)
    signed = [one["statement"] for one in both]
    first, second = signed
    if any(first[name] != second[name] for name in PLACE):
        refuse("EVI-1", "not of one place and view")
    if {one["type"] for one in signed} != TYPES[value["kind"]]:
        refuse("EVI-1", "statements of other types")
    if first == second:
        refuse("EVI-1", "one statement twice")
    if not all(statement_holds(place, one["statement"], one["party"], one["signature"]) for one in both):
        refuse("EVI-1", "a bad signature, or about another contract, lineage or epoch")
    return signed
