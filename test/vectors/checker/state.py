"""PROTOCOL.md sections 3 and 4: what a contract's state is, and what requests do to it."""

import epoch
from encoding import H
from epoch import CannotChange, Step
from merkle import map_root
from values import is_of_type

DEPTH_MAX = 64
NO_VALUE = "0" * 64
CONFLICTS = ("parent-gone", "element-gone", "stale-version", "wrong-readers", "judgement-outdated")


class CannotBeDone(Exception):
    def __init__(self, code, **about):
        """about: the UIDs of what stands against it, and of what it is about, where its entry names them (REQ-8)."""
        super().__init__(code)
        self.code, self.about = code, about


def uid_of(purpose, contract):
    """ELE-1: of the root block or the epoch record."""
    return H("meta", (purpose + contract).encode())[:32]


class State:
    """
    Records by UID; the epoch record has no kind. genesis_cards: by hash. A copy costs as much as the state: it is for small
    ones.
    """

    def __init__(self, contract, records, genesis_cards):
        self.contract = contract
        self.genesis_cards = genesis_cards
        self.root_uid = uid_of("root", contract)
        self.epoch_uid = uid_of("epoch", contract)
        self.kept_uids = (uid_of("workflow", contract), uid_of("settlement", contract))
        self.records = records

    @classmethod
    def empty(cls, contract, epoch_record, genesis_cards):
        state = cls(contract, {}, genesis_cards)
        state.records[state.root_uid] = {"kind": "block", "name": "", "order": "0", "parent": "0" * 32}
        state.records[state.epoch_uid] = epoch_record
        return state

    @property
    def epoch_record(self):
        return self.records[self.epoch_uid]

    def copy(self):
        other = object.__new__(State)
        other.__dict__ = {**self.__dict__, "records": dict(self.records)}
        return other

    def hash_of(self, uid):
        """ELE-2, STA-2."""
        record = self.records[uid]
        return H("meta" if uid == self.epoch_uid else "element", record)

    def root(self):
        return map_root({uid: self.hash_of(uid) for uid in self.records})

    def below(self, uid):
        """The UIDs of an element and of all below it."""
        found = [uid]
        for parent in found:
            found += [one for one, record in self.records.items() if record.get("parent") == parent]
        return found

    def depth(self, uid):
        depth = 0
        while uid != self.root_uid:
            uid, depth = self.records[uid]["parent"], depth + 1
        return depth

    def seen(self, uid):
        """REQ-3: what `seen` must be."""
        record = self.records[uid]
        if record["kind"] == "field":
            return record.get("value", NO_VALUE)
        return H("subtree", [[one, self.hash_of(one)] for one in sorted(self.below(uid))])

    def do(self, operation, opened, given):
        """
        REQ-7, but for the types of values that are not opened. Of private ones those say the type who judge (JUD-2). Raises
        CannotBeDone; what is done then counts for nothing.
        """
        if "readers" in operation:
            code = given.type_fault(operation) if given else "no-judge"
            if code == "wrong-type":
                raise CannotBeDone(code)
            if code is not None:
                raise CannotBeDone(code, rule=operation["uid"], element=operation["uid"])
        elif "value" in operation and operation["value"] in opened:
            opening = opened[operation["value"]]
            if "of" in opening or not is_of_type(opening["value"], operation["type"]):
                raise CannotBeDone("wrong-type")
        self._do(operation)
        # RUL-4: no rule is there that would make a value private.
        if "readers" in operation:
            raise CannotBeDone("wrong-readers", element=operation["uid"])

    def _do(self, operation):
        uid, op, records = operation["uid"], operation["op"], self.records
        if op == "create":
            parent = operation["parent"]
            if uid in records or uid in self.kept_uids:
                raise CannotBeDone("uid-in-use")
            if parent not in records:
                raise CannotBeDone("parent-gone")
            if records[parent].get("kind") not in ("block", "list"):
                raise CannotBeDone("not-a-block")
            if self.depth(parent) >= DEPTH_MAX:
                raise CannotBeDone("too-deep")
            records[uid] = {key: value for key, value in operation.items() if key not in ("op", "uid")}
            return
        if op == "delete" and uid in (self.root_uid, self.epoch_uid):
            raise CannotBeDone("root-undeletable")
        if uid not in records:
            raise CannotBeDone("element-gone")
        if op == "set" and records[uid].get("kind") != "field":
            raise CannotBeDone("not-a-field")
        if self.seen(uid) != operation["seen"]:
            raise CannotBeDone("stale-version")
        if op == "set":
            place = {key: value for key, value in records[uid].items() if key not in ("type", "value", "readers")}
            records[uid] = {**place, **{key: operation[key] for key in ("type", "value") if key in operation}}
        else:
            for one in self.below(uid):
                del records[one]

    def with_epoch_record(self, record):
        """The state after, and the effects."""
        after = self.copy()
        after.records[self.epoch_uid] = record
        return after, self.effects_to(after)

    def effects_to(self, after):
        """BLK-2."""
        uids = sorted({*self.records, *after.records})
        changed = [uid for uid in uids if self.records.get(uid) != after.records.get(uid)]
        return [[uid, after.hash_of(uid) if uid in after.records else None] for uid in changed]

    def apply(self, operations, opened, given=None):
        """REQ-4. Returns the state after, the outcome, its code or None, and the effects. given: what is judged of it."""
        after = self.copy()
        try:
            for operation in operations:
                after.do(operation, opened, given)
            if given and given.has_more:
                raise CannotBeDone("judgement-outdated")
        except CannotBeDone as fault:
            if given:
                given.about = fault.about
            return self, "conflicted" if fault.code in CONFLICTS else "rejected", fault.code, []
        return after, "accepted", None, self.effects_to(after)

    def apply_on_epoch(self, operation, request_id, author, place):
        """EPO-4, of the one operation of a request on the epoch."""
        try:
            record = Step(self, request_id, author, place).record_after(operation)
        except CannotChange as fault:
            return self, "conflicted" if fault.code in epoch.CONFLICTS else "rejected", fault.code, []
        after, effects = self.with_epoch_record(record)
        return after, "accepted", None, effects
