"""PROTOCOL.md section 11: whole bundles, line by line."""

from basis import Basis
from blocks import Chain
from checkpoints import checkpoint_of, to_note
from encoding import H, Refused, at, form, is_hash, is_integer, keys, parse, refuse
from finality import Finality
from genesis import Contract
from identity import check_proven_card
from lineages import resolve

LINE_MAX = 32 * 1024 * 1024
KEYS = {
    "bundle": ("type version contract exporter height", ""),
    "genesis": ("type genesis openings", ""),
    "basis": ("type height headers records openings ordered cards", ""),
    "ledger-block": ("type block requests openings", "notarization finalization"),
    "lineage": ("type lineage freezes", ""),
    "end": ("type height", ""),
}
NEXT = {
    None: ("bundle",),
    "bundle": ("genesis",),
    "genesis": ("cosignature", "ledger-block", "lineage", "end"),
    "cosignature": ("cosignature", "basis", "ledger-block", "lineage", "end"),
    "basis": ("basis", "ledger-block", "lineage", "end"),
    "ledger-block": ("ledger-block", "lineage", "end"),
    "lineage": ("ledger-block", "lineage", "end"),
    "end": (),
}


def lines_of(data):
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def parse_line(data, is_first):
    """One line's object; the rule is BUN-1 but for what is no JSON in a bundle."""
    form(len(data) <= LINE_MAX, "BUN-1", "a line of at most 32 MiB")
    try:
        data.decode()
    except UnicodeDecodeError:
        refuse("BUN-1", "not UTF-8")
    try:
        line = parse(data)
    except Refused as refused:
        refuse("BUN-1" if is_first else refused.rule, refused.message)
    kind = line.get("type") if isinstance(line, dict) else None
    form(isinstance(kind, str) and (kind in KEYS or kind == "cosignature"), "BUN-1", "a line's type")
    if kind in KEYS:
        keys(line, "BUN-1", *KEYS[kind])
    for name in ("requests", "openings", "freezes", "headers", "records", "ordered", "cards"):
        form(isinstance(line.get(name, []), list), "BUN-1", f"a list of {name}")
    form(kind != "lineage" or line["freezes"], "BUN-1", "a FREEZE at least")
    if kind == "cosignature":
        form("lineage" not in line or is_integer(line["lineage"], 1), "BUN-1", "a lineage after the first")
    if kind in ("bundle", "basis", "end"):
        form(is_integer(line["height"], 1 if kind == "basis" else 0), "BUN-1", "a height")
    if kind == "bundle":
        form(line["version"] == 1 and is_hash(line["contract"]) and is_hash(line["exporter"]), "BUN-1", "a first line")
    return line


