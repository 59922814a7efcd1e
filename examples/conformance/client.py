#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An adapter for `entitysync conformance client`, in Python and with nothing to install.

    entitysync conformance client -- python3 examples/conformance/client.py

The client that it stands in front of is in the files beside it. To have your own judged, keep `main`
and let the functions below call it.
"""

import json
import sys

sys.dont_write_bytecode = True

import device as exchange  # noqa: E402 (a run leaves no files behind)
from cbor import Bad, decoded  # noqa: E402
from device import Device, Failure  # noqa: E402
from messages import ENTITY_DEPTH, collection  # noqa: E402
from replica import Replica  # noqa: E402

# A check syncs up to twelve times, and has a minute for each.
exchange.PAUSE_SECONDS = 0.01
device = None


def open_device(request):
    global device
    replica = Replica(request["data"], request["device"])
    device = Device(request["server"], request["database"], replica)
    return {}


def close(request):
    global device
    device = None  # All that it knows is in its directory.
    return {}


def commit(request):
    edits = []
    for edit in request["edits"]:
        if collection(edit["collection"]).startswith("_"):
            raise Failure("This client keeps no local collections.")
        if not 1 <= len(edit["entity"].encode()) <= 256:
            raise Failure("An entity's name has 1 to 256 bytes.")
        content = edit.get("content")
        if content is not None:
            decoded(bytes.fromhex(content), ENTITY_DEPTH)
        edits.append((edit["collection"], edit["entity"], content))
    device.replica.commit(edits)
    return {}


def sync(request):
    device.sync()
    return {}


def entry(collection_name, entity, content):
    members = {"collection": collection_name, "entity": entity}
    return members if content is None else {**members, "content": content}


def list_entities(request):
    entities = []
    for key in device.replica.keys():
        content = device.replica.content(key)
        if content is not None:
            entities.append(entry(*json.loads(key), content))
    return {"entities": entities}


def conflicts(request):
    return {"conflicts": [entry(one["collection"], one["entity"], one["content"])
                          for one in device.replica["conflicts"]]}


def quarantine(request):
    return {"edits": [entry(one["collection"], one["entity"], one["content"])
                      for one in device.replica["quarantine"]]}


def pending(request):
    return {"count": len(device.replica["queue"])}


ACTIONS = {"hello": lambda request: {"name": "examples/conformance"}, "open": open_device,
           "commit": commit, "sync": sync, "list": list_entities, "conflicts": conflicts,
           "quarantine": quarantine, "pending": pending, "close": close}


def answer(request):
    if request["do"] not in ACTIONS:
        return {"skip": f"this adapter cannot {request['do']}"}
    try:
        return {"ok": True, **ACTIONS[request["do"]](request)}
    except (Failure, Bad) as failure:
        return {"ok": False, "error": str(failure)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        # Each answer has the number of its request, and leaves before the next request is read.
        print(json.dumps({"n": request["n"], **answer(request)}), flush=True)


if __name__ == "__main__":
    main()
