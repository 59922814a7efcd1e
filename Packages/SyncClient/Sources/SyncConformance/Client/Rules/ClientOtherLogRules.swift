// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Section 13.6: what shows that a log is another one, and what becomes of entities then. And
    /// the third sign of 13.7.
    static let otherLogs: ClientChecks = [
        check("logs/delete", "13.6", "A delete that the other log lacks is pushed, with base 0.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", nil))
            try world.settle()
            world.restore(to: 0)
            try world.settle()

            let delete = try only(world.logged(), "operations in the new log")
            try expect(delete.kind == .delete, "What was pushed is no delete.")
            try expect(delete.base == 0, "The delete has a base of the old log.")
            try world.expect([:])
            try world.expectNothingPending()
        },
        check("logs/superseded", "13.6", "What a later page supersedes meets nothing.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", "oat milk"))
            try world.settle()
            world.restore(to: 2)
            world.server.withModel { $0.pageLimit = 1 }
            try world.settle()

            try world.expect(["n1": "oat milk"])
            try world.expectConflicts([:])
            try expect(
                world.logged().count == 2, "Something was pushed that the log has already.")
        },
        check("logs/newest", "13.6", "Only the newest revision of the other log is met.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.restore(to: 0)
            world.server.withModel { $0.pageLimit = 1 }
            world.other("n1", "soy milk")
            world.other("n1", "rice milk")
            try world.settle()

            try world.expect(["n1": "rice milk"])
            try world.expectServer(["n1": "rice milk"])
            try world.expectConflicts(["n1": "milk"])
        },
        check("logs/seen", "13.1", "It names the highest cursor that an answer has shown.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.follow { request, count in
                if request.push != nil, count == 1 {
                    return .changed { $0.otherEdit("n2", "bread", number: 90) }
                }
                return request.pull != nil && count > 1 ? .lostRequest : .served
            }
            try world.commit(("n3", "eggs"))
            try world.sync()
            try expect(
                world.server.withModel { $0.lastCursor } == 3, "The edit was not pushed.")
            let before = world.server.seen.count
            world.server.heal()
            try world.restart()
            try world.settle()

            let handshake = world.server.seen.dropFirst(before).compactMap(\.handshake).first
            try expect(
                handshake?.cursor == 3,
                "Its handshake says \(handshake?.cursor ?? 0), and it was shown 3.")
        },
        check("logs/fallen", "13.6", "A log that lost what it had accepted is another one.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n2", "bread"))
            try world.settle()
            // As from a server that keeps its logId, and whose log has grown again since.
            world.restore(to: 1, log: ClientWorld.firstLog)
            world.other("n3", "eggs")
            world.other("n4", "tea")
            try world.restart()
            try world.settle()

            let all = ["n1": "milk", "n2": "bread", "n3": "eggs", "n4": "tea"]
            try world.expectServer(all)
            try world.expect(all)
            try world.expectNothingPending()
        },
        check("logs/number-forgotten", "13.7", "Cursor 0 for what was never sent means a copy.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.follow { request, count in
                guard let push = request.push, count == 1 else { return .served }
                // As if a copy of this device had pushed under its numbers, long ago.
                let runs = push.operations.map {
                    AcceptedRun(firstOperationID: $0.operationID, firstCursor: 0, count: 1)
                }
                let answer = PushResponse(
                    acknowledgedUpTo: push.operations.last?.operationID ?? 0, conflicts: [],
                    serverCursor: 1, accepted: runs, rejected: [])
                return .body(answer.encoded())
            }
            try world.commit(("n2", "bread"))
            try world.settle()

            try world.expectServer(["n1": "milk", "n2": "bread"])
            let second = world.server.withModel { $0.head(ClientWorld.collection, "n2") }
            try expect(second?.deviceID != "phone", "It still calls itself phone.")
        },
    ]
}
