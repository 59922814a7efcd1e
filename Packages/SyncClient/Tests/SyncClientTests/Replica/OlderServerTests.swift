// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// A device of today with a server that knows only the first keys of the messages.
@Suite struct OlderServerTests {
    private let server = OlderServer()
    private let environment = SyncEnvironment.deterministic(seed: 3)
    private let resolver = ResolverSpy { .merge(Tokens.merge($0.local, $0.remote)) }
    private let device: ModelDevice
    private let other: ModelDevice

    init() throws {
        device = try ModelDevice("d", resolver: resolver, environment: environment)
        other = try ModelDevice("o", environment: environment)
    }

    @Test func sendsEditsWithoutBaseAndOneVersionAbove() throws {
        try other.put([1], "x")
        try other.sync(server)
        try device.sync(server)
        try device.put([1, 2], "x")
        try device.put([1, 2, 3], "x")
        try device.put([4], "new")
        try device.sync(server)

        let sent = server.pushes.filter { $0.deviceID == "d" }.flatMap(\.operations)
        #expect(sent.map(\.entityVersion) == [2, 3, 1])
        #expect(sent.map(\.base) == [nil, nil, nil])
        #expect(sent.map(\.baseOperationID) == [nil, nil, nil])
    }

    @Test func takesTheEndOfThePageAsPulled() throws {
        for number in 1...5 { try other.put([UInt64(number)], "e\(number)") }
        try other.sync(server)
        try device.sync(server)

        #expect(server.pulls.suffix(3).map(\.sinceCursor) == [0, 2, 4])
        #expect(device.replica.state.cursor == 5)
        #expect(device.entities == server.contents)
    }

    @Test func doesNotApplyItsOwnEchoes() throws {
        try device.put([1], "x")
        try device.syncToPush(server)
        _ = try device.step(server)
        try device.put([1, 2], "x")
        try device.sync(server)

        #expect(resolver.conflicts.isEmpty)
        #expect(device.contents == ["x": [1, 2]])
        #expect(server.log.map(\.entityVersion) == [1, 2])
    }

    @Test func sendsTheSameAgainAfterALostAnswer() throws {
        try device.put([1], "x")
        try device.syncToPush(server)
        _ = try device.step(server, .answerIsLost)
        try device.sync(server)

        #expect(server.log.count == 1)
        #expect(device.queued.isEmpty)
        #expect(try device.conflicts().isEmpty)
    }

    @Test func settlesAConflictByVersion() throws {
        try other.put([1], "x")
        try other.sync(server)
        try device.sync(server)
        try device.put([1, 3], "x")
        try device.syncToPush(server)
        try other.put([1, 2], "x")
        try other.sync(server)
        while try device.step(server) {}
        try other.sync(server)

        #expect(device.contents == ["x": [1, 2, 3]])
        #expect(server.contents == device.entities)
        #expect(other.entities == device.entities)
    }

    @Test func seesADeletion() throws {
        try other.put([1], "x")
        try other.sync(server)
        try device.sync(server)
        try other.delete("x")
        try other.sync(server)
        try device.sync(server)

        #expect(device.contents.isEmpty)
        try device.put([5], "x")
        try device.sync(server)
        #expect(server.pushes.last?.operations.map(\.entityVersion) == [3])
    }

    @Test func sendsALaterEditOfAnEntityOnlyOnceTheOneBeforeIsTaken() throws {
        let device = try ModelDevice("d", environment: environment)
        try other.put([1], "x")
        try other.sync(server)
        try device.sync(server)
        try device.put([1, 3], "x")
        try device.put([1, 3, 4], "x")
        try device.syncToPush(server)
        try other.put([1, 2], "x")
        try other.sync(server)
        while try device.step(server) {}
        try device.sync(server)

        #expect(server.pushes.allSatisfy { $0.operations.count <= 1 })
        #expect(device.entities == server.contents)
    }

    @Test func convergesWithAnotherDeviceUnderLoss() throws {
        for seed in 0..<UInt64(60) {
            let server = OlderServer()
            let devices = try ["a", "b"].map { name in
                try ModelDevice(
                    DeviceID(name), resolver: resolver,
                    environment: .deterministic(seed: seed))
            }
            var generator = SeededGenerator(seed: seed)
            var token: UInt64 = 0
            for _ in 0..<30 {
                let device = devices.randomElement(using: &generator)!
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    token += 1
                    let id = Bool.random(using: &generator) ? "x" : "y"
                    try device.put((device.tokens(id) ?? []) + [token], id)
                } else {
                    let fate: ModelDevice.Fate = [
                        .arrives, .arrives, .answerIsLost, .requestIsLost,
                    ]
                    .randomElement(using: &generator)!
                    _ = try device.step(server, fate)
                }
            }
            for device in devices + devices + devices { try device.sync(server) }

            let kept = Set(server.contents.values.joined())
            #expect(devices[0].entities == server.contents, "seed \(seed)")
            #expect(devices[1].entities == server.contents, "seed \(seed)")
            #expect(kept == Set(1...max(token, 1)) || token == 0, "seed \(seed)")
        }
    }
}
