"""PROTOCOL.md LIN-1: FREEZEs, and the histories that they show."""

from blocks import check_header_form
from certificates import check_certificate, check_signature_form
from checkpoints import check_cosignature_form, cosignature_holds
from encoding import H, Refused, canonical, form, is_hash, is_integer, is_list, keys, refuse
from evidence import OF_FREEZES, check_evidence_form, evidence_id, holds, is_frozen_by
from merkle import NOTHING, log_leaf, node_hash

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
    keys(history, rule, "from peaks blocks header", "notarization finalization")
    form(is_integer(history["from"], 0), rule, "a height")
    form(isinstance(history["peaks"], list) and all(map(is_hash, history["peaks"])), rule, "peaks")
    form(is_list(history["blocks"], 1, BLOCKS_MAX) and all(map(is_hash, history["blocks"])), rule, "hashes of blocks")
    check_header_form(history["header"])
    for kind in ("notarization", "finalization"):
        form(isinstance(history.get(kind, {}), dict), rule, "a certificate")


def is_rising(texts):
    return all(before < after for before, after in zip(texts, texts[1:]))


def most_of_one(values):
    parties = [value["party"] for value in values]
    return max(map(parties.count, parties), default=0)


class History:
    """What a FREEZE shows. roots: of the log at each size from `from` on, None of them where the peaks are no frontier."""

    def __init__(self, shown):
        self.first, self.blocks = shown["from"], shown["blocks"]
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


def check_freeze(value, place):
    """
    A FREEZE that holds. place: contract, lineage, epoch, quorum, vote and cosign keys of the members, and `base`, size and
    block of what the lineage began with; maybe `former`, the same of the epochs before. Returns its history.
    """
    check_freeze_form(value)
    statement = value["statement"]
    epochs = [{**one, "lineage": place["lineage"]} for one in place.get("former", [])] + [place]
    is_member = statement["party"] in place["cosign"]
    if not is_member or not any(is_frozen_by(value, one, statement["party"]) for one in epochs):
        refuse("LIN-1", "not signed by the cosign key of a member, for this lineage")
    history = History(statement["history"])
    committing = [one for one in epochs if one["epoch"] == statement["history"]["header"]["epoch"]]
    check_committed(statement["history"], history, {**(committing or [place])[-1], "base": place["base"]})
    check_beginning(statement, history, place)
    own = [one for one in statement["cosignatures"] if one["party"] == statement["party"]]
    if len(own) > 1 or not all(map(history.holds, own)):
        refuse("LIN-1", "its own cosignatures are not one of its history")
    for one in statement["cosignatures"]:
        if not any(cosignature_holds(one, place["contract"], place["lineage"], at["cosign"]) for at in epochs):
            refuse("LIN-1", "a cosignature is not genuine")
    for one in statement["evidence"]:
        if not any(holds(one, at) for at in epochs):
            refuse("LIN-1", "evidence in it does not hold")
    return history


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
    if len(certificates) < 2:
        refuse("LIN-1", "no COMMIT of the tip")
    views = set()
    for kind, certificate in certificates.items():
        try:
            statement = check_certificate(certificate, place)
        except Refused as refused:
            refuse("LIN-1", f"a certificate that is none: {refused}")
        if certificate["kind"] != kind or statement["block"] != history.blocks[-1]:
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
    if not seen >= set(place["cosign"]):
        refuse("LIN-1", "not every member has cosigned past where it begins")
