"""PROTOCOL.md EVI-5: a file of evidence."""

from encoding import H, Refused, at, form, is_hash, is_list, keys, parse, refuse
from evidence import check_evidence, check_evidence_form, holds, place_of
from genesis import check_genesis
from identity import check_proven_card

SIZE_MAX = 64 * 1024 * 1024


def read_file(data):
    form(len(data) <= SIZE_MAX, "EVI-5", "at most 64 MiB")
    value = parse(data)
    keys(value, "EVI-5", "type version contract exporter genesis evidence", "cards")
    form(value["type"] == "evidence" and type(value["version"]) is int and value["version"] == 1, "EVI-5", "version 1")
    form(is_hash(value["contract"]) and is_hash(value["exporter"]), "EVI-5", "contract and exporter")
    form(isinstance(value["evidence"], list) and value["evidence"], "EVI-5", "a list of evidence")
    form("cards" not in value or is_list(value["cards"], 1, 256), "EVI-5", "a list of cards")
    return value


def check_file(data, trusted):
    try:
        value = at("file", read_file, data)
    except Refused as refused:
        refused.verdict = "unreadable"
        raise
    at("genesis", check_genesis, value["genesis"])
    if H("contract", value["genesis"]) != value["contract"]:
        refuse("GEN-1", "the genesis of another contract", "genesis")
    keys_of = {}
    for proven in value["genesis"]["members"]:
        add_keys(keys_of, proven)
    for index, proven in enumerate(value.get("cards", []), 1):
        at(f"card {index}", add_keys, keys_of, proven)
    accused = {}
    for index, evidence in enumerate(value["evidence"], 1):
        evidence_id = at(f"evidence {index}", check_piece, evidence, value["contract"], keys_of)
        accused.setdefault(evidence["party"], []).append(evidence_id)
    named = [
        {"party": party, "identified": party in trusted, "evidence": ids} for party, ids in accused.items()
    ]
    verdict = "valid" if set(accused) <= set(trusted) else "unidentified"
    return {"verdict": verdict, "contract": value["contract"], "accused": named}


def add_keys(keys_of, proven):
    """Of all cards that a party is shown to have had."""
    party, _ = check_proven_card(proven)
    cards = [signed["card"] for signed in proven.get("earlier", [])] + [proven["card"]]
    keys_of.setdefault(party, []).extend(card["keys"] for card in cards)


def check_piece(evidence, contract, keys_of):
    """It holds by the keys of some card of its party. Returns its id."""
    check_evidence_form(evidence)
    party = evidence["party"]
    if party not in keys_of:
        refuse("EVI-5", "no card of its party is there")
    places = [
        {**place_of(evidence), "contract": contract, "vote": {party: one["vote"]}, "cosign": {party: one["cosign"]}}
        for one in keys_of[party]
    ]
    best = next((place for place in places if holds(evidence, place)), places[0])
    return check_evidence(evidence, best)
