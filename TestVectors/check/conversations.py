# SPDX-License-Identifier: MIT
"""Conversations: whether each body is the message that its place asks for, in the bytes in which it
is to be sent, and whether the states follow from what was said."""

import copy

from items import Bad
from messages import decode, encode

MEMBERS = {"id", "description", "rules", "server", "device", "steps"}
STEP = {"commit", "sync", "restart", "newLog", "fails", "state"}
EXCHANGE = {"by", "path", "request", "status", "response", "asked", "arrives", "retryAfterSeconds"}
STATE = {"deviceId", "logId", "cursor", "queue", "bases", "entities", "conflicts", "quarantine"}
QUEUED = {"opId", "deviceId", "collection", "entityId", "content", "base", "baseOpId",
          "transactionId"}
ENTITY = {"collection", "entityId", "content"}
CONFLICT = {"collection", "entityId", "local", "remote"}
PATHS = ("handshake", "pull", "push")


class Wrong(Exception):
    """A conversation that cannot have been."""


def need(holds, sentence):
    if not holds:
        raise Wrong(sentence)


def check(conversation, rules):
    """Raises Wrong if a conversation is; `rules` are those of the protocol."""
    need(set(conversation) == MEMBERS, f"its members are {sorted(conversation)}")
    need(conversation["id"] and conversation["description"], "the id or description is empty")
    named = conversation["rules"].split(", ")
    need(set(named) <= rules and len(set(named)) == len(named), f"no rules: {conversation['rules']}")
    need(isinstance(conversation["server"], bool), "server is neither true nor false")
    device = conversation["device"]
    need(set(device) == {"pullLimit", "resolver"} and device["pullLimit"] > 0, "a wrong device")
    if device["resolver"] not in ("remote", "local"):
        bytes.fromhex(device["resolver"])
    told = Told(device["pullLimit"])
    for step in conversation["steps"]:
        kinds = set(step) & {"commit", "sync", "restart", "newLog"}
        need(set(step) <= STEP and len(kinds) == 1, f"a step has the members {sorted(step)}")
        need("sync" in step or not set(step) & {"fails", "state"}, "only a sync ends in a state")
        need(step.get("restart", True) is True and step.get("fails", True) is True, "not true")
        for edit in step.get("commit", []):
            check_entity(edit)
            told.write(edit)
        if "newLog" in step:
            need(len(bytes.fromhex(step["newLog"])) == 16, "a log has 16 bytes")
            need(step["newLog"] not in told.logs, "the new log is the old one")
            told.logs.append(step["newLog"])
        for exchange in step.get("sync", []):
            check_exchange(exchange, told)
        if "state" in step:
            check_state(step["state"], told)
    need("state" in conversation["steps"][-1], "it does not end in a state")


def check_entity(entity):
    need({"collection", "entityId"} <= set(entity) <= ENTITY, f"an entity is {sorted(entity)}")
    need(entity.get("content", "00") != "", "content is empty")
    bytes.fromhex(entity.get("content", ""))


class Told:
    """What the messages have said so far, whoever said it."""

    def __init__(self, limit):
        self.limit, self.cursors, self.operations = limit, {0}, {}
        self.logs = ["000102030405060708090a0b0c0d0e0f"]
        self.names, self.contents = {"d", "d~0000000000000007"}, {}

    def write(self, entity):
        """Notes content that an entity has, or had."""
        key = entity["collection"], entity["entityId"]
        self.contents.setdefault(key, set()).add(entity.get("content"))

    def operation(self, one, sender=None):
        """Notes an operation, and if somebody sends it, that it stays what it is."""
        content = one.get("entityCbor", {}).get("hex")
        self.write({**{key: one[key] for key in ("collection", "entityId")}, "content": content})
        if sender:
            # N3: a number never means another operation, unless a copy of the device gave it.
            name = sender, one["deviceId"], one["opId"]
            need(self.operations.setdefault(name, one) == one,
                 f"operation {one['opId']} is another one than before")


def message(name, hex_):
    """The values of a message; its bytes must be those in which they are sent."""
    data = bytes.fromhex(hex_)
    need(data.hex() == hex_, "the hex is not in lower case")
    try:
        values = decode(name, data)
    except Bad as bad:
        raise Wrong(f"it is no {name}: {bad}") from None
    need(encode(name, values) == data, f"a {name} is sent in other bytes")
    return values


def check_exchange(exchange, told):
    need({"path", "request", "status", "response"} <= set(exchange) <= EXCHANGE,
         f"an exchange has the members {sorted(exchange)}")
    path, status = exchange["path"], exchange["status"]
    need(path in PATHS, f"no path is {path}")
    need(not exchange.get("asked", False) and not exchange.get("arrives", False), "not false")
    request = message(f"{path}Request", exchange["request"])
    check_request(path, request, exchange, told)
    never_came = exchange.get("asked") is False and exchange.get("arrives") is False
    if never_came:
        need((status, exchange["response"]) == (0, ""), "nobody answered, and there is an answer")
    elif status != 200:
        check_error(exchange)
    else:
        check_answer(path, request, message(f"{path}Response", exchange["response"]), told)


