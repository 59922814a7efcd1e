// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import Synchronization
import SyncClient
import SyncProtocol
import Testing

/// Devices under the policies of a real server. Two devices have changed one entity, and the one
/// pushes between the other's pull and its push: what meets there, the server decides.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct PolicyTests {
    /// An entity with fields that merge.
    struct Form: Codable, Equatable {
        var left = 0
        var right = 0
    }

    /// What the devices hold in the end, and what `b` says of its cycle.
    private struct Outcome {
        var form: Form?
        var log: [SyncOperation]
        var report: SyncReport
        var kept: Int
    }

    /// Plays the story: `a` and `b` know a form, then both change it, and `a` captures its
    /// edit when that of `b` is on the way already.
    ///
    /// - Parameter editsAgain: Whether `b` goes on editing while its push is on the way.
    private func play(
        _ flags: [String], a ofA: Form?, b ofB: Form?, editsAgain: Form? = nil
    ) async throws -> Outcome {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve("server", flags)
        let a = try Device("a", on: bench, port: server.port)
        let gate = Gate()
        let b = try Device(
            "b", on: bench, port: server.port, resolver: .clientWins,
            transport: { GatedTransport(transport: $0, gate: gate) })
        try write(Form(), a)
        try await a.engine.sync()
        try await b.engine.sync()
        try write(ofA, a)
        try write(ofB, b)
        gate.set {
            try await a.engine.sync()
            if let editsAgain { try write(editsAgain, b) }
        }

        let report = try await b.engine.sync()
        try await b.engine.sync()
        try await a.engine.sync()

        #expect(gate.isUsed)
        #expect(a.content == b.content)
        let log = try ServerLog(port: server.port)
        log.checkLaws()
        #expect(log.content == a.content)
        return Outcome(
            form: try a.store.get(Form.self, in: "forms", id: "1"), log: log.operations,
            report: report, kept: try await b.engine.conflicts().count)
    }

    private func write(_ form: Form?, _ device: Device) throws {
        if let form {
            try device.store.put(form, in: "forms", id: "1")
        } else {
            try device.store.delete(in: "forms", id: "1")
        }
    }

    private let ofA = Form(left: 1, right: 0)
    private let ofB = Form(left: 0, right: 1)

    @Test func detectAsksTheResolver() async throws {
        let outcome = try await play([], a: ofA, b: ofB)

        #expect(outcome.form == ofB)
        #expect(outcome.kept == 1)
        #expect(outcome.log.count == 3)
    }

    @Test func serverWinsAsksNoResolver() async throws {
        let outcome = try await play(["--policy", "forms=serverWins"], a: ofA, b: ofB)

        #expect(outcome.form == ofA)
        #expect(outcome.kept == 1)
        #expect(outcome.log.count == 2)
    }

    @Test func clientWinsLetsTheLaterPushStand() async throws {
        let outcome = try await play(["--policy", "clientWins"], a: ofA, b: ofB)

        #expect(outcome.form == ofB)
        #expect(outcome.kept == 0)
        #expect(outcome.report.counts.pushed == 1)
        #expect(outcome.log.count == 3)
    }

    @Test func lastWriteWinsLetsTheLaterStampStand() async throws {
        let outcome = try await play(["--policy", "lastWriteWins"], a: ofA, b: ofB)

        // An edit is stamped when it is captured, and b had captured its own before.
        #expect(outcome.form == ofA)
        #expect(outcome.kept == 0)
        #expect(outcome.log.map(\.deviceID) == ["a", "a", "b", .server])
    }

    @Test func mergeLetsTheFieldsOfBothStand() async throws {
        let outcome = try await play(["--policy=forms=merge"], a: ofA, b: ofB)

        #expect(outcome.form == Form(left: 1, right: 1))
        #expect(outcome.kept == 0)
        #expect(outcome.log.map(\.deviceID) == ["a", "a", "b", .server])
    }

    @Test func whatMergeLeavesToTheDeviceItsResolverDecides() async throws {
        let outcome = try await play(["--policy", "merge"], a: nil, b: ofB)

        #expect(outcome.form == ofB)
        #expect(outcome.kept == 1)
    }

    /// The revision of the server meets the edit that was made on what it overruled.
    @Test func anEditMadeMeanwhileMeetsTheServersRevision() async throws {
        let outcome = try await play(
            ["--policy", "merge"], a: ofA, b: ofB, editsAgain: Form(left: 0, right: 2))

        #expect(outcome.form?.right == 2)
        #expect(outcome.log.contains { $0.deviceID == .server })
    }
}

/// Something that happens once, before a push leaves.
private final class Gate: Sendable {
    private let action = Mutex<(@Sendable () async throws -> Void)?>(nil)
    private let passed = Mutex(false)

    var isUsed: Bool { passed.withLock { $0 } }

    func set(_ action: @escaping @Sendable () async throws -> Void) {
        self.action.withLock { $0 = action }
    }

    func pass() async {
        let due = action.withLock { action in
            defer { action = nil }
            return action
        }
        guard let due else { return }
        do {
            try await due()
            passed.withLock { $0 = true }
        } catch {
            Issue.record(error)
        }
    }
}

private struct GatedTransport: SyncTransport {
    let transport: any SyncTransport
    let gate: Gate

    func handshake(_ request: HandshakeRequest) async throws(SyncError) -> HandshakeResponse {
        try await transport.handshake(request)
    }

    func pull(_ request: PullRequest) async throws(SyncError) -> PullResponse {
        try await transport.pull(request)
    }

    func push(_ request: PushRequest) async throws(SyncError) -> PushResponse {
        await gate.pass()
        return try await transport.push(request)
    }
}
