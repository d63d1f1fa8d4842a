"""PROTOCOL.md JUD-1 to JUD-3, of what is asked where no rules are: whether private values are of their types."""

import re

from certificates import check_signature_form, statement_holds
from encoding import H, form, is_hash, is_hex, is_list, jcs, keys, refuse
from values import is_of_type

TIME = re.compile("0|[1-9][0-9]{0,14}")
SAID = ("items", "reveals")


def check_judgement_form(judgement):
    """JUD-1, of what stands in an entry."""
    rule = "JUD-1"
    form(is_list(judgement, 1, 256), rule, "1 to 256 parties")
    for judged in judgement:
        keys(judged, rule, "party items signature", "reveals")
        form(is_hash(judged["party"]), rule, "a party")
        form(is_list(judged["items"], 0, 100_000), rule, "at most 100,000 items")
        for item in judged["items"]:
            form(is_list(item, 4, 4), rule, "items of four")
            form(is_hex(item[0], 16) and is_hex(item[1], 16) and is_hash(item[2]), rule, "rule, element and inputs")
            form(is_result(item[3]), rule, "a result")
        revealed = judged.get("reveals", ["0" * 64])
        form(is_list(revealed, 1, 100_000) and all(map(is_hash, revealed)), rule, "commitments")
        check_signature_form(judged["signature"], rule)
    parties = [judged["party"] for judged in judgement]
    form(parties == sorted(set(parties)), rule, "parties in order, each once")


def is_result(value):
    if value is None or isinstance(value, bool):
        return True
    return is_hash(value) or isinstance(value, str) and TIME.fullmatch(value) is not None


def revealed_in(entry):
    return {one for judged in entry.get("judgement", []) for one in judged.get("reveals", [])}


def size_of_judgements(entries):
    return sum(len(jcs(entry["judgement"])) for entry in entries if "judgement" in entry)


def check_receipts(entry, operations, members):
    """JUD-2: every member that is to see a value of a request has signed."""
    signed = {judged["party"] for judged in entry.get("judgement", [])}
    readers = {party for operation in operations for party in operation.get("readers", [])}
    if readers & set(members) - signed:
        refuse("JUD-2", "a reader has not signed")


def check_signed(entry, place):
    """JUD-1. place: contract, lineage, epoch, and vote keys by party."""
    for judged in entry.get("judgement", []):
        here = {name: place[name] for name in ("contract", "lineage", "epoch")}
        said = {name: judged[name] for name in SAID if name in judged}
        statement = {"type": "JUDGEMENT", "view": 0, "request": entry["request"], **here, **said}
        if not statement_holds(place, statement, judged["party"], judged["signature"]):
            refuse("JUD-1", "not signed so by a member")


class Given:
    """What is said of one request. opened: by commitment, the openings at hand, of private values too."""

    def __init__(self, judgement, members, opened):
        self.members, self.opened = members, opened
        # What the entry is to name beside its code (REQ-8).
        self.about = {}
        self.items = {one["party"]: {tuple(item[:3]): item[3] for item in one["items"]} for one in judgement}
        self.unused = {(party, key) for party, items in self.items.items() for key in items}
        # What somebody says who is asked nothing stands against nobody.
        self.asked = set()

    @property
    def has_more(self):
        return any(party in self.asked for party, _ in self.unused)

    def type_fault(self, operation):
        """The code of what stands against a private value, or None."""
        uid, kind, commitment = operation["uid"], operation["type"], operation["value"]
        judges = [party for party in operation["readers"] if party in self.members]
        if not judges:
            return "no-judge"
        key = (uid, uid, H("judged", [[uid, commitment], [uid, kind]]))
        answers = [self.items[party].get(key) for party in judges]
        self.asked |= set(judges)
        self.unused -= {(party, key) for party in judges}
        if any(key not in self.items[party] for party in judges):
            return "judgement-outdated"
        if any(answer != answers[0] for answer in answers):
            return "judges-disagree"
        opening = self.opened.get(commitment)
        if opening is not None:
            if answers[0] is not (opening.get("of") == uid and is_of_type(opening["value"], kind)):
                refuse("JUD-3", "what its readers say of it is false")
        return None if answers[0] is True else "wrong-type"
