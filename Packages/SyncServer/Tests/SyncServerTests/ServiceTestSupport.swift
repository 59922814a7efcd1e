// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import Synchronization
import SyncProtocol
import SyncTestSupport

@testable import SyncServer

/// A clock that stands still until a test moves it.
final class ManualTime: Sendable {
    private let milliseconds = Mutex<UInt64>(1_000)

    func advance(milliseconds count: UInt64) { milliseconds.withLock { $0 += count } }

    /// The reading in milliseconds; setting it may turn the clock back.
    var wall: UInt64 {
        get { milliseconds.withLock { $0 } }
        set { milliseconds.withLock { $0 = newValue } }
    }

    /// Both readings, from one counter.
    var clock: ServiceClock {
        ServiceClock(
            wallMilliseconds: { self.milliseconds.withLock { $0 } },
            monotonicNanoseconds: { self.milliseconds.withLock { $0 } * 1_000_000 })
    }

    var nanoseconds: UInt64 { milliseconds.withLock { $0 } * 1_000_000 }
}

/// Takes an answer whenever it comes.
final class AnswerBox {
    private(set) var answer: ServiceAnswer?

    func take(_ answer: ServiceAnswer) {
        precondition(self.answer == nil, "A request is answered once.")
        self.answer = answer
    }

    /// The message that was answered.
    func message<Message: WireValue>(_: Message.Type = Message.self) throws -> Message {
        switch answer {
        case .message(let bytes): return try Message(decoding: bytes)
        case .page(let chain): return try Message(decoding: chain.joined)
        case .failure(let failure): throw failure
        case nil: throw Unanswered()
        }
    }

    struct Unanswered: Error {}
}

/// A service on a simulated disk, with a database `db` that a handshake of device `a` has made.
final class ServiceUnderTest {
    let disk: SimulatedDisk
    let time = ManualTime()
    let configuration: ServiceConfiguration
    private(set) var service: SyncService<SimulatedDisk>
    /// What the operator was told.
    var told: [String] { notes.all }
    private var notes = Notes()

    final class Notes {
        var all: [String] = []
    }

    init(
        _ configuration: ServiceConfiguration = .init(), disk: SimulatedDisk = SimulatedDisk(),
        shakesHands: Bool = true
    ) throws {
        self.disk = disk
        self.configuration = configuration
        service = try Self.start(disk, configuration, time, notes)
        if shakesHands { try handshake() }
    }

    private static func start(
        _ disk: SimulatedDisk, _ configuration: ServiceConfiguration, _ time: ManualTime,
        _ notes: Notes
    ) throws -> SyncService<SimulatedDisk> {
        try SyncService(
            directory: "data", disk: disk, configuration: configuration, clock: time.clock,
            generator: SeededGenerator(seed: UInt64(disk.callCount)),
            tell: { notes.all.append($0) })
    }

    /// Stops the service and starts it again on the same disk.
    func restart() throws {
        service.close()
        service = try Self.start(disk, configuration, time, notes)
    }

    /// Cuts the power and starts the service again.
    func crash(using generator: inout SeededGenerator) throws {
        disk.crash(using: &generator)
        service = try Self.start(disk, configuration, time, notes)
    }

    @discardableResult
    func handshake(
        _ device: DeviceID = "a", database: DatabaseID = "db", logID: LogID? = nil,
        cursor: Cursor? = nil, version: UInt64 = 1
    ) throws -> HandshakeResponse {
        try service.handshake(
            HandshakeRequest(
                databaseID: database, deviceID: device,
                clientInfo: ClientInfo(platform: "test", appVersion: "1"),
                protocolVersion: version, logID: logID, cursor: cursor))
    }

    /// Stages a push; the box is filled by a commit.
    func stage(
        _ operations: [SyncOperation], device: DeviceID = "a", database: DatabaseID = "db",
        logID: LogID? = nil, cursor: Cursor? = nil
    ) throws -> AnswerBox {
        let box = AnswerBox()
        try service.push(
            PushRequest(
                databaseID: database, deviceID: device, logID: logID, cursor: cursor,
                operations: operations), answer: box.take)
        return box
    }

