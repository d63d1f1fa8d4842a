"""PROTOCOL.md LIN-1: FREEZEs, and the histories that they show."""

from blocks import check_block_form, check_header_form
from certificates import check_certificate, check_signature_form
from changes import epoch_operation_of
from checkpoints import check_cosignature_form, cosignature_holds
from encoding import H, Refused, canonical, form, is_hash, is_hex, is_integer, is_list, jcs, keys, refuse
from evidence import OF_FREEZES, check_evidence_form, evidence_id, holds, is_frozen_by
from identity import check_proven_card
from merkle import NOTHING, leaf_hash, log_leaf, node_hash
from policies import quorum_of
from request import check_signed_request

BLOCKS_MAX = 65536
OF_MEMBER_MAX = 3


def check_freeze_form(value):
    rule = "LIN-1"
    keys(value, rule, "statement signature")
    check_signature_form(value["signature"], rule)
    statement = value["statement"]
    keys(statement, rule, "type contract lineage epoch view party history cosignatures evidence")
    form(statement["type"] == "FREEZE", rule, "a FREEZE")
    form(is_hash(statement["contract"]) and is_hash(statement["party"]), rule, "contract and party")
    form(is_integer(statement["lineage"], 0), rule, "a lineage")
    form(is_integer(statement["epoch"], 0, 0) and is_integer(statement["view"], 0, 0), rule, "neither epoch nor view")
    check_history_form(statement["history"])
    cosignatures, evidence = statement["cosignatures"], statement["evidence"]
    form(isinstance(cosignatures, list) and isinstance(evidence, list), rule, "lists of cosignatures and evidence")
    for one in cosignatures:
        check_cosignature_form(one)
    for one in evidence:
        check_evidence_form(one)
        form(one["kind"] not in OF_FREEZES, rule, "no evidence of FREEZEs")
    form(is_rising([canonical(one) for one in cosignatures]), rule, "cosignatures in the order of their JCS text")
    form(is_rising([evidence_id(one) for one in evidence]), rule, "evidence in the order of its ids")
    form(most_of_one(cosignatures) <= OF_MEMBER_MAX, rule, "at most three cosignatures of a member")
    form(most_of_one(evidence) <= 1, rule, "at most one piece of evidence against a member")


def check_history_form(history):
    rule = "LIN-1"
    keys(history, rule, "from peaks blocks header", "notarization finalization turns")
    form(is_integer(history["from"], 0), rule, "a height")
    form(isinstance(history["peaks"], list) and all(map(is_hash, history["peaks"])), rule, "peaks")
    form(is_list(history["blocks"], 1, BLOCKS_MAX) and all(map(is_hash, history["blocks"])), rule, "hashes of blocks")
    check_header_form(history["header"])
    for kind in ("notarization", "finalization"):
        form(isinstance(history.get(kind, {}), dict), rule, "a certificate")
    if "turns" in history:
        form(is_list(history["turns"], 1, 256), rule, "turns")
        for turn in history["turns"]:
            check_turn_form(turn)


def check_turn_form(turn):
    rule = "LIN-1"
    keys(turn, rule, "block effects notarization finalization", "card leaves")
    check_block_form(turn["block"])
    form([entry["kind"] for entry in turn["block"]["entries"]] == ["turn"], rule, "a turn")
    effects = turn["effects"]
    form(is_list(effects, 1, 1) and is_list(effects[0], 2, 2), rule, "its one effect")
    form(is_hex(effects[0][0], 16) and is_hash(effects[0][1]), rule, "the hash of a record")
    for kind in ("notarization", "finalization"):
        form(isinstance(turn[kind], dict), rule, "a certificate")
    if "card" in turn:
        check_proven_card(turn["card"])
    if "leaves" in turn:
        form(is_list(turn["leaves"], 1, 256), rule, "LEAVEs")


def is_rising(texts):
    return all(before < after for before, after in zip(texts, texts[1:]))


def most_of_one(values):
    parties = [value["party"] for value in values]
    return max(map(parties.count, parties), default=0)


class History:
    """What a FREEZE shows. roots: of the log at each size from `from` on, None of them where the peaks are no frontier."""

    def __init__(self, shown):
        self.first, self.blocks, self.turns = shown["from"], shown["blocks"], shown.get("turns", [])
        self.size = self.first + len(self.blocks)
        self.roots = self._roots(shown["peaks"])

    def _roots(self, peaks):
        sizes = [1 << bit for bit in reversed(range(self.first.bit_length())) if self.first >> bit & 1]
        if len(sizes) != len(peaks):
            return None
        frontier = list(zip(sizes, peaks))
        roots = [root_of_frontier(frontier)]
        for block in self.blocks:
            size, root = 1, log_leaf(block)
            while frontier and frontier[-1][0] == size:
                root = node_hash(frontier.pop()[1], root)
                size *= 2
            frontier.append((size, root))
            roots.append(root_of_frontier(frontier))
        return roots

    def root_at(self, size):
        return self.roots[size - self.first] if self.first <= size <= self.size else None

    def block_at(self, size):
        return self.blocks[size - self.first - 1] if self.first < size <= self.size else None

    def holds(self, cosignature):
        """Whether a cosignature is on this history, where it is shown."""
        size = cosignature["size"]
        return (self.block_at(size), self.root_at(size)) == (cosignature["block"], cosignature["root"])


