"""Every Ed25519 check goes through here: each distinct one is done once, and kept for openssl to look at."""

import os
import subprocess
import tempfile

import ed25519
from encoding import from_b64

done = {}


def is_signed(public_key, message, signature):
    """Whether these bytes (key and signature in base64url) are signed by SIG-2. What is malformed is not."""
    key, signed = from_b64(public_key), from_b64(signature)
    if key is None or signed is None:
        return False
    check = (key, message, signed)
    if check not in done:
        done[check] = ed25519.is_signed(*check)
    return done[check]


def compare_with_openssl(good, bad):
    """
    Has openssl check as many of the signatures seen, good and bad ones, and returns how many it differed on. Asked are
    only those on which no two libraries differ: for others SIG-2 is stricter than openssl.
    """
    differences = 0
    with tempfile.TemporaryDirectory() as folder:
        for wanted, count in ((True, good), (False, bad)):
            some = [check for check, answer in done.items() if answer is wanted and is_ordinary(*check)]
            for check in some[:: max(1, len(some) // count)][:count]:
                differences += openssl_says(folder, *check) is not wanted
    return differences


def is_ordinary(key, message, signature):
    """Whether the equation alone decides. (openssl takes no empty message from a file.)"""
    if len(signature) != 64 or ed25519.key_table(key) is None or message == b"":
        return False
    return ed25519.is_allowed(signature[:32]) and int.from_bytes(signature[32:], "little") < ed25519.L


def openssl_says(folder, key, message, signature):
    # RFC 8410: what stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo.
    der = bytes.fromhex("302a300506032b6570032100") + key
    names = {}
    for name, data in (("key", der), ("message", message), ("signature", signature)):
        names[name] = os.path.join(folder, name)
        with open(names[name], "wb") as file:
            file.write(data)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", names["key"]]
    command += ["-sigfile", names["signature"], "-in", names["message"]]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
