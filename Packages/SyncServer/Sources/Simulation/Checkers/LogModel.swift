// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// One database's log as the protocol says it must be, worked out from the requests alone: what
/// each push must be answered, and what each page may hold. It knows no files and shares no code
/// with the server.
struct LogModel {
    /// A log and what follows from it.
    struct Log {
        /// All accepted operations, as they are stored: with cursor and kept version.
        var operations: [SyncOperation] = []
        /// The index of each entity's current revision.
        var current: [EntityKey: Int] = [:]
        /// The index of each device's accepted operations.
        var accepted: [DeviceID: [OperationID: Int]] = [:]
        /// The highest accepted number of each device.
        var highest: [DeviceID: OperationID] = [:]

        /// What each operation was committed together with: operations of one transaction have the
        /// same number. Two devices under one name may use a `transactionId` each.
        private var groups: [Int] = []

        /// What is no longer there, by its index.
        private(set) var gone: Set<Int> = []
        /// The index of the dropped tombstone of each entity that has nothing newer.
        private(set) var buried: [EntityKey: Int] = [:]
        /// The highest cursor of a dropped tombstone.
        private(set) var oldest = Cursor.start

        var head: Cursor { Cursor(UInt64(operations.count)) }

        func revision(_ key: EntityKey) -> SyncOperation? { current[key].map { operations[$0] } }

        /// Adds an operation.
        ///
        /// - Parameter isContinuing: Whether it was committed with the one before it; `nil` if only
        ///   the operations themselves can tell.
        mutating func append(_ operation: SyncOperation, isContinuing: Bool? = nil) {
            let continues =
                isContinuing
                ?? operations.last.map { LogModel.isOneTransaction($0, operation) } ?? false
            groups.append(continues ? groups.last ?? 0 : operations.count)
            current[operation.key] = operations.count
            accepted[operation.deviceID, default: [:]][operation.operationID] = operations.count
            highest[operation.deviceID] = max(
                highest[operation.deviceID] ?? 0, operation.operationID)
            operations.append(operation)
        }

        /// Some of the operations are dropped.
        mutating func drop(_ indexes: some Sequence<Int>, oldest: Cursor) {
            for index in indexes {
                gone.insert(index)
                let key = operations[index].key
                guard current[key] == index else { continue }
                current[key] = nil
                buried[key] = index
            }
            self.oldest = oldest
        }

        /// The edits in all revisions, those that are gone included. O(n).
        var tokens: Set<UInt64> {
            operations.reduce(into: []) { $0.formUnion(EntityContent.tokens($1.content)) }
        }

        /// Whether two operations of the log were committed together.
        func areTogether(_ one: SyncOperation, _ other: SyncOperation) -> Bool {
            guard let first = one.cursor?.rawValue, let second = other.cursor?.rawValue else {
                return false
            }
            return one.transactionID != nil && groups[Int(first) - 1] == groups[Int(second) - 1]
        }

        /// What stands at a cursor; `nil` if it is not there yet, or no longer.
        func operation(at cursor: Cursor) -> SyncOperation? {
            guard cursor > 0, cursor <= head else { return nil }
            let index = Int(cursor.rawValue) - 1
            return gone.contains(index) ? nil : operations[index]
        }

        /// What the log holds behind a cursor.
        func kept(after cursor: Cursor) -> some Sequence<SyncOperation> {
            let rest = operations.indices.dropFirst(Int(cursor.rawValue))
            return rest.lazy.filter { !gone.contains($0) }.map { operations[$0] }
        }

        /// An operation that was accepted under a number; `nil` if none was, or if it is gone.
        func operation(_ number: OperationID, of deviceID: DeviceID) -> SyncOperation? {
            accepted[deviceID]?[number].flatMap { operation(at: Cursor(UInt64($0 + 1))) }
        }
    }

    let logID: LogID
    let policy: PolicyModel
    /// What is durable.
    var durable = Log()
    /// What is durable and what waits for the commit.
    var staged = Log()
    /// What commits failed on, one attempt each: the files may hold one of them all the same.
    var doubtful: [Attempt] = []
    /// When each operation was committed, by the server's clock; 0 if nobody knows.
    var committedAt: [UInt64] = []
    /// Where the server knows devices to be.
    var places = DevicePlaces()

    /// What a commit failed on.
    struct Attempt {
        /// The log as it would have been.
        var log: Log
        /// How much of it was durable before.
        var known: Int

        var operations: ArraySlice<SyncOperation> { log.operations[known...] }
    }

    init(logID: LogID, policy: PolicyModel = PolicyModel()) {
        self.logID = logID
        self.policy = policy
    }

    /// A log that begins with these operations.
    init(logID: LogID, operations: [SyncOperation]) {
        self.init(logID: logID)
        for operation in operations { durable.append(operation) }
        committedAt = operations.map { _ in 0 }
        staged = durable
    }