def root_of_frontier(frontier):
    root = None
    for _, peak in reversed(frontier):
        root = peak if root is None else node_hash(peak, root)
    return NOTHING if root is None else root


def check_freeze_set(freezes, place):
    """All hold, each by its own history or by keys that turns in others, which hold, have brought. Returns their histories."""
    held, brought = {}, {}
    while len(held) < len(freezes):
        before, last = len(held), None
        for index, freeze in enumerate(freezes):
            if index not in held:
                try:
                    held[index] = check_freeze(freeze, place, brought)
                except Refused as refused:
                    last = refused
        if len(held) == before:
            raise last
        for index in held:
            for turn in freezes[index]["statement"]["history"].get("turns", []):
                if "card" in turn:
                    party, _ = check_proven_card(turn["card"])
                    brought.setdefault(party, []).append(turn["card"]["card"]["keys"]["cosign"])
    return [held[index] for index in range(len(freezes))]


def check_freeze(value, place, brought={}):
    """
    A FREEZE that holds. place: of the epoch that goes on contract, lineage, epoch, quorum, `members` in order, and by party
    author, vote and cosign keys, `ever_vote` and `ever_cosign` where there were others; `base`, size and block of what the
    lineage began with; maybe `former`, the same of the epochs before, with `first_height` in each. brought: by party, cosign keys
    that turns in other FREEZEs have brought. Returns its history.
    """
    check_freeze_form(value)
    statement = value["statement"]
    history = History(statement["history"])
    history.epochs = epochs_of(statement["history"], history, place)
    last = history.epochs[-1]
    party = statement["party"]
    own_keys = last["ever_cosign"].get(party, []) + brought.get(party, [])
    if not any(is_frozen_by(value, {**last, "cosign": {party: key}}, party) for key in own_keys):
        refuse("LIN-1", "not signed by the cosign key of a member, for this lineage")
    turns = statement["history"].get("turns", [])
    ends_epoch = bool(turns) and turns[-1]["block"]["header"] == statement["history"]["header"]
    check_committed(statement["history"], history, {**history.epochs[-2 if ends_epoch else -1], "base": place["base"]})
    check_beginning(statement, history, {**history.epochs[0], "base": place["base"]})
    own = [one for one in statement["cosignatures"] if one["party"] == statement["party"]]
    if len(own) > 1 or not all(map(history.holds, own)):
        refuse("LIN-1", "its own cosignatures are not one of its history")
    for one in statement["cosignatures"]:
        keys = {**last["ever_cosign"], party: own_keys}
        if not cosignature_holds(one, place["contract"], place["lineage"], keys):
            refuse("LIN-1", "a cosignature is not genuine")
    for one in statement["evidence"]:
        if not is_proven(one, last):
            refuse("LIN-1", "evidence in it does not hold")
    return history


def is_proven(evidence, last):
    """By any key that its party has had, whichever epoch it is of."""
    party, of_statements = evidence["party"], "lineage" not in evidence
    place = {**last, "epoch": evidence["first"]["statement"]["epoch"] if of_statements else 0}
    cosign, vote = last["ever_cosign"].get(party, []), last["ever_vote"].get(party, [])
    if of_statements:
        return any(holds(evidence, {**place, "vote": {party: key}}) for key in vote)
    return holds(evidence, {**place, "cosign": {party: cosign}})


def with_ever(epoch):
    """An epoch with all keys that its members have had, those in force where nothing else is said."""
    in_force = {f"ever_{use}": {party: [key] for party, key in epoch[use].items()} for use in ("vote", "cosign")}
    return {**in_force, **epoch}


def epochs_of(shown, history, place):
    """The epoch that a history begins in, by what is known, and one behind each turn that it shows."""
    known = [with_ever({**one, "lineage": place["lineage"]}) for one in place.get("former", []) + [place]]
    base = place["base"]
    is_from_base = history.first == base["size"] - 1 and history.block_at(base["size"]) == base["block"]
    height = history.first + 1 if is_from_base else history.first
    begun = [one for one in known if one.get("first_height", 0) <= height]
    if not begun:
        refuse("LIN-1", "it begins in an epoch that nobody knows")
    epochs, after = [begun[-1]], max(history.first, base["size"]) - 1
    for turn in shown.get("turns", []):
        header = turn["block"]["header"]
        if header["height"] <= after or history.block_at(header["height"] + 1) != H("ledger-block", header):
            refuse("LIN-1", "a turn that is none of its blocks, or in another order")
        after = header["height"]
        check_turn(turn, epochs[-1])
        epochs.append(epoch_behind(turn, epochs[-1]))
    return epochs