    /// Pushes and commits.
    @discardableResult
    func push(
        _ operations: [SyncOperation], device: DeviceID = "a", database: DatabaseID = "db",
        logID: LogID? = nil, cursor: Cursor? = nil
    ) throws -> PushResponse {
        let box = try stage(
            operations, device: device, database: database, logID: logID, cursor: cursor)
        service.commit()
        return try box.message()
    }

    /// Starts a pull; the box is filled at once unless the pull waits.
    func startPull(
        _ request: PullRequest
    ) throws -> (box: AnswerBox, ticket: WaitingPulls.Ticket?) {
        let box = AnswerBox()
        let ticket = try service.pull(request, answer: box.take)
        return (box, ticket)
    }

    func pull(
        since cursor: Cursor = 0, limit: UInt64 = 10_000, collections: [CollectionName]? = nil,
        device: DeviceID? = nil, includesOwn: Bool? = nil, maxBytes: UInt64? = nil,
        logID: LogID? = nil, snapshot: Cursor? = nil, database: DatabaseID = "db"
    ) throws -> PullResponse {
        try startPull(
            PullRequest(
                databaseID: database, logID: logID, sinceCursor: cursor, limit: limit,
                collections: collections, deviceID: device, includesOwn: includesOwn,
                maxBytes: maxBytes, snapshot: snapshot)
        ).box.message()
    }

    /// All operations of the database, in pages.
    func wholeLog(database: DatabaseID = "db", limit: UInt64 = 7) throws -> [SyncOperation] {
        var operations: [SyncOperation] = []
        var cursor = Cursor.start
        while true {
            let page = try pull(since: cursor, limit: limit, database: database)
            operations += page.operations
            if !page.hasMore { return operations }
            precondition(page.nextCursor > cursor, "A page gets further.")
            cursor = page.nextCursor
        }
    }
}

/// An operation of device `a` on collection `c`, unless told otherwise. Without a base it is an
/// older peer's.
func operation(
    _ number: OperationID, _ entity: EntityID, base: Cursor? = nil, baseOp: OperationID? = nil,
    version: EntityVersion = 1, delete: Bool = false, content: [UInt8]? = nil,
    transaction: TransactionID? = nil, device: DeviceID = "a", collection: CollectionName = "c",
    database: DatabaseID = "db", stamp: HybridTimestamp? = nil
) -> SyncOperation {
    SyncOperation(
        operationID: number, databaseID: database, deviceID: device, collection: collection,
        entityID: entity, kind: delete ? .delete : .upsert, entityVersion: version,
        entityCBOR: delete ? nil : content ?? [UInt8(number.rawValue % 24)],
        timestampMilliseconds: 7, hybridTimestamp: stamp, base: base, baseOperationID: baseOp,
        transactionID: transaction)
}

extension PushResponse {
    /// The cursor of each accepted operation, duplicates included.
    var cursors: [OperationID: Cursor] {
        var cursors: [OperationID: Cursor] = [:]
        for run in accepted ?? [] {
            for index in 0..<run.count {
                let number = OperationID(run.firstOperationID.rawValue + index)
                cursors[number] = run.cursor(of: number)
            }
        }
        return cursors
    }

    /// The numbers of the operations in conflict, in order.
    var conflicting: [OperationID] { conflicts.map(\.clientOperation.operationID) }

    /// The code of each rejected operation.
    var rejectionCodes: [OperationID: RejectionCode] {
        Dictionary(uniqueKeysWithValues: rejected.map { ($0.operationID, $0.code) })
    }
}

extension SyncService {
    /// Stages a push as if it had come over the wire.
    func push(_ request: PushRequest, answer: @escaping (ServiceAnswer) -> Void) throws {
        try PushRequestView.read(request.encoded()) { push in
            Result { try self.push(push, answer: answer) }
        }.get()
    }
}

extension HTTPResponse {
    /// The body in one piece.
    var wholeBody: [UInt8] { body + bodyParts.joined() }
}
