"""What each folder of vectors is checked with: bytes and context in, what is computed of them out, or Refused."""

import certificates
import checkpoints
from blocks import Chain
from bundle import check_bundle as check_whole_bundle
from changes import author_key_of
from encoding import canonical, parse, refuse
from evidence import check_evidence as check_any_evidence, freeze_id
from evidence_file import check_file
from freezes import check_freeze as check_any_freeze
from genesis import Contract
from identity import check_proven_card
from lineages import lineage_id, resolve
from request import check_request as check_sent_request
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


def keys_by_party(context, use):
    return {member["party"]: member[use] for member in context["members"]}


def check_request(data, context):
    members = keys_by_party(context, "author")
    observers = {one["party"]: one["author"] for one in context.get("observers", [])}
    invited = {one["change"]: (one["party"], one["author"]) for one in context.get("invited", [])}

    def key_of(body):
        return author_key_of(body, members, observers, invited)

    found = check_sent_request(parse(data), context["contract"], key_of, context["timeMs"], context["ordered"])
    return {"id": found[0], "commitments": found[1]}


def check_genesis(data, context):
    sent = parse(data)
    return Contract(sent["genesis"], sent["openings"]).outputs()


def check_ledger_block(data, context):
    chain = Chain(Contract(context["genesis"], context["openings"]))
    for part in context["blocks"]:
        certificates = {kind: part[kind] for kind in ("notarization", "finalization") if kind in part}
        chain.extend(part["block"], part["requests"], part["openings"], certificates)
    part = parse(data)
    outcomes, effects = chain.extend(part["block"], part["requests"], part["openings"])
    found = {"hash": chain.hash, "outcomes": outcomes, "effects": effects, "logRoot": chain.log_root}
    if any(uid == chain.state.epoch_uid for changed in effects for uid, _ in changed):
        found["epochRecord"] = chain.state.epoch_record
    return found


def place_of(context):
    return {**context, "vote": keys_by_party(context, "vote")}


def check_statement(data, context):
    leaf, root = certificates.check_signed_statement(parse(data), place_of(context))
    return {"leaf": leaf, "root": root}


def check_certificate(data, context):
    return {"statement": certificates.check_certificate(parse(data), place_of(context))}


def check_checkpoint(data, context):
    cosign_keys = keys_by_party(context, "cosign")
    return {"cosigners": checkpoints.check_note(data, context["header"], context["root"], cosign_keys)}


def check_cosignature(data, context):
    here = checkpoints.checkpoint_of(context["header"], context["root"])
    value = parse(data)
    checkpoints.check_cosignature(value, here["contract"], here["lineage"], keys_by_party(context, "cosign"))
    checkpoints.check_counts(value, here)
    return {"body": checkpoints.body_of(here)}


def check_evidence(data, context):
    place = {**place_of(context), "cosign": keys_by_party(context, "cosign")}
    return {"id": check_any_evidence(parse(data), place)}


def check_evidence_file(data, context):
    return check_file(data, context["trusted"])


def freezing_place(context):
    members = [member["party"] for member in context["members"]]
    authors = {one["party"]: one["author"] for one in context["members"] if "author" in one}
    return {**place_of(context), "cosign": keys_by_party(context, "cosign"), "author": authors, "members": members}


def check_freeze(data, context):
    value = parse(data)
    history = check_any_freeze(value, freezing_place(context))
    return {"id": freeze_id(value["statement"]), "tip": {"size": history.size, "block": history.blocks[-1]}}


def check_resolve(data, context):
    lineage, guilty = resolve(parse(data), freezing_place(context))
    return {"id": lineage_id(lineage), "guilty": guilty, "lineage": lineage}


def check_bundle(data, context):
    return check_whole_bundle(data, context["trusted"], context.get("fromCheckpoint", False))


CHECKS = {
    "json": check_json,
    "signature": check_signature,
    "card": check_card,
    "opening": check_opening,
    "request": check_request,
    "genesis": check_genesis,
    "ledger-block": check_ledger_block,
    "statement": check_statement,
    "certificate": check_certificate,
    "checkpoint": check_checkpoint,
    "cosignature": check_cosignature,
    "evidence": check_evidence,
    "evidence-file": check_evidence_file,
    "freeze": check_freeze,
    "resolve": check_resolve,
    "bundle": check_bundle,
}
