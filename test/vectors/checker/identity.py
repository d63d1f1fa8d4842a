"""PROTOCOL.md section 2: labels, cards, and how a card follows another."""

import re

from encoding import H, SURROGATE, form, in_domain, keys, refuse
from encoding import is_b64, is_hash, is_integer, is_list, is_time, utf16_units
from signatures import is_signed

CONTROL = "\x00-\x1f\x7f-\x9f"
HIDDEN = "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
SPACE = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
USES = "root author vote cosign sealing tls"
PORT = "([1-9][0-9]{0,4})"
ENDPOINT = re.compile(rf"(?:[A-Za-z0-9.-]{{1,253}}|\[[0-9A-Fa-f.:]{{2,45}}\]):{PORT}")
PEM = re.compile("-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n")


def check_label(value, rule):
    form(isinstance(value, str) and 1 <= utf16_units(value) <= 256, rule, "a label's length")
    form(not re.search(f"[{CONTROL}{HIDDEN}]", value) and not SURROGATE.search(value), rule, "a label's characters")
    form(not re.match(f"[{SPACE}]", value) and not re.search(f"[{SPACE}]\\Z", value), rule, "a space at a label's end")


def is_endpoint(value):
    found = ENDPOINT.fullmatch(value) if isinstance(value, str) else None
    return found is not None and int(found[1]) <= 65535


def is_certificate(value):
    return isinstance(value, str) and len(value) <= 16384 and PEM.fullmatch(value) is not None


def check_signed_card(value):
    """CARD-1, but for the signature."""
    rule = "CARD-1"
    keys(value, rule, "card signature")
    card = value["card"]
    keys(card, rule, "version sequence name endpoints keys timeMs", "party previous x509")
    form(type(card["version"]) is int and card["version"] == 1, rule, "version 1")
    form(is_integer(card["sequence"], 1), rule, "a sequence")
    check_label(card["name"], rule)
    form(is_list(card["endpoints"], 0, 8) and all(map(is_endpoint, card["endpoints"])), rule, "endpoints")
    keys(card["keys"], rule, USES)
    form(all(is_b64(key, 32) for key in card["keys"].values()), rule, "32 bytes a key")
    form(is_time(card["timeMs"]), rule, "a time")
    form(all(is_hash(card[name]) for name in ("party", "previous") if name in card), rule, "hashes")
    if "x509" in card:
        form(is_list(card["x509"], 1, 8) and all(map(is_certificate, card["x509"])), rule, "x509")
    form(is_b64(value["signature"], 64), rule, "64 bytes of signature")
    if len(set(card["keys"].values())) != len(card["keys"]):
        refuse(rule, "one key for two uses")


def check_proven_card(value):
    """CARD-1 and CARD-2. Returns the party id, and the hash of the card itself."""
    keys(value, "CARD-1", "card signature", "earlier")
    if "earlier" in value:
        form(is_list(value["earlier"], 1, 1024), "CARD-2", "1 to 1,024 earlier cards")
    chain = value.get("earlier", []) + [{"card": value["card"], "signature": value["signature"]}]
    party = before = None
    for signed in chain:
        check_signed_card(signed)
        card = signed["card"]
        message = in_domain("card", card)
        if before is None:
            if card["sequence"] != 1 or "party" in card or "previous" in card:
                refuse("CARD-2", "a first card has sequence 1 and neither party nor previous")
            if not is_signed(card["keys"]["root"], message, signed["signature"]):
                refuse("CARD-1" if len(chain) == 1 else "CARD-2", "not signed by its own root key")
            party = H("card", card)
        else:
            if card["sequence"] != before["sequence"] + 1 or card.get("party") != party:
                refuse("CARD-2", "another party's, or not the next")
            if card.get("previous") != H("card", before):
                refuse("CARD-2", "it does not name the card before it")
            if not is_signed(before["keys"]["root"], message, signed["signature"]):
                refuse("CARD-2", "not signed by the root key of the card before")
        before = card
    return party, H("card", before)
