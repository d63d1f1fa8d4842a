"""PROTOCOL.md LIN-2 and LIN-3: what a set of FREEZEs comes to."""

from checkpoints import cosigned
from encoding import H, refuse
from evidence import freeze_id, largest_own
from freezes import check_freeze_set


def point_of(cosignature):
    return cosigned(cosignature, "", 0)


class Histories:
    """What is shown by all FREEZEs of a set together."""

    def __init__(self, histories):
        self.histories = histories

    def shows(self, cosignature):
        return any(history.holds(cosignature) for history in self.histories)

    def contains(self, larger, smaller):
        """Whether the history of the larger has the smaller in it, or None where that is not shown."""
        if larger["size"] == smaller["size"]:
            return (larger["block"], larger["root"]) == (smaller["block"], smaller["root"])
        for history in self.histories:
            if history.holds(larger):
                if history.first <= smaller["size"]:
                    return history.root_at(smaller["size"]) == smaller["root"]
                if any(self._goes_on(below, history) and below.holds(smaller) for below in self.histories):
                    return True
        return None

    @staticmethod
    def _goes_on(below, history):
        """Whether one history shows what goes before another."""
        root = below.root_at(history.first)
        return root is not None and root == history.root_at(history.first)


def cosignatures_by_party(statements):
    """Each checkpoint once."""
    found = {}
    for statement in statements:
        for one in statement["cosignatures"]:
            found.setdefault(one["party"], [])
            if point_of(one) not in [point_of(other) for other in found[one["party"]]]:
                found[one["party"]].append(one)
    return found


def is_contradiction(one, other, histories):
    if one["size"] == other["size"]:
        return point_of(one) != point_of(other)
    larger, smaller = (one, other) if one["size"] > other["size"] else (other, one)
    return histories.contains(larger, smaller) is False


def turns_of(history):
    """As points of the log: each with the epoch that it ends, who is in behind it, and who has left by it."""
    shown, found = history.turns, []
    for index, turn in enumerate(shown):
        header = turn["block"]["header"]
        size = header["height"] + 1
        left = [leave["request"] for leave in turn.get("leaves", [])]
        found.append({
            "size": size,
            "block": history.block_at(size),
            "root": history.root_at(size),
            "epoch": header["epoch"],
            "members": history.epochs[index + 1]["members"],
            "left": {body["author"]: body["operations"][0]["checkpoint"] for body in left},
        })
    return found


def is_past_leave(one, party, checkpoint, turns, histories):
    """A cosignature of more than its LEAVE names, on a history in which every turn since keeps it."""
    if one["size"] <= checkpoint["size"]:
        return False
    for epoch in range(checkpoint["epoch"], one["epoch"]):
        keeping = [turn for turn in turns if turn["epoch"] == epoch and party in turn["members"]]
        if not any(histories.contains(one, turn) is True for turn in keeping if turn["size"] <= one["size"]):
            return False
    return True


def guilty_of(statements, held, histories, least):
    """least: a LEAVE that names no larger size may be of the lineage before."""
    guilty = {one["party"] for statement in statements for one in statement["evidence"]}
    by_party = {}
    for statement in statements:
        party = statement["party"]
        by_party.setdefault(party, set()).add(freeze_id(statement))
        if any(one["size"] > largest_own(statement) for one in held.get(party, [])):
            guilty.add(party)
    guilty |= {party for party, ids in by_party.items() if len(ids) > 1}
    turns = [turn for history in histories.histories for turn in turns_of(history)]
    for turn in turns:
        for party, checkpoint in turn["left"].items():
            if checkpoint["size"] > least:
                own = held.get(party, [])
                if any(is_past_leave(one, party, checkpoint, turns, histories) for one in own):
                    guilty.add(party)
    for party, own in held.items():
        if any(is_contradiction(one, other, histories) for one in own for other in own if one is not other):
            guilty.add(party)
    return guilty


def most_on(standing, members, histories):
    """Where the most members stand, then the largest, then the lowest block hash; None where nobody stands."""

    def is_related(one, other):
        larger, smaller = (one, other) if one["size"] >= other["size"] else (other, one)
        return histories.contains(larger, smaller) is True

    counting = [standing[party] for party in members if party in standing]

    def rank(top):
        return -sum(is_related(top, other) for other in counting), -top["size"], top["block"]

    return min(standing.values(), key=rank, default=None)


def chosen(tops, turns, epoch, members, histories):
    """Epoch by epoch the tip, or None, and the members behind it."""

    def contains(larger, smaller):
        return larger["size"] >= smaller["size"] and histories.contains(larger, smaller) is True

    tip = begun = None
    while True:
        following = [turn for turn in turns if turn["epoch"] == epoch and (begun is None or contains(turn, begun))]
        standing = {}
        for party, top in tops.items():
            if begun is None or top["size"] > begun["size"] and contains(top, begun):
                standing[party] = next((turn for turn in following if contains(top, turn)), top)
        tip = most_on(standing, members, histories) or tip
        begun = next((turn for turn in following if tip and turn["block"] == tip["block"]), None)
        if begun is None:
            return tip, members
        members, epoch = begun["members"], epoch + 1


def heard_in(histories, parties, guilty, epoch, members):
    """Whose FREEZEs it takes, and the turns that those show of the unproven."""
    heard, turns = list(members), []
    while True:
        before = len(heard)
        for history, party in zip(histories, parties):
            if party in guilty or party not in heard:
                continue
            for turn in turns_of(history):
                if turn["epoch"] >= epoch:
                    turns += [turn] if turn["block"] not in [one["block"] for one in turns] else []
                    heard += [one for one in turn["members"] if one not in heard]
        if len(heard) == before:
            return heard, turns


def resolve(freezes, place):
    """The next lineage, and who is left out of it. place: as for a FREEZE, and `members` in the order they lead."""
    shown = check_freeze_set(freezes, place)
    histories = Histories(shown)
    statements = [freeze["statement"] for freeze in freezes]
    parties = [statement["party"] for statement in statements]
    held = cosignatures_by_party(statements)
    least = 0 if place["lineage"] == 0 else place["base"]["size"]
    guilty = guilty_of(statements, held, histories, least)
    unproven = [history for history, party in zip(shown, parties) if party not in guilty]
    first = max((history.epochs[0] for history in unproven or shown), key=lambda one: one["epoch"], default=place)
    heard, turns = heard_in(shown, parties, guilty, first["epoch"], first["members"])
    missing = set(heard) - guilty - set(parties)
    if missing:
        refuse("LIN-2", f"the FREEZEs of {', '.join(sorted(missing))} are missing")
    tops = {}
    for party in heard:
        own = [one for one in held.get(party, []) if histories.shows(one)]
        if own and party not in guilty:
            tops[party] = max(own, key=lambda one: one["size"])
    tip, members = chosen(tops, turns, first["epoch"], first["members"], histories)
    tip = tip or place["base"]
    lineage = {
        "contract": place["contract"],
        "lineage": place["lineage"] + 1,
        "tip": {"size": tip["size"], "block": tip["block"]},
        "freezes": sorted({freeze_id(statement) for statement in statements}),
        "members": [party for party in members if party not in guilty],
    }
    came = sorted(party for party in heard if party not in first["members"])
    return lineage, [party for party in first["members"] + came if party in guilty]


def lineage_id(lineage):
    return H("lineage", lineage)