    /// A log that begins as another one.
    init(logID: LogID, log: Log, policy: PolicyModel = PolicyModel()) {
        self.init(logID: logID, policy: policy)
        durable = log
        committedAt = log.operations.map { _ in 0 }
        staged = log
    }

    /// Whether an operation and the next one look like members of one transaction.
    private static func isOneTransaction(_ one: SyncOperation, _ next: SyncOperation) -> Bool {
        one.transactionID != nil && one.transactionID == next.transactionID
            && (one.deviceID == next.deviceID || one.deviceID == .server
                || next.deviceID == .server)
    }

    /// All that was staged is durable now.
    ///
    /// - Returns: The operations that became so.
    mutating func commit(atMilliseconds now: UInt64 = 0) -> ArraySlice<SyncOperation> {
        let first = durable.operations.count
        durable = staged
        while committedAt.count < durable.operations.count { committedAt.append(now) }
        return durable.operations[first...]
    }

    /// All that was staged is in doubt: the server may have lost it, or not.
    mutating func abandon() {
        let attempt = Attempt(log: staged, known: durable.operations.count)
        if !attempt.operations.isEmpty { doubtful.append(attempt) }
        staged = durable
    }
}

// Pushes.
extension LogModel {
    private enum Verdict {
        case duplicate(Cursor)
        case rejected(RejectionCode)
        case conflict
        case accepted
        /// Accepted, and this stands.
        case overruled(SyncOperation)

        var isRefusal: Bool {
            switch self {
            case .rejected, .conflict: true
            case .duplicate, .accepted, .overruled: false
            }
        }

        var isNew: Bool {
            switch self {
            case .accepted, .overruled: true
            case .duplicate, .rejected, .conflict: false
            }
        }
    }

    /// Settles a push by §5: stages what is accepted, and returns the answer that is due, with a
    /// run for each accepted operation and without messages.
    mutating func push(
        _ request: PushRequest, maxEntityBytes: UInt64, nowMilliseconds: UInt64 = 0
    ) -> PushResponse {
        var refused: Set<EntityKey> = []
        var verdicts: [Verdict] = []
        var states: [ServerState] = []
        var rest = request.operations[...]
        while let first = rest.first {
            let count =
                first.transactionID.map { transaction in
                    rest.firstIndex { $0.transactionID != transaction } ?? rest.endIndex
                }.map { $0 - rest.startIndex } ?? 1
            let members = rest.prefix(count)
            rest = rest.dropFirst(count)
            let before = staged
            var settled: [Verdict] = []
            var isContinuing = false
            for member in members {
                let verdict = judge(member, refused, maxEntityBytes, nowMilliseconds)
                states.append(Self.state(before.revision(member.key)))
                if verdict.isNew {
                    accept(member, isContinuing: isContinuing)
                    isContinuing = true
                }
                if case .overruled(let content) = verdict { restate(content, over: member) }
                settled.append(verdict)
            }
            if settled.contains(where: \.isRefusal) {
                staged = before
                for index in settled.indices {
                    if settled[index].isNew {
                        settled[index] = .rejected(.transactionAborted)
                    }
                }
                for (member, verdict) in zip(members, settled) where verdict.isRefusal {
                    refused.insert(member.key)
                }
            }
            verdicts += settled
        }
        return answer(request, verdicts, states)
    }

    private func judge(
        _ operation: SyncOperation, _ refused: Set<EntityKey>, _ maxEntityBytes: UInt64,
        _ nowMilliseconds: UInt64
    ) -> Verdict {
        if staged.accepted[operation.deviceID]?[operation.operationID] != nil {
            // What was dropped cannot be compared, and its cursor is not given.
            guard let earlier = staged.operation(operation.operationID, of: operation.deviceID)
            else { return .duplicate(.start) }
            return earlier.hasSameContent(as: operation)
                ? .duplicate(earlier.cursor ?? 0) : .rejected(.operationIDReuse)
        }
        if isMalformed(operation) { return .rejected(.malformed) }
        if UInt64(operation.entityCBOR?.count ?? 0) > maxEntityBytes { return .rejected(.tooLarge) }
        if policy.isSkewed(operation, nowMilliseconds: nowMilliseconds) {
            return .rejected(.clockSkew)
        }
        if refused.contains(operation.key) { return .conflict }
        let revision = staged.revision(operation.key)
        let isGone = revision == nil || revision?.kind == .delete
        if operation.kind == .delete, isGone { return .accepted }
        let isOnCurrent: Bool
        if let base = operation.base {
            isOnCurrent = base == revision?.cursor ?? 0
        } else if let number = operation.baseOperationID {
            isOnCurrent =
                revision?.operationID == number && revision?.deviceID == operation.deviceID
        } else {
            isOnCurrent = operation.entityVersion > revision?.entityVersion ?? 0
        }
        return isOnCurrent ? .accepted : rule(operation, maxEntityBytes)
    }

