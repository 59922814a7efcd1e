// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Sections 13.5 to 13.7: logs that are others, and devices that are.
    static let logs: ClientChecks = [
        check("logs/other", "13.6", "On an empty other log everything is pushed again with base 0.")
        {
            world in
            try world.commit(("n1", "milk"), ("n2", "bread"))
            try world.settle()
            try world.commit(("n1", "oat milk"))
            try world.settle()
            world.restore(to: 0)
            try world.settle()

            try world.expectServer(["n1": "oat milk", "n2": "bread"])
            try world.expect(["n1": "oat milk", "n2": "bread"])
            try expect(
                world.logged().allSatisfy { $0.base == 0 },
                "An operation has a base of the old log.")
            try world.expectNothingPending()
        },
        check("logs/other-handshake", "13.6", "It shakes hands again without logId and cursor.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.restore(to: 0)
            let before = world.server.seen.count
            try world.settle()

            let later = world.server.seen.dropFirst(before)
            let free = later.firstIndex {
                $0.handshake != nil && $0.handshake?.logID == nil
                    && ($0.handshake?.cursor ?? 0) == 0
            }
            let push = later.firstIndex { $0.push != nil && $0.status == 200 }
            try expect(free != nil, "There is no handshake without logId and cursor.")
            try expect(
                (push ?? .max) > (free ?? .max), "Something was pushed to the new log before that.")
            let pulls = later.filter { $0.pull != nil && $0.status == 200 }
            try expect(
                pulls.first?.pull?.sinceCursor == 0 && pulls.first?.pull?.includesOwn == true,
                "The resync does not begin with a pull from 0 that includes one's own.")
        },
        check("logs/equal", "13.6", "What the other log has with equal content is no conflict.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n2", "bread"))
            try world.settle()
            world.restore(to: 1)
            try world.settle()

            try world.expectServer(["n1": "milk", "n2": "bread"])
            try world.expectConflicts([:])
            try expect(
                world.logged().count == 2, "Something was pushed that the log has already.")
        },
        check("logs/unlike", "13.6", "Other content meets the local one, and the loser is kept.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.restore(to: 0)
            world.other("n1", "soy milk")
            try world.settle()

            try world.expect(["n1": "soy milk"])
            try world.expectServer(["n1": "soy milk"])
            try world.expectConflicts(["n1": "milk"])
        },
        check("logs/unsent", "13.6", "Edits that wait survive another log, with base 0.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.restore(to: 0)
            try world.commit(("n1", "oat milk"))
            try world.commit(("n2", "bread"))
            try world.settle()

            try world.expectServer(["n1": "oat milk", "n2": "bread"])
            try world.expectNothingPending()
        },
        check("logs/ahead", "13.6", "A log that has gone back is another one.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n2", "bread"))
            try world.settle()
            // As from a server that keeps its logId when it is put back.
            world.restore(to: 1, log: ClientWorld.firstLog)
            try world.settle()

            try world.expectServer(["n1": "milk", "n2": "bread"])
            try world.expect(["n1": "milk", "n2": "bread"])
            try world.expectNothingPending()
        },
        check("logs/unknown-reason", "11 X1", "An unknown reason of error 11 is like otherLog.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.restore(to: 0)
            var refusal = ErrorResponse(code: .invalidCursor, message: "This is a test.")
            refusal.details.reason = "someDay"
            let answer = refusal
            world.server.follow { request, _ in
                let knows = request.push?.logID ?? request.pull?.logID ?? request.handshake?.logID
                return knows == ClientWorld.firstLog
                    ? .refused(409, answer, retryAfterSeconds: nil) : .served
            }
            try world.settle()

            try world.expectServer(["n1": "milk"])
        },
        check("logs/compacted", "13.5", "After error 11 with compacted, what is gone is dropped.") {
            world in
            for name in ["n1", "n2", "n3"] { world.other(name, "x") }
            try world.settle()
            world.other("n2", nil)
            world.other("n4", "y")
            world.server.withModel { $0.compact() }
            try world.settle()

            try world.expect(["n1": "x", "n3": "x", "n4": "y"])
            let first = world.server.seen.last { $0.status == 410 }
            try expect(first != nil, "Nothing was asked that the compacted log refuses.")
        },
        check("logs/compacted-edits", "13.5", "Edits that wait survive a resync.") { world in
            world.server.withModel { $0.pageLimit = 1 }
            for name in ["n1", "n2", "n3"] { world.other(name, "x") }
            try world.settle()
            world.other("n2", nil)
            world.other("n4", "y")
            world.server.withModel { $0.compact() }
            try world.commit(("n1", "mine"))
            try world.commit(("n5", "new"))
            try world.settle()

            let all = ["n1": "mine", "n3": "x", "n4": "y", "n5": "new"]
            try world.expect(all)
            try world.expectServer(all)
            try world.expectNothingPending()
        },
        check("logs/number-taken", "13.7", "After opIdReuse the device takes a new name.") {
            world in
            // A copy of this device has pushed under its name, and it was not told.
            world.server.withModel { model in
                _ = try? model.handshake(
                    HandshakeRequest(
                        databaseID: ClientWorld.database, deviceID: "copy",
                        clientInfo: ClientInfo(platform: "test", appVersion: "1")))
            }
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.follow { request, count in
                guard request.push != nil, count == 1 else { return .served }
                return .changed { $0.copyEdit("n9", "copy", of: "phone", number: 2) }
            }
            try world.commit(("n2", "bread"))
            try world.settle()
            world.server.heal()
            try world.settle()

            try world.expectServer(["n1": "milk", "n2": "bread", "n9": "copy"])
            try world.expect(["n1": "milk", "n2": "bread", "n9": "copy"])
            try world.expectQuarantine([:])
            let second = world.server.withModel { $0.head(ClientWorld.collection, "n2") }
            try expect(second?.deviceID != "phone", "It still calls itself phone.")
        },
        check("logs/number-ahead", "13.7", "So does one whose handshake names a higher number.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.withModel { $0.copyEdit("n9", "copy", of: "phone", number: 50) }
            try world.restart()
            try world.commit(("n2", "bread"))
            try world.settle()

            try world.expectServer(["n1": "milk", "n2": "bread", "n9": "copy"])
            let second = world.server.withModel { $0.head(ClientWorld.collection, "n2") }
            try expect(second?.deviceID != "phone", "It still calls itself phone.")
        },
    ]
}

extension ClientWorld {
    /// The server is put back to where it was at a cursor, and has a new log unless one is named.
    func restore(to cursor: Cursor, log: LogID = ClientWorld.log(2)) {
        server.withModel { $0.restore(to: cursor, logID: log) }
    }
}

extension ServerModel {
    /// The edit of a copy of a device, which knows what the device knew.
    fileprivate mutating func copyEdit(
        _ name: String, _ text: String, of device: DeviceID, number: UInt64
    ) {
        append(
            SyncOperation(
                operationID: OperationID(number), databaseID: ClientWorld.database,
                deviceID: device, collection: ClientWorld.collection, entityID: EntityID(name),
                kind: .upsert, entityVersion: 1, entityCBOR: ClientWorld.content(text),
                timestampMilliseconds: 1_700_000_000_000, base: 0))
    }
}
