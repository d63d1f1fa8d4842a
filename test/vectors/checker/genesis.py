"""PROTOCOL.md section 5: geneses, and the block 0 that each makes."""

from encoding import H, form, is_b64, is_hash, is_list, is_time, keys, refuse
from identity import check_label, check_proven_card
from merkle import NOTHING, log_leaf, tree_root
from policies import check_policy, quorum_of
from request import MEBIBYTE, ZEROS, check_openings, check_operation, commitments_of, size_of
from state import State

USES = ("author", "vote", "cosign")


class Contract:
    """A checked genesis: id, the first members with their keys by party, quorum, openings, and block 0."""

    def __init__(self, genesis, openings, exporter=None):
        """exporter: of a bundle; unless it is a member, openings may be missing, for the end of the bundle to judge."""
        self.genesis = genesis
        check_genesis(genesis)
        self.id = H("contract", genesis)
        cards = [member["card"] for member in genesis["members"]]
        proven = [check_proven_card(member) for member in genesis["members"]]
        self.members = [party for party, _ in proven]
        self.keys = {use: {party: card["keys"][use] for party, card in zip(self.members, cards)} for use in USES}
        self.quorum = quorum_of(genesis["policy"]["quorum"], len(self.members))
        self.may_lack = exporter is not None and exporter not in self.members
        needed = commitments_of(genesis["operations"])
        opened = check_openings(openings, needed, self.may_lack)
        self.missing = [(0, "genesis")] if len(opened) < len(needed) else []
        if size_of(openings) > 8 * MEBIBYTE:
            refuse("GEN-1", "openings of more than 8 MiB")
        epoch_record = {
            "epoch": 0,
            "members": self.members,
            "cards": [card_hash for _, card_hash in proven],
            "policy": genesis["policy"],
            "executionVersion": genesis["executionVersion"],
        }
        empty = State.empty(self.id, epoch_record, {H("card", card): card for card in cards})
        operations = [
            {**operation, "parent": empty.root_uid} if operation["parent"] == ZEROS else operation
            for operation in genesis["operations"]
        ]
        self.state, outcome, code, _ = empty.apply(operations, opened)
        if outcome != "accepted":
            refuse("GEN-2", f"an operation is not accepted ({code})")
        self.header = {
            "contract": self.id,
            "lineage": 0,
            "epoch": 0,
            "height": 0,
            "view": 0,
            "parent": "0" * 64,
            "timeMs": genesis["timeMs"],
            "entriesRoot": NOTHING,
            "stateRoot": self.state.root(),
            "logRoot": NOTHING,
        }

    def outputs(self):
        block = H("ledger-block", self.header)
        return {
            "contract": self.id,
            "members": self.members,
            "quorum": self.quorum,
            "rootUid": self.state.root_uid,
            "epochUid": self.state.epoch_uid,
            "stateRoot": self.header["stateRoot"],
            "block": block,
            "logRoot": tree_root([log_leaf(block)]),
        }


def check_genesis(value):
    """GEN-1, but for the openings."""
    rule = "GEN-1"
    form(size_of(value) <= 8 * MEBIBYTE, rule, "at most 8 MiB")
    keys(value, rule, "version name creator nonce timeMs members policy executionVersion operations")
    form(is_version_1(value["version"]) and is_version_1(value["executionVersion"]), rule, "version 1")
    check_label(value["name"], rule)
    form(is_hash(value["creator"]) and is_b64(value["nonce"], 16), rule, "creator and nonce")
    form(is_time(value["timeMs"]), rule, "a time")
    form(is_list(value["members"], 1, 256), rule, "1 to 256 members")
    parties = [check_proven_card(member)[0] for member in value["members"]]
    form(len(set(parties)) == len(parties), rule, "no party twice")
    used = [key for member in value["members"] for key in member["card"]["keys"].values()]
    form(len(set(used)) == len(used), rule, "no key in the cards of two")
    form(value["creator"] in parties, rule, "a creator among the members")
    check_policy(value["policy"], rule)
    form(is_list(value["operations"], 0, 100_000), rule, "0 to 100,000 operations")
    for operation in value["operations"]:
        form(isinstance(operation, dict) and operation.get("op") == "create", rule, "create only")
        check_operation(operation)


def is_version_1(value):
    return type(value) is int and value == 1