    /// What the policy says of a conflict. It is not asked about a repeat that comes late.
    private func rule(_ operation: SyncOperation, _ maxEntityBytes: UInt64) -> Verdict {
        if operation.operationID < staged.highest[operation.deviceID] ?? 0 { return .conflict }
        var base = operation.base.flatMap(staged.operation)
        if let number = operation.baseOperationID {
            base = staged.operation(number, of: operation.deviceID)
        }
        let ruling = policy.ruling(
            on: operation, current: staged.revision(operation.key),
            base: base?.key == operation.key ? base : nil, maxEntityBytes: maxEntityBytes)
        return switch ruling {
        case .conflict: .conflict
        case .taken: .accepted
        case .overruled(let content): .overruled(content)
        }
    }

    /// The server lets a content stand behind an operation that was accepted just now.
    private mutating func restate(_ content: SyncOperation, over operation: SyncOperation) {
        var revision = content
        revision.cursor = staged.head.next
        revision.operationID = OperationID(staged.head.next.rawValue)
        revision.deviceID = .server
        revision.entityVersion = staged.revision(operation.key)?.entityVersion.next ?? 1
        revision.transactionID = operation.transactionID
        (revision.base, revision.baseOperationID) = (nil, nil)
        staged.append(revision, isContinuing: operation.transactionID != nil)
    }

    /// Whether the operation has a value that no server takes, by §5.1.
    private func isMalformed(_ operation: SyncOperation) -> Bool {
        if operation.collection.rawValue.utf8.first == UInt8(ascii: "_") { return true }
        if operation.base != nil, operation.baseOperationID != nil { return true }
        guard operation.kind == .upsert else { return operation.entityCBOR != nil }
        guard let content = operation.entityCBOR else { return true }
        do throws(CBORError) {
            try CBORReader.read(content) { reader throws(CBORError) in try reader.skip() }
            return false
        } catch {
            return true
        }
    }

    private mutating func accept(_ operation: SyncOperation, isContinuing: Bool) {
        var stored = operation
        stored.cursor = staged.head.next
        stored.entityVersion = max(
            operation.entityVersion, staged.revision(operation.key)?.entityVersion ?? 0)
        staged.append(stored, isContinuing: isContinuing)
    }

    private static func state(_ revision: SyncOperation?) -> ServerState {
        guard let revision else { return .unknown }
        return ServerState(
            entityVersion: revision.entityVersion, entityCBOR: revision.entityCBOR,
            isDeleted: revision.kind == .delete, cursor: revision.cursor,
            deviceID: revision.deviceID, hybridTimestamp: revision.hybridTimestamp,
            lastModifiedMilliseconds: revision.timestampMilliseconds)
    }

    private func answer(
        _ request: PushRequest, _ verdicts: [Verdict], _ states: [ServerState]
    ) -> PushResponse {
        var response = PushResponse(
            acknowledgedUpTo: request.operations.last?.operationID
                ?? staged.highest[request.deviceID] ?? 0,
            serverCursor: staged.head, accepted: [])
        var lowestRefused: OperationID?
        for (index, operation) in request.operations.enumerated() {
            let number = operation.operationID
            if verdicts[index].isRefusal { lowestRefused = lowestRefused ?? number }
            switch verdicts[index] {
            case .duplicate(.start):
                response.accepted?.append(
                    AcceptedRun(firstOperationID: number, firstCursor: .start, count: 1))
            case .accepted, .overruled, .duplicate:
                let place = staged.accepted[request.deviceID]?[number] ?? 0
                response.accepted?.append(
                    AcceptedRun(
                        firstOperationID: number, firstCursor: Cursor(UInt64(place + 1)), count: 1))
            case .rejected(let code):
                response.rejected.append(Rejection(operationID: number, code: code, message: ""))
            case .conflict:
                response.conflicts.append(
                    Conflict(clientOperation: operation, serverState: states[index]))
            }
        }
        if let lowestRefused {
            response.acknowledgedUpTo = OperationID(lowestRefused.rawValue - 1)
        }
        return response
    }
}

extension PushResponse {
    /// The answer with a run for each accepted operation and without messages, so that two ways to
    /// put an answer together can be compared.
    var plain: PushResponse {
        var plain = self
        plain.accepted = accepted?.flatMap { run in
            (0..<run.count).map { index in
                let number = OperationID(run.firstOperationID.rawValue + index)
                return AcceptedRun(
                    firstOperationID: number, firstCursor: run.cursor(of: number) ?? 0, count: 1)
            }
        }
        for index in plain.rejected.indices { plain.rejected[index].message = "" }
        return plain
    }
}
