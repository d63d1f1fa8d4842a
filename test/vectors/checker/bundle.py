"""PROTOCOL.md section 11: whole bundles, line by line."""

from blocks import Chain
from checkpoints import check_cosignature, check_counts, checkpoint_of, to_note
from encoding import H, Refused, at, form, is_hash, is_integer, keys, parse, refuse
from genesis import Contract
from identity import check_proven_card

LINE_MAX = 32 * 1024 * 1024
KEYS = {
    "bundle": ("type version contract exporter height", ""),
    "genesis": ("type genesis openings", ""),
    "ledger-block": ("type block requests openings", "notarization finalization"),
    "end": ("type height", ""),
}
NEXT = {
    None: ("bundle",),
    "bundle": ("genesis",),
    "genesis": ("cosignature", "ledger-block", "end"),
    "cosignature": ("cosignature", "ledger-block", "end"),
    "ledger-block": ("ledger-block", "end"),
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
    for name in ("requests", "openings"):
        form(isinstance(line.get(name, []), list), "BUN-1", f"a list of {name}")
    if kind in ("bundle", "end"):
        form(is_integer(line["height"], 0), "BUN-1", "a height")
    if kind == "bundle":
        form(line["version"] == 1 and is_hash(line["contract"]) and is_hash(line["exporter"]), "BUN-1", "a first line")
    return line


class Bundle:
    def __init__(self):
        self.head = self.contract = self.chain = self.last = None
        self.cosignatures = {}
        self.reached = set()
        self.committed = 0
        self.final = None

    def take(self, data, number):
        place = f"line {number}"
        line = at(place, parse_line, data, self.head is None)
        kind = line["type"]
        if kind not in NEXT[self.last]:
            refuse("BUN-1", f"a line of type {kind} behind {self.last}", place)
        if kind in ("ledger-block", "end") and self.last in ("genesis", "cosignature"):
            self._all_cosignatures()
        if kind == "bundle":
            self.head = line
        elif kind == "genesis":
            self._genesis(line)
        elif kind == "cosignature":
            self._cosignature({name: value for name, value in line.items() if name != "type"})
        elif kind == "ledger-block":
            self._block(line)
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
        self.contract = at("genesis", Contract, genesis, line["openings"])
        self.chain = Chain(self.contract)

    def _cosignature(self, value):
        party = value.get("party")
        place = f"cosignature of {party[:64] if isinstance(party, str) else 'nobody'}"
        at(place, check_cosignature, value, self.contract.id, 0, self.contract.keys["cosign"])
        if party in self.cosignatures:
            refuse("BUN-1", "a second one", place)
        self.cosignatures[party] = value

    def _all_cosignatures(self):
        for party in self.contract.members:
            if party not in self.cosignatures:
                refuse("COS-3", "it is missing", f"cosignature of {party}")
        self._compare_cosignatures()

    def _compare_cosignatures(self):
        """Of those whose size the ledger now has."""
        header = self.chain.header
        here = checkpoint_of(header, self.chain.log_root)
        for party, value in self.cosignatures.items():
            if value["size"] == here["size"]:
                at(f"ledger block {header['height']}", check_counts, value, here)
                self.reached.add(party)
                self.committed = header["height"]
        if here["size"] == min(value["size"] for value in self.cosignatures.values()):
            self.final = here

    def _block(self, line):
        place = f"ledger block {self.chain.header['height'] + 1}"
        certificates = {kind: line[kind] for kind in ("notarization", "finalization") if kind in line}
        at(place, self.chain.extend, line["block"], line["requests"], line["openings"], certificates)
        if self.chain.is_committed:
            self.committed = self.chain.header["height"]
        self._compare_cosignatures()

    def _end(self, line, place):
        height = self.chain.header["height"]
        if line["height"] != height or self.head["height"] != height:
            refuse("BUN-1", "another height", place)
        for party in self.cosignatures:
            if party not in self.reached:
                refuse("BUN-2", "on more than the file holds", f"cosignature of {party}")
        if self.committed < height:
            refuse("ORD-7", "nobody has committed it", f"ledger block {self.committed + 1}")

    def report(self, trusted):
        """BUN-2 and BUN-3, of a bundle that holds."""
        sizes = {party: self.cosignatures[party]["size"] for party in self.contract.members}
        height = min(sizes.values()) - 1
        found = {
            "verdict": "valid" if set(sizes) <= set(trusted) else "unidentified",
            "contract": self.contract.id,
            "height": height,
            "tentativeHeights": self.chain.header["height"] - height,
            "stateRoot": self.final["stateRoot"],
        }
        if len(set(sizes.values())) == 1:
            found["checkpoint"] = to_note(self.final, self.cosignatures.values(), self.contract.keys["cosign"])
        found["members"] = [
            {"party": party, "cosignedSize": size, "identified": party in trusted} for party, size in sizes.items()
        ]
        return found


def check_bundle(data, trusted):
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
    return bundle.report(trusted)
