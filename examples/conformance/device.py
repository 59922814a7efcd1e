# SPDX-License-Identifier: MIT
"""A small device that keeps the rules of doc/protocol.md, section 13.

`Device.sync` exchanges until there is nothing more to do. What it keeps is in `replica`; here is what
goes over the wire, and in which order. It does without what a device MAY do without: stamps, waiting
pulls, a choice of collections, cursor reports, and a connection that stays open.
"""

import http.client
import random
import time
from urllib.parse import urlsplit

from cbor import Bad, encoded
from messages import INTEGER_MAX, LIMITS, decoded_message, encoded_message
from replica import key_of

TRIES, PAUSE_SECONDS, PAUSE_SECONDS_MAX, WAIT_SECONDS_MAX = 5, 0.25, 30, 30
TIMEOUT_SECONDS, ROUNDS = 30, 500
# Room for what stands around the operations of a push.
FRAME_BYTES = 512
MAY_BE_TRIED_AGAIN = {0, 7, 8, 9, 10}


class Failure(Exception):
    """Why an exchange came to nothing. Everything is kept, and may be tried again."""


class Lost(Failure):
    """There was no answer, or none that says anything: nobody knows what the request did."""


class Refused(Failure):
    """An answer that is no success (section 11). Without an error message, `code` is None."""

    def __init__(self, status, error):
        super().__init__(f"The server answers {status}: {error.get('message', 'no reason given')}")
        self.status, self.code = status, error.get("code")
        self.details = error.get("details", {})
        if not isinstance(self.details, dict):
            self.details = {}

    @property
    def may_be_tried_again(self):
        if self.code is None:  # X2
            return self.status in (408, 429) or 500 <= self.status and self.status not in (501, 505)
        return self.code in MAY_BE_TRIED_AGAIN

    @property
    def blames_the_body(self):
        return self.status == 413 or self.status == 400 and self.code == 1


