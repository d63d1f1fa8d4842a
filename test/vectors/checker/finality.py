"""PROTOCOL.md COS-3: how far a ledger is final, by the members of each epoch; and CHK-2 of cosignatures that wait for theirs."""

from checkpoints import check_cosignature, check_cosignature_form, check_counts
from encoding import at, refuse


class Finality:
    """
    One cosignature for each party, its largest, all of one lineage. Each span is an epoch: its members, the height of its
    first block, and the checkpoint at each size that somebody has cosigned.
    """

    def __init__(self, contract):
        self.contract = contract
        self.cosignatures = {}
        self.reached = set()
        self.waiting = set()
        self.spans = []
        self.checkpoints = {}

    def add(self, value, lineage):
        """Keys are known at once of the first epoch of the first lineage; others wait for their size."""
        epoch = value.get("epoch")
        if lineage == 0 and not (type(epoch) is int and epoch > 0):
            check_cosignature(value, self.contract.id, 0, self.contract.keys["cosign"])
        else:
            check_cosignature_form(value)
            self.waiting.add(value["party"])
        if value["party"] in self.cosignatures:
            refuse("BUN-1", "a second one")
        self.cosignatures[value["party"]] = value

    def begin_epoch(self, first_height, electorate):
        if self.spans:
            self.spans[-1]["lastHeight"] = first_height - 1
        self.spans.append({"firstHeight": first_height, "lastHeight": None, "keys": electorate["cosign"]})

    def take(self, here, electorate):
        """The ledger has come to this checkpoint, of a block of this electorate. Returns whether a member has cosigned it."""
        self.checkpoints[here["size"]] = here
        observers = {party: keys["cosign"] for party, keys in electorate["observers"].items()}
        is_committed = False
        for party, value in self.cosignatures.items():
            if value["size"] != here["size"]:
                continue
            if party in self.waiting:
                cosigning = {**electorate["cosign"], **observers}
                place = f"cosignature of {party}"
                at(place, check_cosignature, value, self.contract.id, here["lineage"], cosigning)
            at(f"ledger block {here['size'] - 1}", check_counts, value, here)
            self.reached.add(party)
            is_committed = is_committed or party in electorate["cosign"]
        return is_committed

    def size_of(self, party):
        return self.cosignatures[party]["size"] if party in self.reached else 0

    def _final_size_of(self, span):
        """What all members of an epoch make final: nothing before each has cosigned a block of it or a later one."""
        size = min(map(self.size_of, span["keys"]))
        if size <= span["firstHeight"]:
            return 0
        return size if span["lastHeight"] is None else min(size, span["lastHeight"] + 1)

    def final_size(self):
        return max(map(self._final_size_of, self.spans))

    def final(self):
        """The largest final size, its checkpoint, and the cosign keys of those who made it final."""
        best = max(self.spans, key=self._final_size_of)
        size = self._final_size_of(best)
        return size, self.checkpoints[size], best["keys"]
