#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An adapter for `entitysync conformance codec`, in Python and with nothing to install.

    entitysync conformance codec -- python3 examples/conformance/codec.py

The codec that it stands in front of is the one of TestVectors/check. To have your own judged, keep
`main` and let the functions below call it.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "TestVectors" / "check"))

import deltas  # noqa: E402
import messages  # noqa: E402
from items import Bad, encoded, read  # noqa: E402


class CannotDo(Exception):
    """What this adapter does not support; the check is then skipped, and not passed."""


def decode(request):
    """Reads bytes as what `as` says. Answers with what they are, encoded again."""
    form, data = request["as"], bytes.fromhex(request["hex"])
    if form in ("cbor", "cbor-deterministic"):
        return {"hex": encoded(read(data, 64, deterministic=form != "cbor")).hex()}
    if form == "deltaPatch":
        value = deltas.shown(deltas.decode_patch(data))
        return {"hex": deltas.encode_patch(value).hex(), "value": value}
    if form not in messages.MESSAGES:
        raise CannotDo(f"no message is called {form} here")
    value = messages.decode(form, data)
    return {"hex": messages.encode(form, value).hex(), "value": value}


def encode(request):
    """Writes a value as it is to be sent."""
    form, value = request["as"], request["value"]
    if form == "deltaPatch":
        return {"hex": deltas.encode_patch(value).hex()}
    if form == "cbor":
        return {"hex": encoded(messages.item_of(value)).hex()}
    if form not in messages.MESSAGES:
        raise CannotDo(f"no message is called {form} here")
    return {"hex": messages.encode(form, value).hex()}


def apply(request):
    """Applies a delta to the content of an entity."""
    delta = deltas.decode_patch(bytes.fromhex(request["hex"]))
    result = deltas.apply(delta, bytes.fromhex(request["entity"]), request["version"])
    return {"hex": result.hex()}


def judge(request):
    """Says whether a server would reject an operation alone."""
    operation = messages.decode("operation", bytes.fromhex(request["hex"]))
    code = messages.rejection_of(operation)
    return {} if code is None else {"ok": False, "error": code}


ACTIONS = {"hello": lambda request: {"name": "TestVectors/check"}, "decode": decode,
           "encode": encode, "apply": apply, "judge": judge}


def answer(request):
    try:
        if request["do"] not in ACTIONS:
            raise CannotDo(f"this adapter cannot {request['do']}")
        return {"ok": True, **ACTIONS[request["do"]](request)}
    except Bad as bad:
        return {"ok": False, "error": bad.error, "offset": bad.offset, "path": bad.path}
    except deltas.Misfit as misfit:
        step = {} if misfit.step is None else {"op": misfit.step, "path": misfit.path}
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
