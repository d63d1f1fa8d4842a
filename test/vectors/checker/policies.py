"""PROTOCOL.md GEN-1: the policy of a contract, in its genesis or as a change."""

from encoding import form, is_hash, is_integer, is_list, keys


def quorum_of(kind, members):
    return {"majority": members // 2 + 1, "bft": 2 * members // 3 + 1, "unanimous": members}[kind]


def check_policy(value, rule):
    keys(value, rule, "quorum clockBoundMs silenceMs admission", "freeze")
    form(value.get("freeze", "automatic") == "automatic", rule, "how it is frozen")
    form(value["quorum"] in ("majority", "bft", "unanimous"), rule, "a quorum")
    form(is_integer(value["clockBoundMs"], 1000, 86_400_000), rule, "a clock bound")
    form(value["silenceMs"] is None or is_integer(value["silenceMs"], 60_000), rule, "a silence")
    keys(value["admission"], rule, "invite admit")
    invite, admit = value["admission"]["invite"], value["admission"]["admit"]
    form(invite == "any" or is_list(invite, 1, 256) and all(is_hash(one) for one in invite), rule, "who invites")
    form(admit in ("every", "quorum") or is_list(admit, 1, 256) and all(is_hash(one) for one in admit), rule, "whose yes lets in")
