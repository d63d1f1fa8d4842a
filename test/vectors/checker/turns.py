"""PROTOCOL.md EPO-7 to EPO-10 and EPO-14: turns and TICKs."""

from checkpoints import check_cosignature_form, cosignature_holds
from encoding import H, form, is_hash, is_integer, is_list, keys, refuse
from epoch import cards_in_force, departing, is_lapsed, with_changes
from policies import check_policy

EPOCH_KEYS = "epoch members cards policy executionVersion"


def check_turn_form(entry):
    """BLK-3."""
    rule = "BLK-3"
    keys(entry, rule, f"kind {EPOCH_KEYS} certificate", "change observers")
    form(is_integer(entry["epoch"], 0), rule, "an epoch")
    for name in ("members", "cards"):
        form(is_list(entry[name], 1, 256) and all(map(is_hash, entry[name])), rule, f"{name} by hash")
    check_policy(entry["policy"], rule)
    form(type(entry["executionVersion"]) is int and entry["executionVersion"] == 1, rule, "execution version 1")
    form("change" not in entry or is_hash(entry["change"]), rule, "the id of a change")
    if "observers" in entry:
        form(is_list(entry["observers"], 1, 256), rule, "observers")
        for pair in entry["observers"]:
            form(is_list(pair, 2, 2) and all(map(is_hash, pair)), rule, "an observer with its card")
    form(is_list(entry["certificate"], 0, 256), rule, "a list of cosignatures")
    for cosignature in entry["certificate"]:
        check_cosignature_form(cosignature)


def brought_by(entry, record, time_ms):
    """EPO-7: the changes that a turn brings."""
    changes = record.get("changes", [])
    if departing(changes):
        if "change" in entry:
            refuse("EPO-7", "it brings a change where somebody leaves")
        return [change for change in changes if change["op"] in ("leave", "remove")]
    ready = [change for change in changes if "decided" in change and not is_lapsed(change, time_ms)]
    brought = [change for change in ready if change["change"] == entry.get("change")]
    if not brought:
        refuse("EPO-7", "it brings nothing that is decided and has not lapsed")
    return brought


def seats_after(state, brought, left_out):
    """EPO-8: members and observers of the next epoch, each as a list of (party, card)."""
    record, in_force = state.epoch_record, cards_in_force(state.epoch_record, state.genesis_cards)
    gone = departing(brought) | set(left_out)
    replaced = {change["party"]: change["card"] for change in brought if change["op"] == "card"}

    def seats(parties, role):
        staying = [(party, replaced.get(party, in_force[party])) for party in parties if party not in gone]
        come = [change for change in brought if change["op"] == "invite" and change["role"] == role]
        return staying + [(change["party"], change["card"]) for change in come]

    observers = [party for party, _ in record.get("observers", [])]
    return seats(record["members"], "member"), seats(observers, "observer")


def epoch_after(record, brought, members, observers):
    """What the turn says, but for its change and certificate."""
    policies = [change["policy"] for change in brought if change["op"] == "policy"]
    after = {
        "epoch": record["epoch"] + 1,
        "members": [party for party, _ in members],
        "cards": [H("card", card) for _, card in members],
        "policy": policies[0] if policies else record["policy"],
        "executionVersion": record["executionVersion"],
    }
    if observers:
        after["observers"] = [[party, H("card", card)] for party, card in observers]
    return after


def record_after(state, brought, after, members, observers, time_ms):
    """EPO-3, EPO-8."""
    record, seats = state.epoch_record, members + observers
    parties = {party for party, _ in seats}
    in_force = cards_in_force(record, state.genesis_cards)
    newer = [card for _, card in seats if H("card", card) not in state.genesis_cards]
    arrived = [one for one in record.get("arrived", []) if one[0] in parties]
    arrived += [[one["party"], after["epoch"], one["older"]] for one in brought if one["op"] == "invite"]
    former = [one for one in record.get("former", []) if one[0] in parties]
    for change in brought:
        if change["op"] == "card":
            old, new = in_force[change["party"]]["keys"], change["card"]["keys"]
            if (old["vote"], old["cosign"]) != (new["vote"], new["cosign"]):
                former.append([change["party"], old["vote"], old["cosign"]])
    lists = {"newer": newer, "arrived": arrived, "former": former}
    staying = [one for one in record.get("changes", []) if one not in brought and not is_lapsed(one, time_ms)]
    staying = [one for one in staying if one["op"] != "card" or one["party"] in parties]
    changes = [
        {**one, "yes": [party for party in one["yes"] if party in after["members"]]} if "yes" in one else one
        for one in staying
    ]
    return with_changes({**after, **{name: one for name, one in lists.items() if one}}, changes)


def check_turn_certificate(state, entry, brought, members, place):
    """EPO-9, EPO-10."""
    record = state.epoch_record
    in_force = cards_in_force(record, state.genesis_cards)
    last = max((change["decided"] for change in brought), key=lambda one: one["height"])
    last_of_all = max(change["decided"]["height"] for change in record["changes"] if "decided" in change)
    silence_ms = record["policy"]["silenceMs"]
    is_lapse = silence_ms is not None and place["timeMs"] >= last["timeMs"] + silence_ms
    rest = list(entry["certificate"])
    for party, card in members:
        before = in_force.get(party)
        if not rest or rest[0]["party"] != party:
            if is_lapse and before and before["keys"]["cosign"] == card["keys"]["cosign"]:
                continue
            refuse("EPO-9", f"{party} has not cosigned, or stands in another place")
        value = rest.pop(0)
        if value["epoch"] != record["epoch"]:
            refuse("EPO-9", "cosigned in another epoch")
        if value["size"] <= (last["height"] if before else last_of_all):
            refuse("EPO-9", "cosigned too early")
        if not place["holds"]({name: value[name] for name in ("epoch", "size", "root", "block", "stateRoot")}):
            refuse("EPO-9", "cosigned is another history")
        if not cosignature_holds(value, state.contract, place["lineage"], {party: card["keys"]["cosign"]}):
            refuse("EPO-9", "a bad cosignature")
    if rest:
        refuse("EPO-9", "a cosignature too many, or in another place")


def turn(state, entry, place):
    """The epoch record after a turn."""
    time_ms = place["timeMs"]
    brought = brought_by(entry, state.epoch_record, time_ms)
    members, observers = seats_after(state, brought, place["leftOut"])
    after = epoch_after(state.epoch_record, brought, members, observers)
    if {key: value for key, value in entry.items() if key not in ("kind", "change", "certificate")} != after:
        refuse("EPO-8", "it says otherwise than what follows")
    check_turn_certificate(state, entry, brought, members, place)
    return record_after(state, brought, after, members, observers, time_ms)


def tick(state, time_ms):
    """EPO-14: the epoch record after a TICK."""
    record = state.epoch_record
    changes = record.get("changes", [])
    staying = [change for change in changes if not is_lapsed(change, time_ms)]
    if len(staying) == len(changes):
        refuse("EPO-14", "nothing is due")
    return with_changes(record, staying)
