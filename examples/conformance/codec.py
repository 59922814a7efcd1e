#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An adapter for `entitysync conformance codec`, in Python and with nothing to install.

    entitysync conformance codec -- python3 examples/conformance/codec.py

The codec that it stands in front of is in the files beside it. To have your own judged, keep `main`
and let the functions below call it.
"""

import json
import sys

sys.dont_write_bytecode = True

from cbor import Bad, decoded, encoded  # noqa: E402 (a run leaves no files behind)
from deltas import Misfit, applied, decoded_delta  # noqa: E402
from messages import (ENTITY_DEPTH, MESSAGES, collection, decoded_message,  # noqa: E402
                      encoded_message)


class CannotDo(Exception):
    """What this adapter does not support; the check is then skipped, and not passed."""


# --- Values as the vectors write them: byte strings are objects

def shown(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [shown(one) for one in value]
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    return value


def taken(value):
    if isinstance(value, list):
        return [taken(one) for one in value]
    if isinstance(value, dict):
        if list(value) == ["hex"]:
            return bytes.fromhex(value["hex"])
        if list(value) == ["cbor"]:
            return decoded(bytes.fromhex(value["cbor"]), ENTITY_DEPTH)
        return {key: taken(one) for key, one in value.items()}
    return value


# --- What is asked

def decode(request):
    """Reads bytes as what `as` says. Answers with what they are, encoded again."""
    form, data = request["as"], bytes.fromhex(request["hex"])
    if form in ("cbor", "cbor-deterministic"):
        return {"hex": encoded(decoded(data, 64, deterministic=form != "cbor")).hex()}
    if form == "deltaPatch":
        return {"hex": encoded(decoded_delta(data)).hex()}
    if form not in MESSAGES:
        raise CannotDo(f"no message is called {form} here")
    value = decoded_message(form, data)
    return {"hex": encoded_message(form, value).hex(), "value": shown(value)}


def encode(request):
    """Writes a value as it is to be sent."""
    form, value = request["as"], taken(request["value"])
    if form in ("cbor", "deltaPatch"):
        return {"hex": encoded(value).hex()}
    if form not in MESSAGES:
        raise CannotDo(f"no message is called {form} here")
    return {"hex": encoded_message(form, value).hex()}


def apply(request):
    """Applies a delta to the content of an entity."""
    delta = decoded_delta(bytes.fromhex(request["hex"]))
    return {"hex": applied(delta, bytes.fromhex(request["entity"]), request["version"]).hex()}


def judge(request):
    """Says whether a server would reject an operation alone."""
    operation = decoded_message("operation", bytes.fromhex(request["hex"]))
    code = rejection_of(operation)
    return {} if code is None else {"ok": False, "error": code}


def rejection_of(operation):
    """The code of P2, or None."""
    content, labels = operation.get("entityCbor"), operation.get("labels", {})
    try:
        collection(operation["collection"])
    except Bad:
        return "malformed"
    if (operation["collection"].startswith("_")
            or not 1 <= len(operation["entityId"].encode()) <= 256
            or operation["opType"] != ("delete" if content is None else "upsert")
            or "base" in operation and "baseOpId" in operation
            or len(labels) > 16 or len(encoded(labels)) > 1024):
        return "malformed"
    if content is not None and len(content) > 1 << 20:
        return "tooLarge"
    try:
        if content is not None:
            decoded(content, ENTITY_DEPTH)
    except Bad as bad:
        # An entity has to be well-formed (E5), and need not be valid.
        return None if bad.error in ("duplicateKey", "invalidUTF8") else "malformed"
    return None


ACTIONS = {"hello": lambda request: {"name": "examples/conformance"}, "decode": decode,
           "encode": encode, "apply": apply, "judge": judge}


def answer(request):
    try:
        if request["do"] not in ACTIONS:
            raise CannotDo(f"this adapter cannot {request['do']}")
        return {"ok": True, **ACTIONS[request["do"]](request)}
    except Bad as bad:
        # Its offset is left out: for messages it is not known here.
        return {"ok": False, "error": bad.error}
    except Misfit as misfit:
        step = {} if misfit.step is None else {"op": misfit.step, "path": misfit.keys}
        return {"ok": False, "error": misfit.error, **step}
    except CannotDo as reason:
        return {"skip": str(reason)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        # Each answer has the number of its request, and leaves before the next request is read.
        print(json.dumps({"n": request["n"], **answer(request)}), flush=True)


if __name__ == "__main__":
    main()
