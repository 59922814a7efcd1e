// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncClient

/// All that the files of a device hold, as its app and its sync see it.
struct DeviceContent: Equatable, CustomStringConvertible {
    var entities: [EntityKey: [UInt64]]
    var queue: QueueState
    var state: ReplicaState
    var conflicts: [ConflictRecord]

    init(_ device: ModelDevice) throws {
        entities = device.entities
        queue = device.replica.queue.state
        state = device.replica.state
        conflicts = try device.conflicts()
    }

    var tokens: Set<UInt64> { Set(entities.values.joined()) }

    var description: String {
        let contents = entities.map { "\($0.key.entityID): \($0.value)" }.sorted()
        let queued = queue.operations.map { "\($0.operationID): \($0.entityID)" }
        return "\(contents), queue \(queued), cursor \(state.cursor)"
    }
}

/// What the app of a device has been told, and the server that it syncs with. Each edit adds a
/// token of its own to an entity, and the resolver merges, so no token may ever go.
struct DeviceLedger {
    let server = ModelServer(logID: .numbered(1))
    let environment = SyncEnvironment.deterministic(seed: 1)
    /// Tokens that a commit has returned for, or that the app has seen.
    var told: Set<UInt64> = []
    /// Tokens that a commit has failed for: there or not.
    var attempted: Set<UInt64> = []
    /// Tokens that were committed together.
    var pairs: [(UInt64, UInt64)] = []
    var nextToken: UInt64 = 1

    mutating func makeToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    mutating func open(_ disk: SimulatedDisk) throws -> ModelDevice {
        try DeviceFiles.openDevice(disk, environment)
    }

    /// What is wrong with the files and the server, by all that was told. What they hold counts as
    /// told from here on.
    mutating func judge(_ content: DeviceContent) -> String? {
        let found = content.tokens
        let lost = told.subtracting(found)
        guard lost.isEmpty else { return "edits \(lost.sorted()) are lost" }
        let invented = found.subtracting(told).subtracting(attempted)
            .subtracting(Self.tokens(server.history))
        guard invented.isEmpty else { return "edits \(invented.sorted()) were never made" }
        let history = Self.tokens(server.history)
        for (first, second) in pairs {
            guard found.contains(first) == found.contains(second),
                history.contains(first) == history.contains(second)
            else { return "of edits \(first) and \(second) only one is there" }
        }
        let sent = server.history.map { "\($0.deviceID)/\($0.entityID)/\($0.content ?? [])" }
        guard Set(sent).count == sent.count else { return "an edit was accepted twice" }
        guard content.queue.checkInvariants() == nil else { return "the queue has no order" }
        told = found
        attempted = []
        return nil
    }

    private static func tokens(_ operations: [SyncOperation]) -> Set<UInt64> {
        Set(operations.flatMap { Tokens.decode($0.content ?? []) })
    }
}

/// The files of a device on a simulated disk.
enum DeviceFiles {
    static func openDevice(
        _ disk: SimulatedDisk, _ environment: SyncEnvironment
    ) throws -> ModelDevice {
        try ModelDevice(
            "d", on: disk, resolver: .custom { .merge(Tokens.merge($0.local, $0.remote)) },
            environment: environment, pullLimit: 2)
    }

    static func open(_ disk: SimulatedDisk) throws -> OpenedFiles<DeviceContent> {
        let device = try openDevice(disk, .deterministic(seed: 2))
        let recovery = device.store.recovery
        return OpenedFiles(
            try DeviceContent(device),
            repairs: recovery.tornBytes + UInt64(recovery.removedSegments)
                + device.replica.queue.cutBytes
        ) { device.store.close() }
    }
}

/// Everything that a device does with its files, in one story that goes on whatever fails.
final class DeviceStory {
    private let device: ModelDevice
    private let server: ModelServer
    private var isWhole = true

    /// Tells the story. Returns whether no step of it failed.
    static func tell(_ disk: SimulatedDisk, _ ledger: inout DeviceLedger) -> Bool {
        guard let device = try? ledger.open(disk) else { return false }
        let story = DeviceStory(device, ledger.server)
        story.tell(&ledger)
        return story.isWhole
    }

    private init(_ device: ModelDevice, _ server: ModelServer) {
        self.device = device
        self.server = server
    }

    private func tell(_ ledger: inout DeviceLedger) {
        edit(["x", "y"], &ledger)
        sync(&ledger)
        otherEdits(["x", "n\(ledger.nextToken)", "n"], &ledger)
        edit(["x"], &ledger)
        edit(["y"], &ledger)
        // The conflict of x is met in a pull, and settled.
        sync(&ledger)
        attempt { try device.store.checkpoint() }
        edit(["x", "z"], &ledger)
        attempt {
            try device.syncToPush(server)
            // One that another pushes first is met in the push.
            otherEdits(["z"], &ledger)
            _ = try device.step(server, .answerIsLost)
        }
        edit(["y"], &ledger)
        attempt { try device.replica.capture() }
        var isOpen = false
        attempt {
            try device.reopen()
            isOpen = true
        }
        guard isOpen else { return }
        edit(["z"], &ledger)
        sync(&ledger)
        let isEqual = device.contents.filter { !$0.value.isEmpty } == serverContents
        isWhole = isWhole && isEqual && device.queued.isEmpty
        device.store.close()
    }

    private func attempt(_ step: () throws -> Void) {
        do { try step() } catch { isWhole = false }
    }

    /// Adds a token to each of these entities, in one transaction.
    private func edit(_ ids: [String], _ ledger: inout DeviceLedger) {
        let tokens = ids.map { _ in ledger.makeToken() }
        if tokens.count == 2 { ledger.pairs.append((tokens[0], tokens[1])) }
        do {
            try device.store.transaction { transaction in
                for (id, token) in zip(ids, tokens) {
                    let before = transaction.rawEntity(in: "notes", id: id).map(Tokens.decode) ?? []
                    try transaction.putRaw(Tokens.encode(before + [token]), in: "notes", id: id)
                }
            }
            ledger.told.formUnion(tokens)
        } catch {
            ledger.attempted.formUnion(tokens)
            isWhole = false
        }
    }

    /// Adds a token to each of these entities on the server, as another device does.
    private func otherEdits(_ ids: [String], _ ledger: inout DeviceLedger) {
        for id in ids {
            let token = ledger.makeToken()
            let current = server.current[EntityKey("notes", EntityID(id))]
            let before = current.flatMap(\.content).map(Tokens.decode) ?? []
            let operation = SyncOperation(
                operationID: OperationID(token), databaseID: "db", deviceID: "o",
                collection: "notes", entityID: EntityID(id), kind: .upsert,
                entityVersion: EntityVersion(token), entityCBOR: Tokens.encode(before + [token]),
                timestampMilliseconds: 7, base: current?.cursor ?? 0)
            attempt {
                _ = try server.push(
                    PushRequest(databaseID: "db", deviceID: "o", operations: [operation]))
            }
        }
    }

    private func sync(_ ledger: inout DeviceLedger) {
        attempt {
            try device.sync(server)
            // What the app sees, stays.
            ledger.told.formUnion(device.entities.values.joined())
        }
    }

    private var serverContents: [String: [UInt64]] {
        var contents: [String: [UInt64]] = [:]
        for (key, operation) in server.current {
            contents[key.entityID.rawValue] = Tokens.decode(operation.content ?? [])
        }
        return contents
    }
}
