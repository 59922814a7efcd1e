// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// L7: pulls that wait. Order is decided by answers: a push is answered before the pull is
    /// looked at.
    static let waiting: ServerChecks = [
        rule("wait/woken", "8.3 L7", "A waiting pull is woken by a push, and shows it.") {
            let waiting = try Waiting($0, since: 0)
            try waiting.expectNoNews("there is nothing to show")
            try $0.write(1, "n1")
            let page = try waiting.page()
            try page.expect(cursors: [1])
            try page.expect(next: 1, hasMore: false)
        },
        rule("wait/at-once", "8.3 L7", "It does not wait if something passes the filter.") {
            try fill($0, 2)
            let page = try Waiting($0, since: 1).page()
            try page.expect(cursors: [2])
        },
        rule(
            "wait/time-over", "8.3 L7",
            "When the time is over the page is empty, and not before it is."
        ) {
            try fill($0, 1)
            let clock = ContinuousClock()
            let start = clock.now
            let page = try Waiting($0, since: 1, ["waitMs": 400]).page()
            try page.expect(cursors: [])
            try page.expect(next: 1, hasMore: false)
            // A clock that is a little coarse is no offence.
            let waited = start.duration(to: clock.now)
            try page.expect(
                waited > .milliseconds(350), "It waited for \(waited.milliseconds) ms only.")
        },
        rule(
            "wait/passed-by", "8.3 L7",
            "An operation that the filter leaves out does not wake it, and is passed."
        ) {
            let waiting = try Waiting($0, since: 0, ["collections": ["x"]])
            try $0.write(1, "n1")
            try $0.write(2, "n2")
            try waiting.expectNoNews("operations that the filter leaves out were pushed")
            try $0.write(3, "n3", "", base: 0, ["collection": "x"])
            try waiting.page().expect(cursors: [3])
        },
        rule("wait/own", "8.3 L7, L5", "The device's own operations do not wake it.") {
            let other = $0.other("b")
            let waiting = try Waiting($0, since: 0, ["deviceId": "a"])
            try $0.write(1, "n1")
            try waiting.expectNoNews("the device itself had pushed")
            try other.write(1, "n2")
            try waiting.page().expect(cursors: [2])
        },
        rule("wait/refused", "8.3 L7", "A push that was refused does not wake it.") {
            try $0.write(1, "n1")
            let waiting = try Waiting($0, since: 1)
            try $0.push([$0.operation(2, "n1"), $0.operation(3, "n2", "", ["opType": "move"])])
            try waiting.expectNoNews("nothing was accepted")
            try $0.write(4, "n4")
            try waiting.page().expect(cursors: [2])
        },
        rule("wait/whole", "8.3 L7, L6", "A transaction wakes it, and shows whole.") {
            let waiting = try Waiting($0, since: 0, ["limit": 1])
            let operations = (UInt64(1)...5).map { [device = $0] in
                device.operation($0, "n\($0)", "", member(7))
            }
            try $0.push(operations)
            try waiting.page().expect(cursors: [1, 2, 3, 4, 5])
        },
        rule("wait/many", "8.3 L7", "One push wakes all that wait.") {
            var waiting: [Waiting] = []
            for index in 1...8 {
                waiting.append(try Waiting($0.other("w\(index)"), since: 0))
            }
            try $0.write(1, "n1")
            for pull in waiting { try pull.page().expect(cursors: [1]) }
        },
        rule("wait/databases", "8.3 L7", "A push to another database does not wake it.") {
            let other = try $0.server.makeDevice()
            let waiting = try Waiting($0, since: 0)
            try other.write(1, "n1")
            try waiting.expectNoNews("another database was written to")
            try $0.write(1, "n2")
            try waiting.page().expect(cursors: [1])
        },
        rule(
            "wait/given-up", "8.3 L7", "A pull that nobody waits for any more does no harm."
        ) {
            for index in 0..<8 {
                let waiting = try Waiting($0, since: 0)
                waiting.connection.close(isReset: index.isMultiple(of: 2))
            }
            try $0.write(1, "n1")
            try $0.pull().expect(cursors: [1])
        },
        rule(
            "wait/long", "8", "waitMs above 30 000 is taken as that: it is no error."
        ) {
            try fill($0, 1)
            try $0.pull(["waitMs": .unsigned(UInt64(Int64.max))]).expect(cursors: [1])
        },
    ]
}

/// A pull that was sent and may wait, on a connection of its own.
private struct Waiting {
    let connection: Connection
    let request: Request
    let device: Device

    /// Sends the pull; it may wait as long as the protocol lets it.
    init(_ device: Device, since cursor: UInt64, _ changes: [String: CBORValue?] = [:]) throws {
        self.device = device
        let message = device.pullRequest(
            since: cursor, limit: 100,
            ["waitMs": 30_000].merging(changes) { $1 })
        request = device.request("/v1/pull", message)
        connection = try device.server.connect()
        try connection.send(device.server.bytes(of: request))
    }

    /// The answer. One that comes only when the time is over is none: nobody was woken.
    func page() throws -> Page {
        let limit = min(device.server.timeout, .seconds(25))
        do throws(ConformanceFailure) {
            return try Page(
                Answer(request: request, response: connection.receive(within: limit)))
        } catch {
            throw error.facts.isEmpty ? error.adding("request", request.description) : error
        }
    }

    /// Throws if an answer has come by now.
    func expectNoNews(_ why: String) throws {
        // Whoever was woken has answered before the answer to this later request.
        _ = try device.pull()
        guard connection.hasNews else { return }
        let answer = Answer(request: request, response: try connection.receive())
        throw answer.failure("The pull was answered although \(why).")
    }
}
