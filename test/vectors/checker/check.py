#!/usr/bin/env python3
"""
A second implementation of PROTOCOL.md, held to the vectors beside it: what is valid must be taken and come to what the
file says, what is not must be refused for the rule that the file names. Needs Python 3.9 and nothing else; with --openssl
the openssl command (3.0) looks at a sample of the signatures too.

    python3 test/vectors/checker/check.py [--openssl] [folder, folder/vector or file …]
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import folders  # noqa: E402
import frozen  # noqa: E402
import signatures  # noqa: E402
from encoding import Refused  # noqa: E402

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPENSSL_GOOD, OPENSSL_BAD = 16, 8
FILES = {"crypto.json": frozen.crypto_faults, "ledger.json": frozen.ledger_faults}


def bytes_of(source):
    if "text" in source:
        return source["text"].encode()
    if "hex" in source:
        return bytes.fromhex(source["hex"])
    if "lines" in source:
        return "".join(line + "\n" for line in source["lines"]).encode()
    return b"".join(text.encode() * times for text, times in source["repeat"])


def fault(folder, path):
    """What is wrong with our verdict on a vector, or None."""
    with open(path, encoding="utf-8") as file:
        vector = json.load(file)
    expected = vector["expect"]
    try:
        found = {"valid": True, **folders.CHECKS[folder](bytes_of(vector["input"]), vector["context"])}
    except Refused as refused:
        if expected["valid"]:
            return f"refused, but valid: {refused}"
        if expected["rule"] != refused.rule:
            return f"refused for another rule than {expected['rule']}: {refused}"
        # Bundles: also whether it is one at all, and where it is at fault.
        if "verdict" in expected and (expected["verdict"], expected["place"]) != (refused.verdict, refused.place):
            return f"{refused.verdict} at {refused.place}, expected {expected['verdict']} at {expected['place']}"
        return None
    if found != expected:
        return f"found {json.dumps(found)[:2000]}, expected {json.dumps(expected)[:2000]}"
    return None


def paths_of(chosen):
    for folder in folders.CHECKS:
        for name in sorted(os.listdir(os.path.join(HERE, folder))):
            if not chosen or folder in chosen or f"{folder}/{name.removesuffix('.json')}" in chosen:
                yield folder, name


def faults_of_files(chosen):
    """Of the two older files, each with many cases."""
    for name, faults in FILES.items():
        if not chosen or name in chosen:
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                yield name, list(faults(json.load(file)))


def main(arguments):
    chosen = [one for one in arguments if one != "--openssl"]
    counted = failed = 0
    for folder, name in paths_of(chosen):
        counted += 1
        wrong = fault(folder, os.path.join(HERE, folder, name))
        if wrong is not None:
            failed += 1
            print(f"{folder}/{name}: {wrong}")
    for name, faults in faults_of_files(chosen):
        counted += 1
        failed += bool(faults)
        print("".join(f"{one}\n" for one in faults), end="")
    if "--openssl" in arguments:
        differences = signatures.compare_with_openssl(OPENSSL_GOOD, OPENSSL_BAD)
        failed += differences
        print(f"openssl differs on {differences} of {OPENSSL_GOOD + OPENSSL_BAD} signatures")
    print(f"{counted} files, {failed} failed")
    return 1 if failed or not counted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
