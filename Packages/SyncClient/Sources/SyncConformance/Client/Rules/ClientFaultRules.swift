// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    private static let pushPath = "/v1/push"
    private static let pullPath = "/v1/pull"
    private static let handshakePath = "/v1/handshake"

    /// Section 11, and what a network does. Whatever happens, the laws of `WireLaws` hold: what was
    /// lost is sent again as it was, and before anything is pulled.
    static let faults: ClientChecks = [
        lost(
            "lost-answer", pushPath, .lostAnswer, "7.1 P4",
            "A push whose answer is lost counts once."),
        lost(
            "lost-push", pushPath, .lostRequest, "13.2 D5",
            "A push that never arrived is sent again."),
        lost("cut-answer", pushPath, .cutAnswer, "13.2 D5", "Half an answer settles nothing."),
        lost(
            "no-cbor", pushPath, .body([0xFF]), "13.2 D5",
            "An answer that is no CBOR settles nothing."),
        lost(
            "no-message", pushPath, .body([0xA0]), "13.2 D5",
            "An answer that is another message settles nothing."),
        lost(
            "no-body", pushPath, .refused(500, nil, retryAfterSeconds: nil), "11 X2",
            "500 is retried."),
        lost("internal", pushPath, .refused(500, .internalError), "11", "Error 8 is retried."),
        lost(
            "bad-gateway", pushPath, .refused(502, nil, retryAfterSeconds: nil), "11 X2",
            "502, too."),
        lost("timeout", pushPath, .refused(504, .timeout), "11", "Error 10 is retried."),
        lost(
            "lost-page", pullPath, .lostAnswer, "8.1 L3", "A lost page is asked for again."),
        lost("cut-page", pullPath, .cutAnswer, "13.3 D3", "Half a page does not count."),
        lost(
            "page-no-cbor", pullPath, .body([0xFF]), "13.3 D3", "A page that is no CBOR, neither."),
        lost("lost-handshake", handshakePath, .lostAnswer, "6", "A lost handshake is made again."),
        lost(
            "late", pushPath, .late(milliseconds: 1_200), "13.2 D4", "A late answer counts."),
        lost(
            "answered-twice", pushPath, .twice, "4 H4",
            "A second answer to one request is not taken for the answer to the next."),
        check("faults/lost-again", "7.1 P4", "An answer may be lost three times.") { world in
            world.server.follow { request, count in
                request.path == pushPath && count <= 3 ? .lostAnswer : .served
            }
            try world.commit(("n1", "milk"))
            try world.settle()

            try expect(world.logged().count == 1, "There is not one operation in the log.")
            try world.expectNothingPending()
        },
        check(
            "faults/edit-while-lost", "13.2 D5",
            "An edit that follows a lost push does not change what was sent."
        ) { world in
            world.server.follow { request, _ in request.path == pushPath ? .lostAnswer : .served }
            try world.commit(("n1", "milk"))
            _ = try world.sync()
            try world.commit(("n1", "oat milk"))
            world.server.heal()
            try world.settle()

            try expect(
                world.logged().map(\.entityCBOR)
                    == [ClientWorld.content("milk"), ClientWorld.content("oat milk")],
                "The log does not have the first edit and then the second.")
            try world.expectNothingPending()
        },
        check(
            "faults/pulled-after-loss", "13.2 D5",
            "What others did meanwhile is pulled after the lost push is settled."
        ) { world in
            world.server.follow { request, count in
                request.path == pushPath && count == 1 ? .lostAnswer : .served
            }
            try world.commit(("n1", "milk"))
            _ = try world.sync()
            world.other("n1", "oat milk")
            try world.settle()

            try world.expect(["n1": "oat milk"])
            try world.expectConflicts([:])
            try expect(world.logged().count == 1, "There is not one operation in the log.")
        },
        check("faults/retry-after", "11 X3", "Nothing is asked before Retry-After is over.") {
            world in
            world.server.follow { request, count in
                request.path == pushPath && count == 1
                    ? .refused(503, .serviceUnavailable, retryAfterSeconds: 2) : .served
            }
            try world.commit(("n1", "milk"))
            // A sync that does not wait gives up; then it is the app's to wait.
            try world.settle(pausing: 2_100)

            try expectPause(world, of: .seconds(2))
            try world.expectServer(["n1": "milk"])
        },
        check("faults/rate-limit", "11", "Error 7 is retried after Retry-After.") { world in
            world.server.follow { request, count in
                request.path == pushPath && count == 1
                    ? .refused(429, .rateLimitExceeded, retryAfterSeconds: 1) : .served
            }
            try world.commit(("n1", "milk"))
            try world.settle(pausing: 1_100)

            try expectPause(world, of: .seconds(1))
            try world.expectServer(["n1": "milk"])
        },
        check("faults/token", "4 H5", "After error 2 the queue is kept, and nobody is hammered.") {
            world in
            world.server.follow { request, _ in
                request.path == pushPath ? .refused(401, .authenticationFailed) : .served
            }
            try world.commit(("n1", "milk"))
            let reason = try world.sync()

            try expect(reason != nil, "The sync says that it worked.")
            // With a new token it may be tried once more.
            try expect(world.pushes.count <= 2, "There were \(world.pushes.count) pushes.")
            world.server.heal()
            try world.settle()
            try world.expectServer(["n1": "milk"])
        },
        check("faults/forbidden", "11", "Error 3 is not tried again by itself.") { world in
            world.server.follow { request, _ in
                request.path == handshakePath ? .refused(403, .authorizationFailed) : .served
            }
            try world.commit(("n1", "milk"))
            let reason = try world.sync()

            try expect(reason != nil, "The sync says that it worked.")
            let count = world.server.seen.count { $0.path == handshakePath }
            try expect(count == 1, "There were \(count) handshakes.")
            world.server.heal()
            try world.settle()
            try world.expectServer(["n1": "milk"])
        },
        check("faults/version", "6 S2", "Error 5 stops the device, and nothing is lost.") { world in
            world.server.follow { _, _ in .refused(426, .versionMismatch) }
            try world.commit(("n1", "milk"))
            let reason = try world.sync()

            try expect(reason != nil, "The sync says that it worked.")
            let count = world.server.seen.count
            try expect(count == 1, "There were \(count) requests, and should be one.")
            world.server.heal()
            try world.settle()
            try world.expectServer(["n1": "milk"])
        },
    ]

    /// A check in which the first request of a path, once a device is at work, is treated so.
    private static func lost(
        _ name: String, _ path: String, _ treatment: Treatment, _ section: String,
        _ expectation: String
    ) -> ConformanceSuite<ClientUnderTest>.Entry {
        check("faults/\(name)", section, expectation) { world in
            if path == handshakePath {
                world.server.follow { request, count in
                    request.path == path && count == 1 ? treatment : .served
                }
            }
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.follow { request, count in
                request.path == path && count == 1 ? treatment : .served
            }
            world.other("n2", "bread")
            try world.commit(("n3", "eggs"), ("n4", "salt"))
            try world.settle()
            world.server.heal()
            try world.settle()

            let all = ["n1": "milk", "n2": "bread", "n3": "eggs", "n4": "salt"]
            try world.expect(all)
            try world.expectServer(all)
            try world.expectNothingPending()
            try world.expectConflicts([:])
            try expect(
                world.logged().count == 3, "There are \(world.logged().count) operations of three.")
            let was = world.server.seen.contains { seen in
                if case .served = seen.treatment { false } else { seen.path == path }
            }
            try expect(was, "The client asked nothing of \(path) that could go wrong.")
        }
    }

    /// Throws if the request after a refusal came too early.
    private static func expectPause(_ world: ClientWorld, of duration: Duration) throws {
        let seen = world.server.seen
        guard let index = seen.firstIndex(where: { $0.status == 503 || $0.status == 429 }),
            let answered = seen[index].answered, index + 1 < seen.count
        else { throw ConformanceFailure("Nothing was refused, or nothing tried again.") }
        let waited = answered.duration(to: seen[index + 1].time)
        // Clocks of two processes tick at their own pace.
        try expect(
            waited >= duration - .milliseconds(100), "The next request came after \(waited).")
    }
}
