"""PROTOCOL.md section 5 and EPO-11: ledger blocks, each behind the one before."""

import re

from certificates import check_certificate
from changes import author_key_of, epoch_operation_of
from checkpoints import checkpoint_of
from encoding import H, at, form, is_hash, is_hex, is_integer, is_list, is_time, jcs, keys, refuse
from epoch import cards_in_force
from judgements import Given, check_judgement_form, check_receipts, check_signed, revealed_in, size_of_judgements
from merkle import leaf_hash, log_leaf, tree_root
from policies import quorum_of
from request import (
    MEBIBYTE,
    check_in_time,
    check_openings,
    check_openings_size,
    check_signed_request,
    commitments_of,
    private_in,
    size_of,
)
from turns import check_turn_form, tick, turn

HASHES = "contract parent entriesRoot stateRoot logRoot"
NUMBERS = "lineage epoch height view"
# REQ-8: what stands against a request, and what that is about.
ABOUT = ("rule", "element")


def check_block_form(block):
    """BLK-1 and BLK-2."""
    keys(block, "BLK-1", "header entries")
    check_header_form(block["header"])
    entries = block["entries"]
    form(is_list(entries, 0, 1024), "BLK-2", "at most 1,024 entries")
    for entry in entries:
        check_entry_form(entry)
    for kind, rule in (("turn", "BLK-3"), ("tick", "EPO-14")):
        form(len(entries) == 1 or kind not in [entry["kind"] for entry in entries], rule, "alone in its block")


def check_header_form(header):
    keys(header, "BLK-1", f"{HASHES} {NUMBERS} timeMs")
    form(all(is_hash(header[name]) for name in HASHES.split()), "BLK-1", "hashes")
    form(all(is_integer(header[name], 0) for name in NUMBERS.split()), "BLK-1", "numbers")
    form(is_time(header["timeMs"]), "BLK-1", "a time")


def check_entry_form(entry):
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind == "turn":
        check_turn_form(entry)
    elif kind == "tick":
        keys(entry, "BLK-2", "kind")
    else:
        keys(entry, "BLK-2", "kind request outcome", "code judgement rule element")
        form(all(is_hex(entry.get(name, "0" * 32), 16) for name in ABOUT), "BLK-2", "UIDs")
        form(entry["outcome"] != "accepted" or not set(ABOUT) & set(entry), "BLK-2", "named by what is not accepted")
        form(kind == "request" and is_hash(entry["request"]), "BLK-2", "an entry of a request")
        form(entry["outcome"] in ("accepted", "conflicted", "rejected"), "BLK-2", "an outcome")
        form(("code" in entry) == (entry["outcome"] != "accepted"), "BLK-2", "a code with every outcome but accepted")
        code = entry.get("code", "aa")
        form(isinstance(code, str) and re.fullmatch("[a-z][a-z-]{1,39}", code), "BLK-2", "a code")
        if "judgement" in entry:
            check_judgement_form(entry["judgement"])