def check_turn(turn, before):
    """What it says follows from it, and it was committed by who was in before."""
    header, [entry] = turn["block"]["header"], turn["block"]["entries"]
    is_there = all(header[name] == before[name] for name in ("contract", "lineage", "epoch"))
    if not is_there or entry["epoch"] != before["epoch"] + 1:
        refuse("LIN-1", "a turn of another place")
    if leaf_hash(jcs({**entry, "effects": turn["effects"]})) != header["entriesRoot"]:
        refuse("LIN-1", "another turn than its header stands for")
    members = entry["members"]
    if len(entry["cards"]) != len(members) or len(set(members)) < len(members):
        refuse("LIN-1", "not a card for each member")
    check_commit(turn, header, H("ledger-block", header), before)
    brought = None
    if "card" in turn:
        brought, card = check_proven_card(turn["card"])
        if (brought, card) not in zip(members, entry["cards"]):
            refuse("LIN-1", "a card that the turn did not bring")
    if any(party not in before["vote"] and party != brought for party in members):
        refuse("LIN-1", "a member whose keys nobody knows")
    gone = []
    for leave in turn.get("leaves", []):
        try:
            check_signed_request(leave, before["contract"], lambda body: before["author"].get(body["author"]))
        except Refused as refused:
            refuse("LIN-1", f"a LEAVE that is none: {refused}")
        body = leave["request"]
        operation = epoch_operation_of(body)
        author = body["author"]
        is_leave = operation is not None and operation["op"] == "leave"
        if not is_leave or author not in before["members"] or author in members + gone:
            refuse("LIN-1", "a LEAVE of who did not leave")
        gone.append(author)


def epoch_behind(turn, before):
    [entry] = turn["block"]["entries"]
    after = {**before, "epoch": entry["epoch"], "members": entry["members"]}
    after["first_height"] = turn["block"]["header"]["height"] + 1
    after["quorum"] = quorum_of(entry["policy"]["quorum"], len(entry["members"]))
    found = {use: dict(before[use]) for use in ("author", "vote", "cosign")}
    ever = {use: dict(before[f"ever_{use}"]) for use in ("vote", "cosign")}
    if "card" in turn:
        party, _ = check_proven_card(turn["card"])
        for use, by_party in found.items():
            by_party[party] = turn["card"]["card"]["keys"][use]
        for use, by_party in ever.items():
            by_party[party] = by_party.get(party, []) + [found[use][party]]
    after["author"] = found["author"]
    for use in ("vote", "cosign"):
        after[use] = {party: found[use][party] for party in entry["members"]}
        after[f"ever_{use}"] = ever[use]
    return after


def check_committed(shown, history, place):
    """The header is the tip's, the log of all before it is the one shown, and the tip was committed."""
    header, base = shown["header"], place["base"]
    if history.roots is None:
        refuse("LIN-1", "peaks of another size")
    if header["contract"] != place["contract"] or header["height"] != history.size - 1:
        refuse("LIN-1", "a header of another contract or height")
    if H("ledger-block", header) != history.blocks[-1]:
        refuse("LIN-1", "a header of another block")
    if header["logRoot"] != history.root_at(history.size - 1):
        refuse("LIN-1", "blocks or peaks of another log")
    certificates = {kind: shown[kind] for kind in ("notarization", "finalization") if kind in shown}
    if history.size == base["size"] and history.blocks[-1] == base["block"]:
        if certificates:
            refuse("LIN-1", "a COMMIT of what the lineage began with")
        return
    if history.size <= base["size"] or header["lineage"] != place["lineage"]:
        refuse("LIN-1", "a tip that is not of this lineage")
    if header["epoch"] != place["epoch"]:
        refuse("LIN-1", "a tip of an epoch whose beginning it does not show")
    check_commit(shown, header, history.blocks[-1], place)


def check_commit(shown, header, block, place):
    certificates = {kind: shown[kind] for kind in ("notarization", "finalization") if kind in shown}
    if len(certificates) < 2:
        refuse("LIN-1", "no COMMIT")
    views = set()
    for kind, certificate in certificates.items():
        try:
            statement = check_certificate(certificate, place)
        except Refused as refused:
            refuse("LIN-1", f"a certificate that is none: {refused}")
        if certificate["kind"] != kind or statement["block"] != block:
            refuse("LIN-1", "a certificate of another kind or block")
        views.add(statement["view"])
    if len(views) > 1 or min(views) < header["view"]:
        refuse("LIN-1", "certificates of two views, or of one before the header's")


def check_beginning(statement, history, place):
    """From where the lineage began, or from a size past which every member is seen to have cosigned this history."""
    base = place["base"]
    if history.first == base["size"] - 1 and history.block_at(base["size"]) == base["block"]:
        return
    if history.first < base["size"]:
        refuse("LIN-1", "from before the lineage began")
    seen = {one["party"] for one in statement["cosignatures"] if history.holds(one)}
    if not seen >= set(place["members"]):
        refuse("LIN-1", "not every member has cosigned past where it begins")
