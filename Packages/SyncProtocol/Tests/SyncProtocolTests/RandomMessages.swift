// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport

/// Makes messages of every shape from a seed. They keep the rules that decoding checks; operations
/// may break those about values.
struct RandomMessages {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func chance(_ percent: Int = 50) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    mutating func maybe<T>(_ make: (inout RandomMessages) -> T) -> T? {
        chance() ? make(&self) : nil
    }

    mutating func list<T>(upTo most: Int = 4, _ make: (inout RandomMessages) -> T) -> [T] {
        (0..<Int.random(in: 0...most, using: &generator)).map { _ in make(&self) }
    }

    /// Integers of all lengths, the ends of each length among them.
    mutating func integer() -> UInt64 {
        let edges: [UInt64] = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, wireIntegerMax]
        return chance()
            ? edges.randomElement(using: &generator) ?? 0
            : .random(in: 0...wireIntegerMax, using: &generator)
    }

    mutating func number<N: WireNumber>() -> N { N(integer()) }

    mutating func text() -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "_", "\0", "\"", "\u{E9}", "e", "\u{301}", "\u{212A}", "😀",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "a")
        }
        return text
    }

    mutating func plainName() -> String {
        let characters = Array("ABCxyz019_~-")
        return String(list(upTo: 20) { $0.pick(characters) } + [pick(characters)])
    }

    mutating func pick<T>(_ elements: [T]) -> T {
        elements[.random(in: elements.indices, using: &generator)]
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: 0...255, using: &generator) }
    }

    mutating func logID() -> LogID { .makeRandom(using: &generator) }
}

extension RandomMessages {
    mutating func operation(database: DatabaseID = "db", device: DeviceID = "d1") -> SyncOperation {
        let kind: SyncOperation.Kind = pick([.upsert, .upsert, .delete, .unknown("patch")])
        var operation = SyncOperation(
            operationID: number(), databaseID: database, deviceID: device,
            collection: CollectionName(text()), entityID: EntityID(text()), kind: kind,
            entityVersion: number(), entityCBOR: maybe { $0.bytes($0.pick([1, 23, 24, 300])) },
            timestampMilliseconds: integer(), hybridTimestamp: maybe { $0.number() },
            base: maybe { $0.number() }, baseOperationID: maybe { $0.number() },
            transactionID: maybe { $0.number() }, cursor: maybe { $0.number() })
        for name in list({ $0.text() }) {
            operation.labels[LabelName(name)] =
                switch Int.random(in: 0...2, using: &generator) {
                case 0: .text(text())
                case 1: .number(integer())
                default: .flag(chance())
                }
        }
        return operation
    }

    mutating func serverState() -> ServerState {
        let isDeleted = chance()
        return ServerState(
            entityVersion: number(), entityCBOR: isDeleted ? nil : bytes(5), isDeleted: isDeleted,
            cursor: maybe { $0.number() }, deviceID: maybe { DeviceID($0.text()) },
            hybridTimestamp: maybe { $0.number() }, lastModifiedMilliseconds: maybe { $0.integer() }
        )
    }

    mutating func acceptedRun() -> AcceptedRun {
        let first = max(integer(), 1)
        let cursor = integer()
        let longest = cursor == 0 ? 1 : wireIntegerMax - max(first, cursor) + 1
        return AcceptedRun(
            firstOperationID: OperationID(first), firstCursor: Cursor(cursor),
            count: .random(in: 1...longest, using: &generator))
    }

    mutating func pushRequest() -> PushRequest {
        let database = DatabaseID(plainName())
        let device = DeviceID(plainName())
        var number: UInt64 = 0
        var transaction: UInt64 = 0
        var operations: [SyncOperation] = []
        for var operation in list({ $0.operation(database: database, device: device) }) {
            number += .random(in: 1...1_000, using: &generator)
            if chance() { transaction += 1 }
            operation.operationID = OperationID(number)
            operation.transactionID = TransactionID(transaction)
            operations.append(operation)
        }
        return PushRequest(
            databaseID: database, deviceID: device, logID: maybe { $0.logID() },
            cursor: maybe { $0.number() }, operations: operations)
    }

    mutating func pushResponse() -> PushResponse {
        PushResponse(
            acknowledgedUpTo: number(),
            conflicts: list(upTo: 2) {
                Conflict(clientOperation: $0.operation(), serverState: $0.serverState())
            },
            serverCursor: maybe { $0.number() }, accepted: maybe { $0.list { $0.acceptedRun() } },
            rejected: list {
                Rejection(
                    operationID: $0.number(), code: RejectionCode(rawValue: $0.text()),
                    message: $0.text())
            })
    }

    mutating func handshakeRequest() -> HandshakeRequest {
        var info = ClientInfo(platform: text(), appVersion: text())
        for name in list({ $0.plainName() }) { info.metadata[name] = text() }
        return HandshakeRequest(
            databaseID: DatabaseID(plainName()), deviceID: DeviceID(plainName()), clientInfo: info,
            protocolVersion: integer(), logID: maybe { $0.logID() }, cursor: maybe { $0.number() })
    }

    mutating func handshakeResponse() -> HandshakeResponse {
        var response = HandshakeResponse(
            serverCursor: number(), capabilities: [:], protocolVersion: maybe { $0.integer() },
            logID: maybe { $0.logID() }, oldestCursor: maybe { $0.number() },
            lastOperationID: maybe { $0.number() }, limits: maybe { $0.limits() },
            serverTimeMilliseconds: maybe { $0.integer() },
            conflictPolicy: maybe { ConflictPolicy(standard: $0.text()) })
        for name in list({ $0.plainName() }) {
            response.capabilities[name] = chance()
            response.conflictPolicy?.byCollection[CollectionName(name)] = text()
        }
        return response
    }

    mutating func limits() -> SyncLimits {
        SyncLimits(
            maxPushOperations: integer(), maxTransactionOperations: integer(),
            maxPullOperations: integer(), maxPageBytes: integer(), maxBodyBytes: integer(),
            maxEntityBytes: integer())
    }

    mutating func pullRequest() -> PullRequest {
        PullRequest(
            databaseID: DatabaseID(plainName()), logID: maybe { $0.logID() }, sinceCursor: number(),
            limit: max(integer(), 1),
            collections: maybe { $0.list { CollectionName($0.text() + "c") } },
            deviceID: DeviceID(plainName()), includesOwn: maybe { $0.chance() },
            maxBytes: maybe { $0.integer() }, waitMilliseconds: maybe { $0.integer() },
            snapshot: maybe { $0.number() })
    }

    mutating func pullResponse() -> PullResponse {
        PullResponse(
            operations: list { $0.operation(device: DeviceID($0.text())) }, nextCursor: number(),
            hasMore: chance(), serverCursor: maybe { $0.number() }, logID: maybe { $0.logID() })
    }

    mutating func errorResponse() -> ErrorResponse {
        var details = ErrorResponse.Details(
            reason: maybe { $0.text() }, oldestCursor: maybe { $0.number() },
            serverCursor: maybe { $0.number() }, logID: maybe { $0.logID() },
            limit: maybe { $0.text() }, maximum: maybe { $0.integer() })
        if chance(20) { details = ErrorResponse.Details(text: text()) }
        return ErrorResponse(
            code: SyncErrorCode(rawValue: integer()), message: text(), details: details,
            retryAfterSeconds: maybe { $0.integer() }, requestID: maybe { $0.text() })
    }
}
