# SPDX-License-Identifier: MIT
"""What a device keeps (doc/protocol.md, 13.1), and what answers do to it.

All of it is one JSON file, which is replaced as a whole: after a crash all that an answer changed is
there, or nothing (D3). That is right for a few thousand entities; a database would do it for more.

A revision is `{"cursor", "version", "content",
"author"}`, in which a cursor may be None (an older server, Y3) and so is the content of a delete.
Contents are hexadecimal. Without a resolver to ask, the remote side wins (13.4).
"""

import copy
import json
import os
import secrets
import time

NEW = {
    "nextOpId": 1, "nextTransaction": 1, "sentMark": 0, "acceptedMark": 0, "logId": None,
    "pulled": 0, "seen": 0, "oldest": 0, "snapshot": None, "resync": None, "queue": [],
    "bases": {}, "oldBases": {}, "held": {}, "conflicts": [], "quarantine": []}
DELETED = {"cursor": 0, "version": 0, "content": None, "author": None}


def key_of(collection, entity):
    """What an entity is called in a JSON object; `json.loads` gives both names back."""
    return json.dumps([collection, entity])


class Replica:
    def __init__(self, folder, device):
        os.makedirs(folder, exist_ok=True)
        self.path, self.folder = os.path.join(folder, "replica.json"), folder
        try:
            with open(self.path, encoding="utf-8") as file:
                self.state = json.load(file)
        except FileNotFoundError:
            self.state = {**copy.deepcopy(NEW), "name": device, "deviceId": device}

    def __getitem__(self, name):
        return self.state[name]

    def __setitem__(self, name, value):
        self.state[name] = value

    def save(self):
        """Makes all of it durable at once."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    # --- What the app sees and does

    def content(self, key):
        """The local content of an entity; None if it is deleted or was never there."""
        chain = self.chain(key)
        if chain:
            return chain[-1]["content"]
        if key in self["held"]:
            return self["held"][key]
        kept = self["oldBases"].get(key) or self["bases"].get(key)
        return kept["content"] if kept else None

    def keys(self):
        named = [edit["key"] for edit in self["queue"]]
        return sorted({*named, *self["held"], *self["oldBases"], *self["bases"]})

    def commit(self, edits):
        """Queues edits as one transaction: (collection, entity, content), durable on return (D1)."""
        group = self.take("nextTransaction") if len(edits) > 1 else None
        for collection, entity, content in edits:
            self.add(collection, entity, content, group)
        self.save()

    def add(self, collection, entity, content, group=None):
        key = key_of(collection, entity)
        chain, base = self.chain(key), self["bases"].get(key)
        edit = {"key": key, "collection": collection, "entity": entity, "content": content,
                "opId": self.take("nextOpId"), "deviceId": self["deviceId"], "transaction": group,
                "timestampMs": int(time.time() * 1000)}
        before = chain[-1] if chain else base or DELETED
        edit["version"] = before["version"] + 1
        if chain:
            edit["baseOpId"] = chain[-1]["opId"]
            if base and base["cursor"] is None:
                del edit["baseOpId"]  # Y3: the version decides.
        elif before["cursor"] is not None:
            edit["base"] = before["cursor"]
        self["queue"].append(edit)

    def take(self, counter):
        self[counter] += 1
        return self[counter] - 1

    # --- The queue

    def chain(self, key):
        return [edit for edit in self["queue"] if edit["key"] == key]

    def groups(self):
        """The queue as transactions, an edit of none by itself."""
        groups = []
        for edit in self["queue"]:
            last = groups[-1][-1] if groups else None
            if last and edit["transaction"] is not None \
                    and (last["transaction"], last["deviceId"]) \
                    == (edit["transaction"], edit["deviceId"]):
                groups[-1].append(edit)
            else:
                groups.append([edit])
        return groups

    def cut(self, group, operations_max, bytes_max, length_of):
        """Cuts a transaction that was never sent and is too large into pieces (D7)."""
        count, left = 0, 0
        for edit in group:
            length = length_of(edit)
            if count == 0 or length > left:
                number, count, left = self.take("nextTransaction"), operations_max, bytes_max
            edit |= {"transaction": number, "isPiece": True}
            count, left = count - 1, left - length

    def is_sent(self, edit):
        return edit["opId"] <= self["sentMark"]

    def rebase(self, key, cursor, version):
        """A chain is sent again on a cursor (13.4)."""
        chain = self.chain(key)
        if not chain:
            return
        self.put_on(chain[0], cursor)
        for edit in chain:
            version += 1
            edit["version"] = version

    @staticmethod
    def put_on(edit, cursor):
        edit.pop("base", None)
        edit.pop("baseOpId", None)
        if cursor is not None:
            edit["base"] = cursor

    def renumber(self, first):
        """D10: from the transaction of an edit to the end of the queue all have new numbers."""
        index = next(index for index, edit in enumerate(self["queue"]) if edit is first)
        group = first["transaction"]
        while index and group is not None and self["queue"][index - 1]["transaction"] == group:
            index -= 1
        new = {}
        for edit in self["queue"][index:]:
            number = self.take("nextOpId")
            new[edit["deviceId"], edit["opId"]] = number
            if "baseOpId" in edit:
                edit["baseOpId"] = new.get((edit["deviceId"], edit["baseOpId"]), edit["baseOpId"])
            edit["opId"] = number

    def renumber_changed(self, numbers):
        """Gives new numbers to what is still there of these sent ones."""
        for edit in self["queue"]:
            if edit["opId"] in numbers and self.is_sent(edit):
                self.renumber(edit)
                return

    def leave(self, edit, cursor, settled, version=None):
        """An edit leaves the queue, as it is in the log at a cursor (D6). 0: nobody knows where,
        None: the server knows no cursors. `settled` are numbers of which an answer has said what
        became of them."""
        key = edit["key"]
        base, chain = self["bases"].get(key), self.chain(key)
        self["queue"].remove(edit)
        self["oldBases"].pop(key, None)  # The new log has it.
        following = chain[1] if len(chain) > 1 else None
        if cursor == 0:
            if not following:
                self["held"][key] = edit["content"]
            return
        known = base["cursor"] if base else None
        if cursor is None or known is None or cursor > known:
            self.set_base(key, {"cursor": cursor, "version": version or edit["version"],
                                "content": edit["content"], "author": edit["deviceId"]})
            if following and (not self.is_sent(following) or following["opId"] in settled):
                self.put_on(following, cursor)

    def set_base(self, key, revision):
        self["held"].pop(key, None)
        if revision["cursor"] == 0:
            self["bases"].pop(key, None)
        else:
            self["bases"][key] = revision

    def quarantine(self, edits):
        """These leave the queue for people to look at; the next of a chain takes over (D15).
        Returns the numbers of what has changed."""
        changed = set()
        for edit in edits:
            chain = self.chain(edit["key"])
            index = chain.index(edit)
            if index + 1 < len(chain):
                following = chain[index + 1]
                following.pop("baseOpId", None)
                following |= {name: edit[name] for name in ("base", "baseOpId") if name in edit}
                changed.add(following["opId"])
            self["queue"].remove(edit)
            self["quarantine"].append(edit)
        return changed

    # --- Where edits meet

    def meet(self, key, revision, in_push):
        """A revision meets the chain of its entity (13.4). Returns the numbers of what is changed."""
        chain, base = self.chain(key), self["bases"].get(key)
        numbers = {edit["opId"] for edit in chain}
        made_on = chain[0].get("base", base["cursor"] if base else 0)
        gone = revision["content"] is None and revision["cursor"] == 0
        ours = revision["content"] is None and revision["author"] == self["deviceId"]
        tombstone = base is not None and base["content"] is None
        if in_push and made_on is not None and revision["cursor"] == made_on:
            self.rebase(key, made_on, revision["version"])
        elif in_push and gone and tombstone:
            self.set_base(key, revision)
            self.rebase(key, 0, 0)
        elif revision["content"] == chain[-1]["content"]:
            self.take_over(key, revision)
        elif ours and tombstone:
            self.set_base(key, revision)
            self.rebase(key, revision["cursor"], revision["version"])
        else:
            self.keep_conflict(chain[-1], base, revision)
            self.take_over(key, revision)
        return numbers

    def take_over(self, key, revision):
        self["queue"] = [edit for edit in self["queue"] if edit["key"] != key]
        self.set_base(key, revision)

    def keep_conflict(self, local, base, revision):
        self["conflicts"].append({
            "collection": local["collection"], "entity": local["entity"],
            "content": local["content"], "base": base and base["content"],
            "remote": revision["content"], "decision": "remote wins"})

    # --- What a push came to

    def settle(self, sent, fates, fresh):
        """Applies an answer to a push of some edits. `fates` says of each number ("accepted", cursor),
        ("rejected", code) or ("conflict", revision); `fresh` is above which number no earlier request
        had carried anything. Returns whether the device needs another name (13.7)."""
        signs = {number for number, (what, fact) in fates.items()
                 if fact == "opIdReuse" or what == "accepted" and fact == 0 and number > fresh}
        changed, conflicts, settled = set(), {}, set() if signs else set(fates)
        for edit in sent:
            number = edit["opId"]
            what, fact = fates.get(number, (None, None))
            if what == "accepted" and number not in signs:
                self.leave(edit, fact, settled)
                self["acceptedMark"] = max(self["acceptedMark"], number)
            elif what == "conflict":
                conflicts[edit["key"]] = fact
            if what in ("rejected", "conflict"):
                changed.add(number)
        if signs:
            return True
        for edit in sent:
            what, code = fates.get(edit["opId"], (None, None))
            if what == "rejected" and code != "transactionAborted" and edit in self["queue"]:
                changed |= self.quarantine(self.members(edit))
        for key, revision in conflicts.items():
            if self.chain(key):
                changed |= self.meet(key, revision, in_push=True)
        self.renumber_changed(changed)
        return False

    def members(self, edit):
        return next(group for group in self.groups() if edit in group)

    # --- What a page came to

    def apply(self, operations):
        """Applies the operations of a page, (key, revision, device, number), in their order."""
        own = self["resync"] is not None and self["resync"]["own"]
        last = {key: index for index, (key, *_) in enumerate(operations)}
        for index, (key, revision, device, number) in enumerate(operations):
            if self["resync"] is not None:
                self["resync"]["seen"][key] = True
            chain = self.chain(key)
            mine = [edit for edit in chain if (edit["deviceId"], edit["opId"], edit["content"])
                    == (device, number, revision["content"])]
            if mine:
                # With it come the earlier ones of its chain (13.3).
                for edit in chain[:chain.index(mine[0])]:
                    self["queue"].remove(edit)
                self.leave(mine[0], revision["cursor"], {edit["opId"] for edit in chain},
                           revision["version"])
            elif self.knows(key, chain, revision):
                continue
            elif not chain:
                self.set_base(key, revision)
            elif own:
                self.put_below(key, chain, revision)
            elif last[key] == index:
                self.renumber_changed(self.meet(key, revision, in_push=False))

    def knows(self, key, chain, revision):
        """D11."""
        base = self["bases"].get(key)
        if revision["cursor"] is None:
            return base is not None and revision["version"] <= base["version"]
        known = [base["cursor"] if base else 0, chain[0].get("base", 0) if chain else 0]
        return revision["cursor"] <= max(cursor or 0 for cursor in known)

    def put_below(self, key, chain, revision):
        """During a resync a chain meets nothing (13.5, step 2)."""
        self.set_base(key, revision)
        if "base" not in chain[0]:
            self.put_on(chain[0], 0)

    # --- Resync

    def start_resync(self, own):
        """13.5. `own`: operations of the queue may come back, as after all reasons but `compacted`."""
        before = self["resync"]
        self["resync"] = {"own": own or bool(before and before["own"]), "seen": {}}
        self["pulled"], self["snapshot"] = 0, None

    def forget_log(self):
        """13.6, the first half."""
        for key, base in self["bases"].items():
            self["oldBases"].setdefault(key, base)
        for key, content in self["held"].items():
            old = self["oldBases"].get(key, {**DELETED, "cursor": None})
            self["oldBases"][key] = {**old, "content": content}
        self["bases"], self["held"] = {}, {}
        for key in {edit["key"] for edit in self["queue"]}:
            if "base" in self.chain(key)[0]:
                self.rebase(key, 0, 0)
        self["logId"], self["seen"], self["acceptedMark"] = None, 0, 0
        self.start_resync(own=True)

    def rename(self):
        """13.7, step 1. The numbers go on."""
        self["deviceId"] = f"{self['name'][:100]}-{secrets.token_hex(8)}"
        self["acceptedMark"] = 0
        self.start_resync(own=True)

    def end_resync(self, end):
        """13.5, steps 3 and 4, and 13.6, the second half. `end` is the last `nextCursor`."""
        resync, self["resync"] = self["resync"], None
        for key, base in list(self["bases"].items()):
            is_old = base["cursor"] is None or base["cursor"] <= end
            if key not in resync["seen"] and is_old and not self.chain(key):
                del self["bases"][key]
                self["held"].pop(key, None)
        if resync["own"]:
            moved = [edit for edit in self["queue"]
                     if self.is_sent(edit) or edit["deviceId"] != self["deviceId"]]
            if moved:
                self.renumber(self["queue"][0])
                for edit in self["queue"]:
                    edit["deviceId"] = self["deviceId"]
        old, self["oldBases"] = self["oldBases"], {}
        for key, base in old.items():
            if not self.chain(key):
                self.compare_logs(key, base)

    def compare_logs(self, key, old):
        collection, entity = json.loads(key)
        local = {"collection": collection, "entity": entity, "content": old["content"]}
        new = self["bases"].get(key)
        if new is not None:
            if new["content"] != old["content"]:
                self.keep_conflict(local, None, new)
        elif old["cursor"] is None or old["cursor"] > self["oldest"]:
            self.add(collection, entity, old["content"])
        elif old["content"] is not None:
            self.keep_conflict(local, None, DELETED)
