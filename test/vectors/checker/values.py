"""PROTOCOL.md section 3: openings, commitments and types."""

import re

from encoding import form, from_b64, H, is_b64, is_hex, jcs, keys, refuse, utf16_units

TYPES = (
    "text", "decimal", "integer", "boolean", "date", "date-time", "money", "choice", "party", "file", "null",
)
INTEGER = re.compile("-?(?:0|[1-9][0-9]*)")
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?([0-9]+))?")
MONEY = re.compile(r"(-?)((?:0|[1-9][0-9]*)(?:\.[0-9]+)?) [A-Z]{3}")
MEDIA = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
FILE = re.compile(f"[0-9a-f]{{64}} (0|[1-9][0-9]*) {MEDIA}/{MEDIA} (.+)", re.DOTALL)
NOT_IN_FILE_NAMES = re.compile("[\x00-\x1f\x7f-\x9f/\\\\]")
FILE_MAX = 104857600
DATE = "([0-9]{4})-([0-9]{2})-([0-9]{2})"
TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
DATE_TIME = re.compile(f"{DATE}T{TIME}(?:Z|([+-])([0-9]{{2}}):([0-9]{{2}}))")
TEXT_MAX = 1048576


def check_opening(value):
    """VAL-1 and VAL-4. Returns the commitment that it opens."""
    keys(value, "VAL-1", "salt value", "of")
    form(is_b64(value["salt"], 16), "VAL-1", "16 bytes of salt")
    text = value["value"]
    form(text is None or isinstance(text, (bool, str)), "VAL-1", "a string, a boolean or null")
    form(not isinstance(text, str) or utf16_units(text) <= TEXT_MAX, "VAL-1", "1,048,576 UTF-16 units")
    salted = from_b64(value["salt"]) + jcs(text)
    if "of" not in value:
        return H("value", salted)
    form(is_hex(value["of"], 16), "VAL-1", "the UID of a field")
    return H("private-value", bytes.fromhex(value["of"]) + salted)


def is_of_type(value, kind):
    """VAL-5."""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "null":
        return value is None
    if not isinstance(value, str):
        return False
    if kind == "text":
        return len(value.encode()) <= TEXT_MAX
    if kind == "integer":
        return INTEGER.fullmatch(value) is not None and digits(value) <= 64
    if kind == "decimal":
        found = DECIMAL.fullmatch(value)
        return found is not None and digits(value) <= 64 and int(found[1] or 0) <= 9999
    if kind == "money":
        found = MONEY.fullmatch(value)
        return found is not None and digits(value) <= 64 and not (found[1] and not found[2].strip("0."))
    if kind == "choice":
        return 1 <= utf16_units(value) <= 256
    if kind == "party":
        return re.fullmatch("[0-9a-f]{64}", value) is not None
    if kind == "file":
        found = FILE.fullmatch(value)
        return found is not None and int(found[1]) <= FILE_MAX and is_file_name(found[2])
    if kind == "date":
        found = re.fullmatch(DATE, value)
        return found is not None and is_day(*map(int, found.groups()))
    return is_date_time(value)


def is_file_name(name):
    if not 1 <= utf16_units(name) <= 255 or NOT_IN_FILE_NAMES.search(name):
        return False
    return name == name.strip(" ") and name not in (".", "..")


def digits(text):
    return sum(character.isdigit() for character in text)


def is_day(year, month, day):
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


def is_date_time(value):
    found = DATE_TIME.fullmatch(value)
    if found is None:
        return False
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    offset_hour, offset_minute = int(found[8] or 0), int(found[9] or 0)
    if not is_day(year, month, day) or hour > 23 or minute > 59 or second > 60:
        return False
    if offset_hour > 23 or offset_minute > 59:
        return False
    offset = (offset_hour * 60 + offset_minute) * (-1 if found[7] == "-" else 1)
    return second < 60 or (hour * 60 + minute - offset) % 1440 == 1439


def check_typed_opening(value, kind, commitment):
    """VAL-1, VAL-2 and VAL-5."""
    if check_opening(value) != commitment:
        refuse("VAL-2", "it opens another commitment")
    if not is_of_type(value["value"], kind):
        refuse("VAL-5", f"not of type {kind}")
