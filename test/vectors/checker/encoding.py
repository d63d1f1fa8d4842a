"""PROTOCOL.md section 1: strict JSON, canonical JSON, hashes in a domain, and the forms that values have."""

import base64
import hashlib
import json
import re


class Refused(Exception):
    """The input breaks a rule of PROTOCOL.md. place: where, as the README names places in a bundle."""

    def __init__(self, rule, message, place=None):
        super().__init__(f"[{rule}] {message}")
        self.rule = rule
        self.message = message
        self.place = place
        self.verdict = "invalid"


def refuse(rule, message, place=None):
    raise Refused(rule, message, place)


def at(place, check, *arguments):
    """What a check refuses is refused at this place, unless it says itself where."""
    try:
        return check(*arguments)
    except Refused as refused:
        refused.place = refused.place or place
        raise


# ENC-1 ----------------------------------------------------------------------------------------------------------------

DEPTH_MAX = 64
INTEGER_LIMIT = 2**53
SURROGATE = re.compile("[\ud800-\udfff]")


def parse(data):
    """The value of a JSON text in UTF-8; every number in it is an int."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        refuse("ENC-1", "not UTF-8")
    if text.startswith("\ufeff"):
        refuse("ENC-1", "a byte order mark")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda name: refuse("ENC-1", f"{name} is no JSON"),
        )
    except (ValueError, RecursionError) as error:
        refuse("ENC-1", f"not JSON: {error}")
    _check(value, 0)
    return value


def _object(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        refuse("ENC-1", "a key stands twice in one object")
    return value


def _integer(literal):
    if len(literal) > 17 or abs(int(literal)) >= INTEGER_LIMIT:
        refuse("ENC-1", "an integer of 2^53 or more")
    return int(literal)


def _float(literal):
    number = float(literal)
    mantissa = re.split("[eE]", literal)[0]
    if number == 0 and re.search("[1-9]", mantissa):
        refuse("ENC-1", "a number that would become zero")
    if abs(number) >= INTEGER_LIMIT or number != int(number):
        refuse("ENC-1", "a number that is no integer below 2^53")
    return int(number)


def _check(value, depth):
    if isinstance(value, str):
        if SURROGATE.search(value) or "\0" in value:
            refuse("ENC-1", "an unpaired surrogate or U+0000")
    elif isinstance(value, (dict, list)):
        if depth == DEPTH_MAX:
            refuse("ENC-1", "nested too deep")
        for item in value:
            _check(item, depth + 1)
        if isinstance(value, dict):
            for item in value.values():
                _check(item, depth + 1)


# RFC 8785 -------------------------------------------------------------------------------------------------------------

ESCAPED = re.compile('[\x00-\x1f"\\\\]')
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def _quoted(text):
    if ESCAPED.search(text):
        text = ESCAPED.sub(lambda found: SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    return f'"{text}"'


def canonical(value):
    """The canonical text of a JSON value whose numbers are integers."""
    parts = []
    _write(value, parts)
    return "".join(parts)


def in_order(names):
    """Keys by their UTF-16 units, which is the order of code points where all of them are ASCII."""
    return sorted(names) if "".join(names).isascii() else sorted(names, key=lambda one: one.encode("utf-16-be"))


def _write(value, parts):
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, int):
        parts.append(str(value))
    elif isinstance(value, str):
        parts.append(_quoted(value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            parts.append("," if index else "[")
            _write(item, parts)
        parts.append("]" if value else "[]")
    else:
        for index, key in enumerate(in_order(value)):
            parts.append("," if index else "{")
            parts.append(_quoted(key) + ":")
            _write(value[key], parts)
        parts.append("}" if value else "{}")


def jcs(value):
    return canonical(value).encode()


# ENC-2, SIG-1 ---------------------------------------------------------------------------------------------------------


def in_domain(domain, data):
    """What is hashed, and what is signed, for bytes or a JSON value in a domain."""
    return f"countersign/v1/{domain}\n".encode() + (data if isinstance(data, bytes) else jcs(data))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def H(domain, data):
    return sha256(in_domain(domain, data))


# forms ----------------------------------------------------------------------------------------------------------------


def from_b64(text):
    """The bytes of canonical base64url without padding, or None."""
    if not isinstance(text, str) or not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if to_b64(data) == text else None


def to_b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def utf16_units(text):
    return len(text.encode("utf-16-le")) // 2


def form(condition, rule, what):
    """What isn't so breaks the rule that gives the form."""
    if not condition:
        refuse(rule, f"not of the form: {what}")


def is_integer(value, low, high=INTEGER_LIMIT - 1):
    return type(value) is int and low <= value <= high


def is_hex(value, size_bytes):
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * size_bytes), value) is not None


def is_hash(value):
    return is_hex(value, 32)


def is_b64(value, size_bytes):
    data = from_b64(value)
    return data is not None and len(data) == size_bytes


def is_time(value):
    return is_integer(value, 0, 253402300799999)


def is_list(value, low, high):
    return isinstance(value, list) and low <= len(value) <= high


def keys(value, rule, required, optional=""):
    """An object with exactly these keys, named in one text with spaces between; those of `optional` may be missing."""
    form(isinstance(value, dict), rule, "an object")
    missing = set(required.split()) - set(value)
    unknown = set(value) - set(required.split()) - set(optional.split())
    form(not missing and not unknown, rule, f"missing {sorted(missing)}, unknown {sorted(unknown)}")