class Bundle:
    """
    One bundle, line by line. lineage: of the cosignatures; base: what the ledger's lineage began with, size and block; began:
    the members it began with; basis: what the ledger is begun with, if not its genesis.
    """

    def __init__(self):
        self.head = self.contract = self.chain = self.last = self.finality = None
        self.committed = 0
        self.lineage = 0
        self.base = self.began = None
        self.members = []
        self.arrivals = {}
        self.former, self.epoch_from = [], 0
        self.holders = self.ever_holders = None
        self.basis = None

    def take(self, data, number):
        place = f"line {number}"
        line = at(place, parse_line, data, self.head is None)
        kind = line["type"]
        if kind not in NEXT[self.last]:
            refuse("BUN-1", f"a line of type {kind} behind {self.last}", place)
        if kind in ("ledger-block", "lineage", "end") and self.last in ("genesis", "cosignature", "basis"):
            self._all_cosignatures()
        if kind == "bundle":
            self.head = line
        elif kind == "genesis":
            self._genesis(line)
        elif kind == "cosignature":
            self._cosignature({name: value for name, value in line.items() if name != "type"})
        elif kind == "basis":
            self.basis = self.basis or Basis(line["height"], self.chain)
            self.basis.add(line)
        elif kind == "ledger-block":
            self._block(line)
        elif kind == "lineage":
            at(f"lineage {self.chain.lineage + 1}", self._lineage, line)
        else:
            self._end(line, place)
        self.last = kind

    def _genesis(self, line):
        genesis = line["genesis"]
        members = genesis.get("members") if isinstance(genesis, dict) else None
        for index, member in enumerate(members if isinstance(members, list) else []):
            at(f"member {index + 1}", check_proven_card, member)
        if H("contract", genesis) != self.head["contract"]:
            refuse("GEN-1", "the genesis of another contract", "genesis")
        self.contract = at("genesis", Contract, genesis, line["openings"], self.head["exporter"])
        self.chain = Chain(self.contract)
        self.finality = Finality(self.contract)
        self.base, self.began = {"size": 1, "block": self.chain.hash}, self.contract.members
        self.members += self.contract.members
        self.holders = self.ever_holders = set(self.contract.members)

    def _cosignature(self, line):
        lineage = line.get("lineage", 0)
        value = {name: one for name, one in line.items() if name != "lineage"}
        party = value.get("party")
        place = f"cosignature of {party[:64] if isinstance(party, str) else 'nobody'}"
        if self.finality.cosignatures and lineage != self.lineage:
            refuse("BUN-1", "of another lineage than the others", place)
        self.lineage = lineage
        at(place, self.finality.add, value, lineage)

    def _all_cosignatures(self):
        if self.basis is not None:
            self._begin()
        here = self.chain.electorate()
        if self.lineage == 0:
            self._require_cosignatures(here["members"])
        self._require_sizes()
        self.epoch_from = self.basis.epochs[here["epoch"]] if self.basis else 0
        self.finality.begin_epoch(self.epoch_from, here)
        self._reached(here)

    def _begin(self):
        """BUN-4: the ledger goes on from its basis. Who was in before says nothing here, and nobody holds values of before."""
        self.basis.begin()
        self.committed = self.basis.height
        self.members = list(self.chain.electorate()["members"])
        self.holders = self.ever_holders = set()
        for party, epoch, _ in self.chain.state.epoch_record.get("arrived", []):
            self.arrivals[party] = self.basis.epochs[epoch] - 1

    def _require_sizes(self):
        for party, value in self.finality.cosignatures.items():
            if self.basis is not None and value["size"] <= self.basis.height:
                refuse("BUN-4", "without the block that the ledger begins with", f"cosignature of {party}")

    def _require_cosignatures(self, members):
        for party in members:
            if party not in self.finality.cosignatures:
                refuse("COS-3", "it is missing", f"cosignature of {party}")

    def _reached(self, electorate):
        """Compares the cosignatures of the size that the ledger now has, if they are of its lineage."""
        if self.chain.lineage != self.lineage:
            return
        here = {**checkpoint_of(self.chain.header, self.chain.log_root), "lineage": self.lineage}
        if self.finality.take(here, electorate):
            self.committed = self.chain.header["height"]

    def _block(self, line):
        height = self.chain.header["height"] + 1
        certificates = {kind: line[kind] for kind in ("notarization", "finalization") if kind in line}
        electorate = self.chain.electorate()
        block_place = f"ledger block {height}"
        at(block_place, self.chain.extend, line["block"], line["requests"], line["openings"], certificates)
        if self.chain.is_committed:
            self.committed = height
        self._reached(electorate)
        if self.chain.begins_epoch:
            after = self.chain.electorate()
            self.former.append({**electorate, "first_height": self.epoch_from})
            self.epoch_from = height + 1
            self.finality.begin_epoch(height + 1, after)
            self.members += [party for party in after["members"] if party not in self.members]
            self._arrived(after, height)

    def _arrived(self, after, height):
        """EPO-13: who is given the values of before, while somebody is in who holds them."""
        record = self.chain.state.epoch_record
        come = [one for one in record.get("arrived", []) if one[1] == after["epoch"]]
        for party, _, _ in come:
            self.arrivals[party] = height
        observers = [party for party, _ in record.get("observers", [])]
        self.holders = {party for party in record["members"] + observers if party in self.holders}
        if self.holders:
            self.holders |= {party for party, _, older in come if older}
        self.ever_holders = self.ever_holders | self.holders

    def _lineage(self, line):
        """LIN-3, of the lineage that begins with the last block."""
        chain, before = self.chain, self.chain.electorate()
        lineage, guilty = resolve(
            line["freezes"],
            {**before, "first_height": self.epoch_from, "base": self.base, "former": self.former},
        )
        if line["lineage"] != lineage:
            refuse("LIN-3", "not what its FREEZEs lead to")
        if lineage["tip"] != {"size": len(chain.leaves), "block": chain.hash}:
            refuse("LIN-3", "it begins with another block")
        chain.lineage += 1
        chain.left_out = chain.left_out + guilty
        self.base, self.began = lineage["tip"], lineage["members"]
        if chain.lineage == self.lineage:
            self.finality.begin_epoch(chain.header["height"], chain.electorate())
            self._reached(chain.electorate())

    def _end(self, line, place):
        height = self.chain.header["height"]
        if line["height"] != height or self.head["height"] != height:
            refuse("BUN-1", "another height", place)
        if self.lineage != self.chain.lineage:
            refuse("BUN-1", "the cosignatures are of another lineage", place)
        if self.lineage > 0:
            now = self.chain.electorate()["members"]
            self._require_cosignatures([party for party in self.began if party in now])
        self._require_openings()
        for party in self.finality.cosignatures:
            if party not in self.finality.reached:
                refuse("BUN-2", "on more than the file holds", f"cosignature of {party}")
        if self.basis is not None and self.finality.final_size() <= self.basis.height:
            refuse("BUN-4", "what it begins with is not final", self.basis.place)
        if self.committed < height:
            refuse("ORD-7", "nobody has committed it", f"ledger block {self.committed + 1}")

    def _require_openings(self):
        """BUN-1: only who came in and was not due those of before lacks any, up to its turn."""
        missing = self.contract.missing + self.chain.missing
        exporter = self.head["exporter"]
        was_due = exporter not in self.arrivals or exporter in self.ever_holders
        if missing and (was_due or missing[-1][0] > self.arrivals[exporter]):
            refuse("VAL-2", "an opening is missing", missing[0][1])

    def report(self, trusted, from_checkpoint):
        """BUN-2 to BUN-4, of a bundle that holds. from_checkpoint: the members' word will do for what was before one."""
        size, final, keys = self.finality.final()
        sizes = {party: self.finality.size_of(party) for party in self.members}
        is_taken = self.basis is None or from_checkpoint
        found = {
            "verdict": "valid" if set(sizes) <= set(trusted) and is_taken else "unidentified",
            "contract": self.contract.id,
            "height": size - 1,
            "tentativeHeights": self.chain.header["height"] - size + 1,
            "stateRoot": final["stateRoot"],
        }
        if self.basis is not None:
            found["basisHeight"] = self.basis.height
        counted = [value for party, value in self.finality.cosignatures.items() if party in keys]
        if all(value["size"] == size for value in counted):
            found["checkpoint"] = to_note(final, counted, keys)
        if self.chain.lineage > 0:
            found["lineage"], found["leftOut"] = self.chain.lineage, self.chain.left_out
        found["members"] = [
            {"party": party, "cosignedSize": one, "identified": party in trusted} for party, one in sizes.items()
        ]
        return found


def check_bundle(data, trusted, from_checkpoint=False):
    bundle = Bundle()
    lines = lines_of(data)
    try:
        for number, line in enumerate(lines, 1):
            bundle.take(line, number)
        if bundle.last != "end":
            refuse("BUN-1", "cut off", f"line {len(lines) + 1}")
    except Refused as refused:
        refused.verdict = "unreadable" if bundle.head is None else "invalid"
        raise
    return bundle.report(trusted, from_checkpoint)
