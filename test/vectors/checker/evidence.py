"""PROTOCOL.md EVI-1: two signatures that no honest party makes together."""

from certificates import check_signed_form, statement_holds
from checkpoints import check_cosignature_form, cosignature_holds, cosigned
from encoding import H, canonical, form, is_hash, is_integer, keys, refuse

PLACE = ("contract", "lineage", "epoch", "view")
TYPES = {"two-votes": {"VOTE"}, "two-finalizes": {"FINALIZE"}, "finalize-and-skip": {"FINALIZE", "SKIP"}}


def check_evidence(value, place):
    """Returns the id. place: contract, lineage, epoch, vote and cosign keys by party."""
    form(isinstance(value, dict), "EVI-1", "an object")
    kind = value.get("kind")
    form(kind == "two-checkpoints" or isinstance(kind, str) and kind in TYPES, "EVI-1", "a kind")
    keys(value, "EVI-1", "kind party first second" + (" contract lineage" if kind == "two-checkpoints" else ""))
    form(is_hash(value["party"]), "EVI-1", "a party")
    both = [value["first"], value["second"]]
    signed = of_checkpoints(value, both, place) if kind == "two-checkpoints" else of_statements(value, both, place)
    if any(one["party"] != value["party"] for one in both):
        refuse("EVI-1", "not both by the party that it names")
    return H("evidence", {"kind": kind, "party": value["party"], "signed": sorted(signed, key=canonical)})


def of_checkpoints(value, both, place):
    contract, lineage = value["contract"], value["lineage"]
    form(is_hash(contract) and is_integer(lineage, 0), "EVI-1", "contract and lineage")
    for one in both:
        check_cosignature_form(one)
    if contract != place["contract"] or lineage != place["lineage"]:
        refuse("EVI-1", "about another contract or lineage")
    signed = [cosigned(one, contract, lineage) for one in both]
    if signed[0]["size"] != signed[1]["size"] or signed[0] == signed[1]:
        refuse("EVI-1", "not two checkpoints of one size")
    if not all(cosignature_holds(one, contract, lineage, place["cosign"]) for one in both):
        refuse("EVI-1", "a bad cosignature")
    return signed


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