def check_request(path, request, exchange, told):
    need(request["dbId"] == "db", "it is about another database")
    if exchange.get("by") is None:
        need(request["deviceId"] in told.names, "the device has another name")
        need(request.get("cursor", 0) in told.cursors, "nobody has named that cursor")
        need(request.get("logId", {"hex": told.logs[0]})["hex"] in told.logs, "an unknown log")
        if path == "pull":
            need(request["limit"] == told.limit, "the limit is another one")
            need(request.get("includeOwn") is True, "a device pulls its own operations")
            need(request["sinceCursor"] in told.cursors, "nobody has named that cursor")
            need(request.get("snapshot", 0) in told.cursors, "nobody has named that snapshot")
    else:
        need(exchange["by"] != "" and exchange.get("arrives", True), "nobody asks, or hears")
    for one in request.get("ops", []):
        told.operation(one, exchange.get("by", "d"))


def check_error(exchange):
    if exchange["response"] == "":
        need(exchange["status"] >= 500, "an answer is empty")
        return
    error = message("error", exchange["response"])
    fits = {1: (400, 413), 3: (403,), 5: (426,), 7: (429,), 11: (409, 410)}
    need(exchange["status"] in fits.get(error["code"], ()), "status and code do not fit")
    need((error.get("details", {}).get("reason") == "compacted") == (exchange["status"] == 410),
         "status and reason do not fit")
    need(error.get("retryAfterSeconds") == exchange.get("retryAfterSeconds"), "two pauses")


def check_answer(path, request, answer, told):
    cursors = {answer[key] for key in ("serverCursor", "nextCursor") if key in answer}
    if path == "pull":
        numbers = [one["cursor"] for one in answer["ops"] if "cursor" in one]
        need(numbers == sorted(set(numbers)), "cursors do not rise")
        need(all(request["sinceCursor"] < number <= answer["nextCursor"] for number in numbers),
             "a cursor is not of that page")
        need(answer["hasMore"] or answer.get("serverCursor", answer["nextCursor"])
             == answer["nextCursor"], "L1: the last page does not end at the end")
        cursors |= set(numbers)
        for one in answer["ops"]:
            told.operation(one)
    if path == "push":
        check_settlement(request, answer)
        for first, cursor, count in answer.get("accepted", []):
            cursors |= set(range(cursor, cursor + count))
        for conflict in answer["conflicts"]:
            need(conflict["clientOp"] in request["ops"], "a conflict is not of what was pushed")
            state = conflict["serverState"]
            cursors.add(state.get("cursor", 0))
            told.write({"collection": conflict["collection"], "entityId": conflict["entityId"],
                        "content": state.get("entityCbor", {}).get("hex")})
    need(answer.get("logId", {"hex": told.logs[0]})["hex"] in told.logs, "an unknown log")
    told.cursors |= cursors


def check_settlement(request, answer):
    """P2 and P9: every operation is listed once, and what is acknowledged follows."""
    refused = [one["opId"] for one in answer.get("rejected", [])]
    refused += [one["clientOp"]["opId"] for one in answer["conflicts"]]
    numbers = [one["opId"] for one in request["ops"]]
    if "accepted" in answer:
        listed = [first + index for first, _, count in answer["accepted"] for index in range(count)]
        need(sorted(listed + refused) == numbers, "P2: not every operation is listed once")
    if numbers:
        due = min(refused) - 1 if refused else numbers[-1]
        need(answer["acknowledgedUpToOpId"] == due, f"P9: acknowledged is {due}")


def check_state(state, told):
    need({*STATE} - {"logId"} <= set(state) <= STATE, f"a state has the members {sorted(state)}")
    need(state["deviceId"] in told.names, "the device has another name")
    need(state.get("logId", told.logs[0]) in told.logs, "the log is unknown")
    need(state["cursor"] in told.cursors, "nobody has named that cursor")
    numbers = [one["opId"] for one in state["queue"]]
    need(numbers == sorted(set(numbers)), "numbers of the queue do not rise")
    for one in state["queue"]:
        need(set(one) <= QUEUED, f"an operation of the queue is {sorted(one)}")
        need(not {"base", "baseOpId"} <= set(one) and one["opId"] > 0, "O2: two bases")
        need(one.get("baseOpId", 0) < one["opId"], "it is made on a later one")
        need(one["deviceId"] in told.names, "it has another author")
        check_known(one, told)
    for one in state["bases"]:
        need(set(one) - {"cursor"} == {"collection", "entityId", "deleted"}, "a wrong base")
        need(one.get("cursor", 0) in told.cursors, "nobody has named the cursor of a base")
        need(isinstance(one["deleted"], bool), "deleted is neither true nor false")
        contents = told.contents.get((one["collection"], one["entityId"]), set())
        need(None in contents if one["deleted"] else contents - {None}, "no such revision")
    for one in state["conflicts"]:
        need({"collection", "entityId"} <= set(one) <= CONFLICT, f"a conflict is {sorted(one)}")
        need(one.get("local") != one.get("remote"), "the same is no conflict")
        for side in ("local", "remote"):
            check_known({**one, "content": one.get(side)}, told)
    for name in ("entities", "quarantine"):
        keys = [(one["collection"], one["entityId"]) for one in state[name]]
        need(name != "entities" or len(set(keys)) == len(keys), "an entity is there twice")
        for one in state[name]:
            check_entity(one)
            check_known(one, told)
    check_contents(state)


