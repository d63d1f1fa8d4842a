"""PROTOCOL.md LIN-2 and LIN-3: what a set of FREEZEs comes to."""

from checkpoints import cosigned
from encoding import H, refuse
from evidence import freeze_id, largest_own
from freezes import check_freeze


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


def guilty_of(statements, held, histories):
    guilty = {one["party"] for statement in statements for one in statement["evidence"]}
    by_party = {}
    for statement in statements:
        party = statement["party"]
        by_party.setdefault(party, set()).add(freeze_id(statement))
        if any(one["size"] > largest_own(statement) for one in held.get(party, [])):
            guilty.add(party)
    guilty |= {party for party, ids in by_party.items() if len(ids) > 1}
    for party, own in held.items():
        if any(is_contradiction(one, other, histories) for one in own for other in own if one is not other):
            guilty.add(party)
    return guilty


def tip_of(tops, histories, base):
    """The top with the most tops on its branch, then the largest, then that of the lowest block hash."""

    def is_related(one, other):
        larger, smaller = (one, other) if one["size"] >= other["size"] else (other, one)
        return histories.contains(larger, smaller) is True

    def rank(top):
        return -sum(is_related(top, other) for other in tops), -top["size"], top["block"]

    best = min(tops, key=rank, default=base)
    return {"size": best["size"], "block": best["block"]}


def resolve(freezes, place):
    """The next lineage, and who is left out of it. place: as for a FREEZE, and `members` in the order they lead."""
    histories = Histories([check_freeze(freeze, place) for freeze in freezes])
    statements = [freeze["statement"] for freeze in freezes]
    held = cosignatures_by_party(statements)
    guilty = guilty_of(statements, held, histories)
    members = [party for party in place["members"] if party not in guilty]
    missing = set(members) - {statement["party"] for statement in statements}
    if missing:
        refuse("LIN-2", f"the FREEZEs of {', '.join(sorted(missing))} are missing")
    tops = []
    for party in members:
        own = [one for one in held.get(party, []) if histories.shows(one)]
        if own:
            tops.append(max(own, key=lambda one: one["size"]))
    lineage = {
        "contract": place["contract"],
        "lineage": place["lineage"] + 1,
        "tip": tip_of(tops, histories, place["base"]),
        "freezes": sorted({freeze_id(statement) for statement in statements}),
        "members": members,
    }
    return lineage, [party for party in place["members"] if party in guilty]


def lineage_id(lineage):
    return H("lineage", lineage)