class Chain:
    """
    A contract's ledger from block 0 on: its state, its log, and the ids of requests that stand in it. lineage and left_out:
    of the next block, and who is out of that lineage; begins_epoch: the last block was a turn; is_committed: its COMMIT
    stands beside it.
    """

    def __init__(self, contract):
        self.contract = contract
        self.header = contract.header
        self.state = contract.state
        self.ordered = set()
        self.leaves = [log_leaf(H("ledger-block", self.header))]
        self.points = [self._point()]
        self.lineage, self.left_out = 0, []
        self.begins_epoch = self.is_committed = False
        self.missing = []

    @property
    def hash(self):
        return H("ledger-block", self.header)

    @property
    def log_root(self):
        return tree_root(self.leaves)

    def _point(self):
        here = checkpoint_of(self.header, self.log_root)
        return {name: value for name, value in here.items() if name not in ("contract", "lineage")}

    def holds(self, point):
        return 1 <= point["size"] <= len(self.points) and self.points[point["size"] - 1] == point

    def electorate(self):
        """Who orders and cosigns the next block: members in order, quorum, and keys by party and use. Observers apart."""
        record = self.state.epoch_record
        cards = cards_in_force(record, self.state.genesis_cards)
        members = [party for party in record["members"] if party not in self.left_out]
        observers = [party for party, _ in record.get("observers", []) if party not in self.left_out]
        found = {"contract": self.contract.id, "lineage": self.lineage, "epoch": record["epoch"], "members": members}
        found["quorum"] = quorum_of(record["policy"]["quorum"], len(members))
        found["observers"] = {party: cards[party]["keys"] for party in observers}
        for use in ("author", "vote", "cosign"):
            found[use] = {party: cards[party]["keys"][use] for party in members}
        former = record.get("former", [])
        for place, use in ((1, "vote"), (2, "cosign")):
            found[f"ever_{use}"] = {
                party: [key] + [one[place] for one in former if one[0] == party] for party, key in found[use].items()
            }
        return found

    def author_key_of(self, body):
        """EPO-2, by the state before the block. A lapsed invitation counts for as long as it stands in the record."""
        here = self.electorate()
        observers = {party: keys["author"] for party, keys in here["observers"].items()}
        changes = self.state.epoch_record.get("changes", [])
        invited = {
            change["change"]: (change["party"], change["card"]["keys"]["author"])
            for change in changes
            if change["op"] == "invite" and change["party"] not in self.left_out
        }
        return author_key_of(body, here["author"], observers, invited)

    def extend(self, block, requests, openings, certificates=None):
        """
        Takes the next block, with its requests in the order of its entries, and its certificates by kind, if any. Returns
        outcomes and effects.
        """
        check_block_form(block)
        header, entries = block["header"], block["entries"]
        place = f"ledger block {header['height']}"
        self._check_header(header, place)
        kind = entries[0]["kind"] if entries else "request"
        if kind == "request":
            state, effects = self._execute(header, entries, requests, openings, place)
        else:
            if requests or openings:
                refuse("BLK-3" if kind == "turn" else "EPO-14", "requests or openings stand beside it", place)
            record = at(place, self._epoch_record_after, header, entries[0])
            state, changed = self.state.with_epoch_record(record)
            effects = [changed]
        leaves = [leaf_hash(jcs({**entry, "effects": changed})) for entry, changed in zip(entries, effects)]
        if tree_root(leaves) != header["entriesRoot"]:
            refuse("BLK-2", "another entries root", place)
        if state.root() != header["stateRoot"]:
            refuse("STA-1", "another state root", place)
        is_turn = kind == "turn"
        self.is_committed = at(place, self._check_commit, certificates or {}, header, is_turn)
        self.state, self.begins_epoch = state, is_turn
        self.ordered |= {entry["request"] for entry in entries if "request" in entry}
        self._append(header)
        outcomes = [entry.get("code", entry["outcome"]) for entry in entries if "outcome" in entry]
        return outcomes, effects

    def follow(self, header):
        """BLK-4, of a header alone: a basis has no more of the blocks before it (BUN-4)."""
        before = self.header
        is_same = header["contract"] == before["contract"] and header["lineage"] == before["lineage"]
        is_next = header["height"] == before["height"] + 1 and header["epoch"] - before["epoch"] in (0, 1)
        is_later = header["timeMs"] > before["timeMs"] and header["view"] > before["view"]
        is_behind = header["parent"] == self.hash and header["logRoot"] == self.log_root
        if not (is_same and is_next and is_later and is_behind):
            refuse("BLK-4", "it does not follow the header before")
        self._append(header)

    def begin(self, state, ordered):
        """The ledger begins with the last of these headers: this is the state after it, and what had been ordered."""
        self.state, self.ordered = state, ordered

    def _append(self, header):
        self.header = header
        self.leaves.append(log_leaf(self.hash))
        self.points.append(self._point())

    def _place(self, header):
        place = {"height": header["height"], "timeMs": header["timeMs"], "holds": self.holds}
        return {**place, "lineage": self.lineage, "leftOut": self.left_out}

    def _epoch_record_after(self, header, entry):
        if entry["kind"] == "tick":
            return tick(self.state, header["timeMs"])
        return turn(self.state, entry, self._place(header))

    def _execute(self, header, entries, requests, openings, place):
        bodies, sizes = self._check_requests(header, entries, requests, openings, place)
        state, effects = self.state, []
        here = self.electorate()
        for entry, (body, _) in zip(entries, bodies):
            where = f"request {entry['request']} in {place}"
            at(where, check_receipts, entry, body["operations"], here["members"])
            at(where, check_signed, entry, here)
        for entry, (body, opened) in zip(entries, bodies):
            on_epoch = epoch_operation_of(body)
            about = None
            if on_epoch:
                asked = (on_epoch, entry["request"], body["author"], self._place(header))
                state, outcome, code, changed = state.apply_on_epoch(*asked)
            elif entry["outcome"] != "accepted" and commitments_of(body["operations"]) - set(opened):
                outcome, code, changed = entry["outcome"], entry["code"], []
            else:
                given = Given(entry.get("judgement", []), here["members"], opened)
                asked = (body["operations"], opened, given)
                state, outcome, code, changed = at(f"request {entry['request']} in {place}", state.apply, *asked)
                about = given.about
            effects.append(changed)
            if (entry["outcome"], entry.get("code")) != (outcome, code):
                refuse("REQ-4", f"it was {outcome} ({code})", f"request {entry['request']} in {place}")
            if about is not None and {name: entry[name] for name in ABOUT if name in entry} != about:
                refuse("RUL-7", f"it is about {about}", f"request {entry['request']} in {place}")
        if sizes > 16 * MEBIBYTE:
            refuse("BLK-2", "requests and openings of more than 16 MiB", place)
        if size_of_judgements(entries) > 4 * MEBIBYTE:
            refuse("BLK-2", "judgements of more than 4 MiB", place)
        return state, effects

    def _check_commit(self, certificates, header, is_turn):
        """ORD-1 and EPO-11, of the certificates beside a block. Returns whether they are its COMMIT."""
        block_hash, views = H("ledger-block", header), set()
        for kind, certificate in certificates.items():
            statement = check_certificate(certificate, self.electorate())
            if certificate["kind"] != kind:
                refuse("ORD-1", "of another kind")
            is_later = is_turn and statement["view"] > header["view"]
            if statement["block"] != block_hash or statement["view"] != header["view"] and not is_later:
                refuse("ORD-1", "of another block or view")
            views.add(statement["view"])
        if len(views) > 1:
            refuse("ORD-1", "of two views")
        return len(certificates) == 2

    def _check_header(self, header, place):
        before = self.header
        if header["contract"] != before["contract"]:
            refuse("BLK-1", "another contract", place)
        if header["lineage"] != self.lineage:
            refuse("BLK-1", "another lineage", place)
        if header["epoch"] != self.state.epoch_record["epoch"]:
            refuse("EPO-11" if self.begins_epoch else "BLK-1", "another epoch", place)
        if header["height"] != before["height"] + 1:
            refuse("BLK-4", "not the next height", place)
        if header["parent"] != self.hash:
            refuse("BLK-4", "another parent", place)
        for name in ("timeMs", "view"):
            if header[name] <= before[name]:
                refuse("BLK-4", f"no later {name}", place)
        if header["logRoot"] != self.log_root:
            refuse("LOG-1", "another log root", place)
        if self.begins_epoch and not self.is_committed:
            refuse("EPO-11", "its parent ended an epoch and is not committed", place)

    def _check_requests(self, header, entries, requests, openings, place):
        """Each entry's request body with the openings, and the size of all that."""
        seen, bodies = set(self.ordered), []
        for index, entry in enumerate(entries):
            here = f"request {entry['request']} in {place}"
            if entry["request"] in seen:
                refuse("REQ-5", "it has been ordered before", here)
            seen.add(entry["request"])
            if index >= len(requests):
                refuse("REQ-1", "it is missing", here)
            signed = requests[index]
            body = signed.get("request") if isinstance(signed, dict) else None
            if H("request", body) != entry["request"]:
                refuse("REQ-1", "another request stands in its place", here)
            at(here, check_signed_request, signed, self.contract.id, self.author_key_of)
            at(here, check_in_time, body, entry["request"], header["timeMs"], self.ordered)
            bodies.append(body)
        if len(requests) > len(entries):
            refuse("BLK-2", "a request without an entry", place)
        operations = [operation for body in bodies for operation in body["operations"]]
        needed = commitments_of(operations).union(*map(revealed_in, entries))
        opened = at(place, check_openings, openings, needed, self.contract.may_lack, private_in(operations))
        if needed - set(opened):
            self.missing.append((header["height"], place))
        sizes = 0
        for entry, body in zip(entries, bodies):
            here = f"request {entry['request']} in {place}"
            sizes += size_of(body) + at(here, check_openings_size, body["operations"], opened, revealed_in(entry))
        return [(body, opened) for body in bodies], sizes