class Device:
    def __init__(self, server, database, replica):
        self.server, self.database, self.replica = urlsplit(server), database, replica
        self.limits, self.has_shaken_hands, self.not_before = dict(LIMITS), False, 0.0
        self.tries = 0
        # No request has carried an operation above this number.
        self.fresh = replica["sentMark"]

    def sync(self):
        for _ in range(ROUNDS):
            try:
                if self.exchange():
                    return
            except Refused as refused:
                if refused.code == 4:
                    self.has_shaken_hands = False
                elif refused.code == 11:
                    self.learn_history(refused.details)
                else:
                    raise
        raise Failure("The server's answers lead nowhere.")

    def exchange(self):
        """One turn: what was sent is settled, then what others did is pulled, then more is sent.
        Returns whether that was all."""
        if not self.has_shaken_hands:
            self.shake_hands()
            return False
        if self.replica["resync"] is None and self.push_sent():
            return False
        if not self.pull():
            return False
        return not self.mark_next()

    # --- HTTP

    def ask(self, path, name, body):
        """Asks until there is an answer that says something, or it has to be given up."""
        data = encoded_message(f"{name}Request", body)
        for self.tries in range(1, TRIES + 1):
            self.wait()
            try:
                return decoded_message(f"{name}Response", self.ask_once(path, data))
            except Bad as bad:
                failure = Lost(f"The answer is no {name}Response: {bad}")
            except Lost as lost:
                failure = lost
            except Refused as refused:
                if not refused.may_be_tried_again:
                    raise
                failure = refused
            if self.tries < TRIES:
                time.sleep(random.uniform(
                    0, min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * 2 ** self.tries)))
        raise failure

    def wait(self):
        """X3: never before Retry-After is over."""
        seconds = self.not_before - time.monotonic()
        if seconds > WAIT_SECONDS_MAX:
            raise Failure(f"The server asks to be left alone for {seconds:.0f} s.")
        if seconds > 0:
            time.sleep(seconds)

    def ask_once(self, path, data):
        """The body of a success."""
        secure = self.server.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self.server.hostname, self.server.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", f"{self.server.path.rstrip('/')}/v1/{path}", data,
                               {"Content-Type": "application/cbor"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost(f"No answer to {path}: {error!r}") from None
        finally:
            connection.close()
        if answer.status == 200:
            return body
        try:
            error = decoded_message("error", body)
        except Bad:
            error = {}
        header = answer.headers.get("Retry-After", "")
        seconds = max(int(header) if header.isascii() and header.isdigit() else 0,
                      error.get("retryAfterSeconds", 0))
        self.not_before = time.monotonic() + seconds
        raise Refused(answer.status, error)

    # --- Section 6

    def shake_hands(self):
        replica = self.replica
        body = {"dbId": self.database, "deviceId": replica["deviceId"], "protocolVersion": 1,
                "clientInfo": {"platform": "python", "appVersion": "1"}}
        if replica["logId"]:
            body |= {"logId": bytes.fromhex(replica["logId"]), "cursor": replica["seen"]}
        answer = self.ask("handshake", "handshake", body)
        if answer.get("protocolVersion", 1) != 1:
            raise Failure(f"The server speaks version {answer['protocolVersion']}, and this is 1.")
        last, log = answer.get("lastOpId"), answer.get("logId")
        if self.is_other(log) or last is not None and last < replica["acceptedMark"]:
            replica.forget_log()
        elif last is not None and last > replica["sentMark"]:
            replica.rename()
        else:
            self.limits = {**LIMITS, **answer.get("limits", {})}
            replica["logId"] = log.hex() if log else replica["logId"]
            replica["oldest"] = answer.get("oldestCursor", 0)
            replica["seen"] = max(replica["seen"], answer["serverCursor"])
            self.has_shaken_hands = True
        replica.save()

    def is_other(self, log):
        return log is not None and self.replica["logId"] not in (None, log.hex())

    def learn_history(self, details):
        """Error 11."""
        if details.get("reason") == "compacted":
            self.replica["oldest"] = details.get("oldestCursor", self.replica["oldest"])
            self.replica.start_resync(own=False)
        else:
            self.replica.forget_log()
            self.has_shaken_hands = False
        self.replica.save()

    # --- Section 8

    def pull(self):
        """Pulls to the end of the log; returns whether it came there."""
        while True:
            page, since = self.page(), self.replica["pulled"]
            if self.is_other(page.get("logId")):
                self.learn_history({})
                return False
            if page["nextCursor"] < since + page["hasMore"]:
                raise Failure(f"A pull from {since} came to {page['nextCursor']}, and no further.")
            self.apply(page, since)
            self.replica.save()
            if not page["hasMore"]:
                return True

    def page(self):
        replica = self.replica
        body = {"dbId": self.database, "deviceId": replica["deviceId"], "includeOwn": True,
                "limit": max(1, self.limits["maxPullOps"]), "sinceCursor": replica["pulled"]}
        if replica["logId"]:
            body["logId"] = bytes.fromhex(replica["logId"])
        if replica["snapshot"] is not None:
            body["snapshot"] = replica["snapshot"]
        return self.ask("pull", "pull", body)

    def apply(self, page, since):
        """All that a page changes (13.3)."""
        replica, operations = self.replica, []
        for one in page["ops"]:
            content = one.get("entityCbor")
            if one["opType"] != ("delete" if content is None else "upsert"):
                raise Failure(f"Nobody knows what {one['opType']} means.")
            revision = {"cursor": one.get("cursor"), "version": one["entityVersion"],
                        "content": None if content is None else content.hex(),
                        "author": one["deviceId"]}
            operations.append((key_of(one["collection"], one["entityId"]), revision,
                               one["deviceId"], one["opId"]))
        replica.apply(operations)
        replica["pulled"] = page["nextCursor"]
        replica["seen"] = max(replica["seen"], page["nextCursor"], page.get("serverCursor", 0))
        if not page["hasMore"]:
            replica["snapshot"] = None
            if replica["resync"] is not None:
                replica.end_resync(page["nextCursor"])
        elif since == 0:
            replica["snapshot"] = page.get("serverCursor")

    # --- Section 7

    def mark_next(self):
        """Chooses what is sent next, and notes that before it leaves (D5). Returns whether there is
        anything."""
        batch, length = [], FRAME_BYTES
        operations_max, bytes_max = self.limits["maxTransactionOps"], self.limits["maxBodyBytes"]
        for group in self.replica.groups():
            size = sum(map(self.length, group))
            if len(group) > max(1, operations_max) or len(group) > 1 \
                    and size + FRAME_BYTES > bytes_max:
                if batch:
                    break
                self.replica.cut(group, operations_max, bytes_max - FRAME_BYTES, self.length)
                return self.mark_next()
            alone, length = group[0].get("isPiece", False), length + size
            if batch and (alone or length > bytes_max
                          or len(batch) + len(group) > self.limits["maxPushOps"]):
                break
            batch += group
            if alone:
                break
        if batch:
            self.fresh = self.replica["sentMark"]
            self.replica["sentMark"] = batch[-1]["opId"]
            self.replica.save()
        return bool(batch)

    def length(self, edit):
        return len(encoded(self.operation(edit)))

    def push_sent(self):
        """Pushes what was sent until all of it is settled (D4, D5, D8). Returns whether there was
        anything."""
        refused, count, was_anything = [], INTEGER_MAX, False
        while True:
            sent = [group for group in self.replica.groups() if self.replica.is_sent(group[0])]
            batch = self.unblocked(sent, refused)[:count]
            if not sent or self.replica["resync"] is not None:
                return was_anything
            was_anything = True
            if not batch:
                self.judge_alone([group for group in sent if group[0]["opId"] in refused])
                refused = []
            elif self.push([edit for group in batch for edit in group]):
                continue
            elif len(batch) > 1:
                count = (len(batch) + 1) // 2
            else:
                refused.append(batch[0][0]["opId"])

    @staticmethod
    def unblocked(groups, refused):
        """The transactions that neither were refused nor stand behind such ones."""
        blocked, left = set(), []
        for group in groups:
            keys = {edit["key"] for edit in group}
            if group[0]["opId"] in refused or blocked & keys:
                blocked |= keys
            else:
                left.append(group)
        return left

    def judge_alone(self, refused):
        """When nothing else is left to be settled, what failed alone is sent once more, and if
        nothing of it is taken the first goes to quarantine."""
        for group in refused:
            if self.push(group):
                return
        if not self.push([]):
            raise Failure("The server refuses even an empty push.")
        self.replica.renumber_changed(self.replica.quarantine(refused[0]))
        self.replica.save()

    def push(self, edits):
        """Sends edits and settles what the answer says of them; returns False if the server blames
        the request's body, and has stored nothing."""
        replica = self.replica
        body = {"dbId": self.database, "deviceId": replica["deviceId"],
                "ops": [self.operation(edit) for edit in edits]}
        if replica["logId"]:
            body |= {"logId": bytes.fromhex(replica["logId"]), "cursor": replica["seen"]}
        fresh, self.fresh = self.fresh, replica["sentMark"]
        try:
            answer = self.ask("push", "push", body)
        except Refused as refused:
            if refused.blames_the_body:
                return False
            raise
        self.settle(edits, answer, fresh if self.tries == 1 else replica["sentMark"])
        return True

    def operation(self, edit):
        operation = {
            "dbId": self.database, "opId": edit["opId"], "deviceId": edit["deviceId"],
            "collection": edit["collection"], "entityId": edit["entity"],
            "opType": "delete" if edit["content"] is None else "upsert",
            "timestampMs": edit["timestampMs"], "entityVersion": edit["version"]}
        if edit["content"] is not None:
            operation["entityCbor"] = bytes.fromhex(edit["content"])
        if edit["transaction"] is not None:
            operation["transactionId"] = edit["transaction"]
        return operation | {name: edit[name] for name in ("base", "baseOpId") if name in edit}

    def settle(self, edits, answer, fresh):
        replica, fates = self.replica, {}
        conflicts = {one["clientOp"]["opId"]: one["serverState"] for one in answer["conflicts"]}
        for number in (edit["opId"] for edit in edits):
            if "accepted" not in answer:  # Y2
                if number <= answer["acknowledgedUpToOpId"]:
                    fates[number] = ("accepted", None)
            for first, cursor, count in answer.get("accepted", []):
                if first <= number < first + count:
                    fates[number] = ("accepted", cursor and cursor + number - first)
        for one in answer.get("rejected", []):
            fates[one["opId"]] = ("rejected", one["code"])
        for number, state in conflicts.items():
            content = state.get("entityCbor")
            fates[number] = ("conflict", {
                "cursor": state.get("cursor"), "version": state["entityVersion"],
                "content": None if content is None or state["deleted"] else content.hex(),
                "author": state.get("deviceId")})
        cursors = {fact for what, fact in fates.values() if what == "accepted" and fact}
        shown = {state.get("cursor", 0) for state in conflicts.values()}
        if replica.settle(edits, fates, fresh):
            replica.rename()
            self.has_shaken_hands = False
        end = answer.get("serverCursor", 0)
        replica["seen"] = max(replica["seen"], end, *cursors, *shown)
        missing = end - replica["pulled"]
        if (replica["resync"] is None and replica["snapshot"] is None and 0 < missing <= len(cursors)
                and all(cursor in cursors for cursor in range(replica["pulled"] + 1, end + 1))):
            replica["pulled"] = end
        replica.save()