def check_known(one, told):
    contents = told.contents.get((one["collection"], one["entityId"]), ())
    need(one.get("content") in contents, f"nobody gave {one['entityId']} that content")


def check_contents(state):
    """An entity with edits has the content of the last one; another one is there if its base is no
    tombstone."""
    last = {(one["collection"], one["entityId"]): one.get("content") for one in state["queue"]}
    there = {(one["collection"], one["entityId"]): one["content"] for one in state["entities"]}
    for key, content in last.items():
        need(there.get(key) == content, f"{key[1]} does not have the content of its last edit")
    for one in state["bases"]:
        key = one["collection"], one["entityId"]
        need(key in last or (key in there) != one["deleted"], f"{key[1]} is there, or is not")
    known = {(one["collection"], one["entityId"]) for one in state["bases"]} | set(last)
    need(set(there) <= known, "an entity has neither base nor edit")


# --- Falsified

def falsified(conversation):
    """Yields (what was done, conversation) for ways in which one can be made wrong."""
    yield from ((f"{key} gone", {name: conversation[name] for name in conversation if name != key})
                for key in conversation)
    for key, value in (("id", ""), ("description", ""), ("rules", "Q1"), ("server", 1)):
        yield key, {**conversation, key: value}
    for index, step in enumerate(conversation["steps"]):
        def with_step(changed, index=index):
            return {**conversation, "steps": [*conversation["steps"][:index], changed,
                                              *conversation["steps"][index + 1:]]}
        yield f"step {index} is none", with_step({})
        yield f"step {index} has more", with_step({**step, "more": 1})
        for at, exchange in enumerate(step.get("sync", [])):
            for what, changed in falsified_exchange(exchange):
                sync = [*step["sync"][:at], changed, *step["sync"][at + 1:]]
                yield f"step {index}, exchange {at}: {what}", with_step({**step, "sync": sync})
        for what, state in falsified_state(step.get("state")):
            yield f"step {index}, state: {what}", with_step({**step, "state": state})


def falsified_exchange(exchange):
    for key in ("path", "request", "status", "response"):
        yield f"{key} gone", {name: exchange[name] for name in exchange if name != key}
    yield "another path", {**exchange, "path": "push" if exchange["path"] == "pull" else "pull"}
    yield "another status", {**exchange, "status": 200 if exchange["status"] != 200 else 418}
    for key in ("request", "response"):
        if exchange[key]:
            yield f"{key}: a byte less", {**exchange, key: exchange[key][:-2]}
            yield f"{key}: a byte more", {**exchange, key: exchange[key] + "00"}
            data = bytearray.fromhex(exchange[key])
            longer = bytes([0xB8, data[0] & 31]) + data[1:]
            yield f"{key}: a longer head", {**exchange, key: longer.hex()}
    yield "asked: true", {**exchange, "asked": True}
    yield "arrives: true", {**exchange, "arrives": True}


def falsified_state(state):
    if state is None:
        return
    for key in set(state) - {"logId"}:
        yield f"{key} gone", {name: state[name] for name in state if name != key}
    yield "more", {**state, "more": 1}
    yield "another cursor", {**state, "cursor": state["cursor"] + 1000}
    yield "another name", {**state, "deviceId": "e"}
    yield "another log", {**state, "logId": "ff" * 16}
    for name in ("queue", "entities", "conflicts", "quarantine"):
        for index in range(len(state[name])):
            changed = copy.deepcopy(state)
            changed[name][index]["local" if name == "conflicts" else "content"] = "17"
            yield f"{name}[{index}]: other content", changed
    for index, base in enumerate(state["bases"]):
        for key, value in (("cursor", 1000), ("deleted", not base["deleted"]), ("entityId", "x")):
            changed = copy.deepcopy(state)
            changed["bases"][index][key] = value
            yield f"bases[{index}]: another {key}", changed
    if state["entities"]:
        yield "an entity less", {**state, "entities": state["entities"][1:]}


def self_test(conversations, rules):
    """Prints what was not refused, and returns whether all was."""
    tried = survived = 0
    for conversation in conversations:
        for what, changed in falsified(conversation):
            tried += 1
            try:
                check(changed, rules)
            except (Wrong, KeyError, TypeError, ValueError, IndexError):
                continue
            survived += 1
            print(f"not refused: conversations.json: {conversation['id']}: {what}")
    print(f"{tried} falsified conversations were tried, and {tried - survived} refused.")
    return survived == 0 and tried > 0
