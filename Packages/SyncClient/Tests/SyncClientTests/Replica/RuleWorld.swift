// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Synchronization

@testable import SyncClient

/// A server and devices with a known clock and known chance: where the tests of single rules start.
final class RuleWorld {
    let server: ModelServer
    let environment: SyncEnvironment
    /// The device that the rule is about, and what its resolver was asked.
    let device: ModelDevice
    let resolver: ResolverSpy
    /// Another device, whose resolver lets the server stand.
    let other: ModelDevice

    init(
        _ resolution: ConflictResolution = .keepRemote, pullLimit: UInt64 = 100
    ) throws {
        environment = .deterministic(seed: 1)
        server = ModelServer(logID: .numbered(1))
        resolver = ResolverSpy { _ in resolution }
        device = try ModelDevice(
            "d", resolver: resolver, environment: environment, pullLimit: pullLimit)
        other = try ModelDevice("o", environment: environment, pullLimit: 100)
    }

    /// Makes entities that the server and both devices have, at cursors from 1 on.
    func share(_ entities: [(id: String, tokens: [UInt64])]) throws {
        for (id, tokens) in entities { try other.put(tokens, id) }
        try other.sync(server)
        try device.sync(server)
    }

    /// The other device writes an entity, and the server has it.
    func otherPuts(_ tokens: [UInt64], _ id: String) throws {
        try other.put(tokens, id)
        try other.sync(server)
    }

    /// The other device deletes an entity, and the server knows.
    func otherDeletes(_ id: String) throws {
        try other.store.delete(in: "notes", id: id)
        try other.sync(server)
    }

    /// A new device that has the same files as `device`.
    func copyOfDevice() throws -> ModelDevice {
        let disk = SimulatedDisk()
        disk.replaceTree(at: "/device", with: device.disk.copyTree(at: "/device"))
        return try ModelDevice(
            device.name, on: disk, resolver: resolver, environment: environment, pullLimit: 100)
    }

    /// What the server has: contents by id.
    var serverContents: [String: [UInt64]] {
        var contents: [String: [UInt64]] = [:]
        for (key, operation) in server.current {
            if let content = operation.content {
                contents[key.entityID.rawValue] = Tokens.decode(content)
            }
        }
        return contents
    }
}

extension ModelDevice {
    /// What the device has: contents by id.
    var contents: [String: [UInt64]] {
        var contents: [String: [UInt64]] = [:]
        for (key, tokens) in entities { contents[key.entityID.rawValue] = tokens }
        return contents
    }

    var queued: [SyncOperation] { replica.queue.state.operations }

    /// What the device knows of an entity's revision on the server.
    func base(_ id: String) throws -> BaseRecord? {
        try store.rawEntity(in: "_base:notes", id: id).map { try BaseRecord(decoding: $0) }
    }

    func delete(_ id: String) throws { try store.delete(in: "notes", id: id) }

    /// Commits several entities at once.
    func put(_ entities: [(id: String, tokens: [UInt64])]) throws {
        try store.transaction { transaction in
            for (id, tokens) in entities {
                try transaction.putRaw(Tokens.encode(tokens), in: "notes", id: id)
            }
        }
    }

    /// How many transactions the store has committed.
    var commitCount: UInt64 { store.withWriteLock { $0.lastSequence } }
}

/// A resolver that remembers what it was asked.
final class ResolverSpy: ConflictResolver {
    private let asked = Mutex<[EntityConflict]>([])
    private let body: @Sendable (EntityConflict) -> ConflictResolution

    init(_ body: @escaping @Sendable (EntityConflict) -> ConflictResolution) { self.body = body }

    var conflicts: [EntityConflict] { asked.withLock { $0 } }

    func resolve(_ conflict: EntityConflict) -> ConflictResolution {
        asked.withLock { $0.append(conflict) }
        return body(conflict)
    }
}

/// A server that answers some requests otherwise than the model does.
final class ScriptedServer: ModelPeer {
    let server: ModelServer
    var onPush: (PushRequest) throws(SyncError) -> PushResponse?
    var onPull: (PullRequest) throws(SyncError) -> PullResponse? = { _ in nil }
    /// Every push that arrived, answered by the script or not.
    private(set) var pushes: [PushRequest] = []

    init(
        _ server: ModelServer,
        onPush: @escaping (PushRequest) throws(SyncError) -> PushResponse? = { _ in nil }
    ) {
        self.server = server
        self.onPush = onPush
    }

    func handshake(_ request: HandshakeRequest) throws(SyncError) -> HandshakeResponse {
        try server.handshake(request)
    }

    func pull(_ request: PullRequest) throws(SyncError) -> PullResponse {
        if let answer = try onPull(request) { return answer }
        return try server.pull(request)
    }

    func push(_ request: PushRequest) throws(SyncError) -> PushResponse {
        pushes.append(request)
        if let answer = try onPush(request) { return answer }
        return try server.push(request)
    }
}

extension SyncEnvironment {
    /// A wall clock that goes on by a millisecond at each look, and seeded chance.
    static func deterministic(seed: UInt64) -> SyncEnvironment {
        let state = Mutex<(UInt64, SeededGenerator)>((1_000_000, SeededGenerator(seed: seed)))
        return SyncEnvironment(
            wallMilliseconds: {
                state.withLock {
                    $0.0 += 1
                    return $0.0
                }
            },
            random: { state.withLock { $0.1.next() } })
    }
}

extension LogID {
    static func numbered(_ number: UInt64) -> LogID {
        var generator = SeededGenerator(seed: number)
        return .makeRandom(using: &generator)
    }
}
