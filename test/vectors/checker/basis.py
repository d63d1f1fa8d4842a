"""PROTOCOL.md BUN-4 and EPO-15: what a ledger is begun with that is not held from its genesis on."""

from blocks import check_header_form
from encoding import H, at, form, is_hash, is_hex, is_list, is_time, refuse
from identity import check_proven_card
from state import State
from values import check_opening


def is_pair(value):
    return is_list(value, 2, 2)


class Basis:
    """
    The parts of its lines, in their order. chain: at block 0 at first, then at the last header there is. epochs: height of
    the first block of each.
    """

    def __init__(self, height, chain):
        self.height = height
        self.place = f"ledger block {height}"
        self.chain = chain
        self.epochs = [0]
        self.records, self.openings, self.ordered, self.cards = [], [], [], []

    def add(self, line):
        if line["height"] != self.height:
            refuse("BUN-4", "another height than in the line before", self.place)
        for header in line["headers"]:
            at(f"ledger block {self.chain.header['height'] + 1}", self._follow, header)
        for pair in line["records"]:
            is_record = is_pair(pair) and is_hex(pair[0], 16) and isinstance(pair[1], dict)
            at(self.place, form, is_record, "BUN-4", "a UID with its record")
        for pair in line["ordered"]:
            is_id = is_pair(pair) and is_hash(pair[0]) and is_time(pair[1])
            at(self.place, form, is_id, "BUN-4", "a request's id with its notAfterMs")
        self.records += line["records"]
        self.ordered += line["ordered"]
        self.openings += [
            (at(self.place, check_opening, value), value.get("of")) for value in line["openings"]
        ]
        self.cards += line["cards"]

    def _follow(self, header):
        check_header_form(header)
        self.chain.follow(header)
        if header["epoch"] == len(self.epochs):
            self.epochs.append(header["height"])

    def begin(self):
        """All of it is there: the chain goes on from here."""
        at(self.place, self._take_state)

    def _take_state(self):
        contract, header = self.chain.contract, self.chain.header
        if header["height"] != self.height:
            refuse("BUN-4", f"its headers end with {header['height']}")
        records = dict(self.records)
        state = State(contract.id, records, contract.state.genesis_cards)
        if len(records) < len(self.records) or state.root() != header["stateRoot"]:
            refuse("STA-1", "its records do not give the state root")
        if state.epoch_record["epoch"] != header["epoch"]:
            refuse("BUN-4", "it ends an epoch")
        self._check_cards(state.epoch_record)
        self._check_openings(records)
        self.chain.begin(state, {request_id for request_id, _ in self.ordered})

    def _check_openings(self, records):
        """VAL-2 and VAL-4: of every value that everybody may see, and of nothing else; of private ones maybe, each as its field's."""
        opened = dict(self.openings)
        holding = {uid: record for uid, record in records.items() if "value" in record}
        public = {record["value"] for record in holding.values() if "readers" not in record}
        if public - set(opened) or set(opened) - {record["value"] for record in holding.values()}:
            refuse("VAL-2", "an opening is missing, or of something else")
        for uid, record in holding.items():
            if "readers" in record and opened.get(record["value"], uid) != uid:
                refuse("VAL-4", "a private value as that of another field")

    def _check_cards(self, record):
        """CARD-2: those in force, and in open changes, that the genesis lacks."""
        proven = {check_proven_card(value)[1] for value in self.cards}
        newer = record.get("newer", []) + [change["card"] for change in record.get("changes", []) if "card" in change]
        if not {H("card", card) for card in newer} <= proven:
            refuse("CARD-2", "a card is not proved")
