"""PROTOCOL.md section 5: ledger blocks, each behind the one before."""

import re

from changes import author_key_of
from encoding import H, at, form, is_hash, is_integer, is_list, is_time, jcs, keys, refuse
from merkle import leaf_hash, log_leaf, tree_root
from request import (
    MEBIBYTE,
    check_in_time,
    check_openings,
    check_openings_size,
    check_signed_request,
    commitments_of,
    size_of,
)

HASHES = "contract parent entriesRoot stateRoot logRoot"
NUMBERS = "lineage epoch height view"


def check_block_form(block):
    """BLK-1 and BLK-2."""
    keys(block, "BLK-1", "header entries")
    header, entries = block["header"], block["entries"]
    keys(header, "BLK-1", f"{HASHES} {NUMBERS} timeMs")
    form(all(is_hash(header[name]) for name in HASHES.split()), "BLK-1", "hashes")
    form(all(is_integer(header[name], 0) for name in NUMBERS.split()), "BLK-1", "numbers")
    form(is_time(header["timeMs"]), "BLK-1", "a time")
    form(is_list(entries, 0, 1024), "BLK-2", "at most 1,024 entries")
    for entry in entries:
        keys(entry, "BLK-2", "kind request outcome", "code")
        form(entry["kind"] == "request" and is_hash(entry["request"]), "BLK-2", "an entry of a request")
        form(entry["outcome"] in ("accepted", "conflicted", "rejected"), "BLK-2", "an outcome")
        form(("code" in entry) == (entry["outcome"] != "accepted"), "BLK-2", "a code with every outcome but accepted")
        code = entry.get("code", "aa")
        form(isinstance(code, str) and re.fullmatch("[a-z][a-z-]{1,39}", code), "BLK-2", "a code")


class Chain:
    """A contract's ledger from block 0 on: its state, its log, and the ids of requests that stand in it."""

    def __init__(self, contract):
        self.contract = contract
        self.header = contract.header
        self.state = contract.state
        self.ordered = set()
        self.leaves = [log_leaf(H("ledger-block", self.header))]

    @property
    def hash(self):
        return H("ledger-block", self.header)

    @property
    def log_root(self):
        return tree_root(self.leaves)

    def author_key_of(self, body):
        return author_key_of(body, self.contract.keys["author"], {}, {})

    def extend(self, block, requests, openings):
        """Takes the next block, with its requests in the order of its entries. Returns outcomes and effects."""
        check_block_form(block)
        header, entries = block["header"], block["entries"]
        place = f"ledger block {header['height']}"
        self._check_header(header, place)
        bodies, sizes = self._check_requests(header, entries, requests, openings, place)
        state, effects = self.state, []
        for entry, (body, opened) in zip(entries, bodies):
            state, outcome, code, changed = state.apply(body["operations"], opened)
            effects.append(changed)
            if (entry["outcome"], entry.get("code")) != (outcome, code):
                found = f"it was {outcome} ({code})"
                refuse("REQ-4", found, f"request {entry['request']} in {place}")
        if sizes > 16 * MEBIBYTE:
            refuse("BLK-2", "requests and openings of more than 16 MiB", place)
        leaves = [leaf_hash(jcs({**entry, "effects": changed})) for entry, changed in zip(entries, effects)]
        if tree_root(leaves) != header["entriesRoot"]:
            refuse("BLK-2", "another entries root", place)
        if state.root() != header["stateRoot"]:
            refuse("STA-1", "another state root", place)
        self.header, self.state = header, state
        self.ordered |= {entry["request"] for entry in entries}
        self.leaves.append(log_leaf(self.hash))
        return [entry.get("code", entry["outcome"]) for entry in entries], effects

    def _check_header(self, header, place):
        before = self.header
        for name in ("contract", "lineage", "epoch"):
            if header[name] != before[name]:
                refuse("BLK-1", f"another {name}", place)
        if header["height"] != before["height"] + 1:
            refuse("BLK-4", "not the next height", place)
        if header["parent"] != self.hash:
            refuse("BLK-4", "another parent", place)
        for name in ("timeMs", "view"):
            if header[name] <= before[name]:
                refuse("BLK-4", f"no later {name}", place)
        if header["logRoot"] != self.log_root:
            refuse("LOG-1", "another log root", place)

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
        needed = set().union(*(commitments_of(body["operations"]) for body in bodies))
        opened = at(place, check_openings, openings, needed)
        sizes = 0
        for entry, body in zip(entries, bodies):
            here = f"request {entry['request']} in {place}"
            sizes += size_of(body) + at(here, check_openings_size, body["operations"], opened)
        return [(body, opened) for body in bodies], sizes
