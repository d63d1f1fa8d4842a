"""PROTOCOL.md EPO-3 to EPO-6: the epoch record, and what each operation on the epoch does to it."""

from changes import party_of
from encoding import H
from evidence import holds, place_of
from policies import quorum_of

CONFLICTS = (
    "already-in card-outdated change-decided change-gone epoch-full last-member leaving not-in policy-open too-many-changes"
).split()
MEMBERS_MAX = 256
OPEN_MAX = 4
LIFETIME_MAX_MS = 180 * 24 * 3600 * 1000


class CannotChange(Exception):
    """Of several things wrong the one that EPO-4 names first."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def cards_in_force(record, genesis_cards):
    """By party, members first. genesis_cards: by hash."""
    by_hash = {**genesis_cards, **{H("card", card): card for card in record.get("newer", [])}}
    pairs = [*zip(record["members"], record["cards"]), *record.get("observers", [])]
    return {party: by_hash[card_hash] for party, card_hash in pairs}


def is_lapsed(change, time_ms):
    """EPO-6."""
    return change.get("expiresMs", time_ms) < time_ms


def departing(changes):
    return {change["party"] for change in changes if change["op"] in ("leave", "remove")}


def with_changes(record, changes):
    rest = {key: value for key, value in record.items() if key != "changes"}
    return {**rest, "changes": changes} if changes else rest


def is_let_in(record, change, changes):
    """EPO-5: whether everybody whose yes it takes has said so."""
    gone = departing(changes)
    staying = [party for party in record["members"] if party not in gone]
    yes = set(change["yes"])
    admit = "every" if change["op"] == "policy" else record["policy"]["admission"]["admit"]
    if admit == "quorum":
        return len(yes.intersection(staying)) >= quorum_of(record["policy"]["quorum"], len(staying))
    return yes >= set(asked(record, change, staying))


def asked(record, change, staying):
    """Whose own yes a change takes, where it isn't any quorum's."""
    admit = "every" if change["op"] == "policy" else record["policy"]["admission"]["admit"]
    named = [party for party in staying if party in admit] if isinstance(admit, list) else []
    return named or staying


class Step:
    """One operation on the epoch. place: height and timeMs of its block, and `holds`, whether the ledger had a checkpoint."""

    def __init__(self, state, request_id, author, place):
        self.state, self.record, self.place = state, state.epoch_record, place
        self.id, self.author = request_id, author
        self.all = self.record.get("changes", [])
        self.open = [change for change in self.all if not is_lapsed(change, place["timeMs"])]
        self.gone = departing(self.all)
        self.in_force = cards_in_force(self.record, state.genesis_cards)
        self.decided = {"height": place["height"], "timeMs": place["timeMs"]}

    def record_after(self, operation):
        """The record after it, which is the one before where it has no effect. Raises CannotChange."""
        if operation["op"] != "accept" and self.author in self.gone:
            raise CannotChange("leaving")
        changes = getattr(self, operation["op"])(operation)
        if changes is None:
            return self.record
        return with_changes(self.record, [self._decide(change, changes) for change in changes])

    def _decide(self, change, changes):
        waits = "yes" in change and "decided" not in change and (change["op"] == "policy" or "accepted" in change)
        return {**change, "decided": self.decided} if waits and is_let_in(self.record, change, changes) else change

    def _require(self, condition, code):
        if not condition:
            raise CannotChange(code)

    def _require_expiry(self, expires_ms):
        now_ms = self.place["timeMs"]
        self._require(now_ms <= expires_ms <= now_ms + LIFETIME_MAX_MS, "bad-expiry")

    def _require_few(self):
        own = [change for change in self.open if change["by"] == self.author and "decided" not in change]
        self._require(len(own) < OPEN_MAX, "too-many-changes")

    def _require_free_keys(self, party, card):
        others = [one for other, one in self.in_force.items() if other != party]
        others += [change["card"] for change in self.open if "card" in change and change["party"] != party]
        used = {key for one in others for key in one["keys"].values()}
        self._require(not used.intersection(card["keys"].values()), "key-in-use")

    def _require_another(self, party):
        self._require(set(self.record["members"]) - self.gone - {party}, "last-member")

    def _find(self, change_id):
        found = [change for change in self.open if change["change"] == change_id]
        self._require(found, "change-gone")
        return found[0]

    def _replaced(self, change, **parts):
        return [{**one, **parts} if one is change else one for one in self.open]

    def invite(self, operation):
        card, role = operation["card"]["card"], operation["role"]
        party, inviters = party_of(card), self.record["policy"]["admission"]["invite"]
        self._require(inviters == "any" or self.author in inviters, "may-not-invite")
        self._require_expiry(operation["expiresMs"])
        invitations = [change for change in self.open if change["op"] == "invite"]
        self._require(party not in self.in_force and party not in [one["party"] for one in invitations], "already-in")
        self._require_free_keys(party, card)
        seats = self.record["members"] if role == "member" else self.record.get("observers", [])
        self._require(len(seats) + len([one for one in invitations if one["role"] == role]) < MEMBERS_MAX, "epoch-full")
        self._require_few()
        made = {"change": self.id, "by": self.author, "op": "invite", "party": party, "card": card, "role": role}
        made.update(older=operation["older"], expiresMs=operation["expiresMs"], yes=[self.author])
        return [*self.open, made]

    def accept(self, operation):
        change = self._find(operation["change"])
        self._require(change["op"] == "invite" and change["party"] == self.author, "not-invited")
        is_known = operation["genesis"] == self.state.contract and self.place["holds"](operation["checkpoint"])
        self._require(is_known, "other-history")
        return None if "accepted" in change else self._replaced(change, accepted=True)

    def vote(self, operation):
        change = self._find(operation["change"])
        self._require("yes" in change and "decided" not in change, "change-decided")
        if operation["yes"]:
            given = change["yes"]
            return None if self.author in given else self._replaced(change, yes=[*given, self.author])
        return [one for one in self.open if one is not change] if self._takes_back(change) else None

    def _takes_back(self, change):
        if self.author == change["by"] or change["op"] == "policy":
            return True
        staying = [party for party in self.record["members"] if party not in self.gone]
        is_by_quorum = self.record["policy"]["admission"]["admit"] == "quorum"
        return not is_by_quorum and self.author in asked(self.record, change, staying)

    def leave(self, operation):
        self._require_another(self.author)
        self._require(self.place["holds"](operation["checkpoint"]), "other-history")
        return self._departed(self.author, "leave")

    def remove(self, operation):
        evidence = operation["evidence"]
        party = evidence["party"]
        self._require(party in self.in_force and party not in self.gone, "not-in")
        self._require(any(self._is_proof(evidence, *pair) for pair in self._keys_of(party)), "evidence-fails")
        self._require_another(party)
        return self._departed(party, "remove")

    def _keys_of(self, party):
        """Vote and cosign keys, those in force and former ones."""
        keys = self.in_force[party]["keys"]
        former = [(vote, cosign) for other, vote, cosign in self.record.get("former", []) if other == party]
        return [(keys["vote"], keys["cosign"]), *former]

    def _is_proof(self, evidence, vote, cosign):
        party = evidence["party"]
        place = {**place_of(evidence), "contract": self.state.contract, "vote": {party: vote}, "cosign": {party: cosign}}
        return holds(evidence, place)

    def _departed(self, party, op):
        def stays(change):
            if change["op"] in ("leave", "remove"):
                return True
            if "decided" not in change:
                return change["by"] != party
            return not (change["op"] == "card" and change["party"] == party)

        made = {"change": self.id, "by": self.author, "op": op, "party": party, "decided": self.decided}
        return [*filter(stays, self.open), made]

    def card(self, operation):
        card = operation["card"]["card"]
        party = party_of(card)
        self._require_expiry(operation["expiresMs"])
        self._require(party in self.in_force and party not in self.gone, "not-in")
        now = self.in_force[party]
        before = [change for change in self.open if change["op"] == "card" and change["party"] == party]
        known = [now, *[change["card"] for change in before]]
        self._require(card["sequence"] > max(one["sequence"] for one in known), "card-outdated")
        chain = [one["card"] for one in operation["card"].get("earlier", [])]
        self._require(now in chain, "card-forked")
        self._require_free_keys(party, card)
        made = {"change": self.id, "by": self.author, "op": "card", "party": party, "card": card}
        made.update(expiresMs=operation["expiresMs"], decided=self.decided)
        return [*[change for change in self.open if change not in before], made]

    def policy(self, operation):
        self._require_expiry(operation["expiresMs"])
        self._require(not [change for change in self.open if change["op"] == "policy"], "policy-open")
        self._require_few()
        made = {"change": self.id, "by": self.author, "op": "policy", "policy": operation["policy"]}
        return [*self.open, {**made, "expiresMs": operation["expiresMs"], "yes": [self.author]}]
