"""What each folder of vectors is checked with: bytes and context in, what is computed of them out, or Refused."""

from encoding import canonical, parse, refuse
from identity import check_proven_card
from signatures import is_signed
from values import check_typed_opening


def check_json(data, context):
    return {"canonical": canonical(parse(data))}


def check_signature(data, context):
    if not is_signed(context["publicKey"], data, context["signature"]):
        refuse("SIG-2", "a bad signature")
    return {}


def check_card(data, context):
    party, card_hash = check_proven_card(parse(data))
    return {"party": party, "hash": card_hash}


def check_opening(data, context):
    check_typed_opening(parse(data), context["type"], context["commitment"])
    return {}


CHECKS = {
    "json": check_json,
    "signature": check_signature,
    "card": check_card,
    "opening": check_opening,
}
