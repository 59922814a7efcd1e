// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a push is decided on: the database as it stands, staged groups included, as one device
/// sees it.
protocol PushView {
    /// The cursor that the next accepted operation gets.
    var nextCursor: Cursor { get }
    /// The device that pushes.
    var device: DeviceNumber { get }
    /// The number of `~server`; `nil` where no policy lets the server decide.
    var server: DeviceNumber? { get }
    /// The highest number that was accepted from the device.
    var highestAccepted: OperationID { get }
    /// The current revision of an entity; `nil` if it is not known.
    func revision(of key: EntityKeyBytes) -> EntityRevision?
    /// Whether an operation of the device was accepted before.
    func isAccepted(_ operationID: OperationID) -> Bool
    /// The cursor that an accepted operation of the device got, if it is among its latest.
    func recentCursor(of operationID: OperationID) -> Cursor?
    /// Lends the operation at a cursor below `nextCursor` to `body`; returns `nil` if it was
    /// compacted away.
    func withOperation<Result>(
        at cursor: Cursor, _ body: (borrowing SyncOperationView) -> Result
    ) throws(OpLogError) -> Result?
}

/// What became of one operation of a push (protocol, §5.1).
enum Settlement: Equatable {
    /// Accepted before, at this cursor; 0 if that is no longer kept.
    case duplicate(Cursor)
    /// Refused for itself, or with its transaction.
    case rejected(RejectionCode, String)
    /// Made on another revision than the current one, which is given; `nil`: there is none.
    case conflict(EntityRevision?)
    /// Accepted now.
    case accepted(EntityRevision)
    /// Accepted now, and its content does not stand: the server's revision follows at the next
    /// cursor (protocol, §5.8).
    case overruled(EntityRevision, by: ServerRevision)

    /// The revision that is the entity's current one after it, if it was accepted now.
    var revision: EntityRevision? {
        switch self {
        case .accepted(let revision): revision
        case .overruled(_, let answer): answer.revision
        case .duplicate, .rejected, .conflict: nil
        }
    }

    /// Whether it is in the answer's `conflicts` or `rejected`.
    var isRefusal: Bool {
        switch self {
        case .rejected, .conflict: true
        case .duplicate, .accepted, .overruled: false
        }
    }
}

/// A revision that the server makes by a policy, right behind the operation that it overrules.
struct ServerRevision: Equatable {
    /// The revision as the conflict rule needs it.
    var revision: EntityRevision
    /// The revision as it lies in the log.
    var operation: SyncOperation
}

/// Settles the operations of one push, in order. Reads, and changes nothing.
///
/// Of each operation the first that applies: duplicate or reuse of its number, rejected for its
/// values, conflict, accepted. A transaction is settled as a whole: its members are judged one
/// after the other, seeing each other, and count only if none of them is refused. Where the policy
/// of its collection decides about a conflict, the operation is accepted.
struct PushDecision<View: PushView> {
    /// An entity that the request names.
    struct Entity {
        /// The current revision, operations of this request included.
        var revision: EntityRevision?
        /// What the members so far of the transaction that is being settled would make of it.
        var tentative: EntityRevision?
        /// Whether an operation of this request on it was refused.
        var isRefused = false

        /// The revision that the next operation is compared with.
        var latest: EntityRevision? { tentative ?? revision }
    }

    /// Where the content of a revision lies that this push makes.
    enum Made {
        case operation(Int)
        case server(SyncOperation)
    }

    let view: View
    let rules: ValueRules
    let policies: ServerPolicies
    let nowMilliseconds: UInt64
    private var entities = EntityTable<Entity>()
    /// The entity of each operation, as an index into `entities`.
    private var places: [Int] = []
    private(set) var nextCursor: Cursor
    /// What this push puts into the log, from the view's next cursor on.
    private(set) var made: [Made] = []
    /// What became of each operation so far.
    private(set) var settlements: [Settlement] = []
    /// How many were in conflict, whoever decided about it, by the policies of their collections.
    private(set) var conflicts: [ServerPolicy: Int] = [:]

    /// Settles `operations`, whose shape is right, as far as `view` can be read.
    ///
    /// - Parameter nowMilliseconds: The server's wall clock, for stamps that are ahead of it.
    init(
        _ operations: borrowing SyncOperationViews, rules: ValueRules, view: View,
        policies: ServerPolicies = .init(), nowMilliseconds: UInt64 = 0
    ) throws(OpLogError) {
        self.view = view
        self.rules = rules
        self.policies = policies
        self.nowMilliseconds = nowMilliseconds
        nextCursor = view.nextCursor
        places.reserveCapacity(operations.count)
        settlements.reserveCapacity(operations.count)
        var start = 0
        while start < operations.count {
            var end = start + 1
            if let transaction = operations[start].transactionID {
                while end < operations.count, operations[end].transactionID == transaction {
                    end += 1
                }
            }
            try settle(start..<end, of: operations)
            start = end
        }
    }

    /// Settles one transaction, or one operation without.
    private mutating func settle(
        _ members: Range<Int>, of operations: borrowing SyncOperationViews
    ) throws(OpLogError) {
        let firstCursor = nextCursor
        for index in members {
            let verdict = try judge(index, operations[index], of: operations)
            settlements.append(verdict)
            note(verdict, index)
        }
        // A lone refused operation needs no more than its mark.
        let isWhole =
            operations[members.lowerBound].transactionID == nil
            || !members.contains { settlements[$0].isRefusal }
        if !isWhole {
            made.removeLast(Int(nextCursor.rawValue - firstCursor.rawValue))
            nextCursor = firstCursor
            for index in members where settlements[index].revision != nil {
                settlements[index] = .rejected(
                    .transactionAborted, "Another operation of its transaction was refused.")
            }
        }
        for index in members {
            let place = places[index]
            if settlements[index].isRefusal {
                entities[entry: place].isRefused = true
            } else if let revision = settlements[index].revision {
                entities[entry: place].revision = revision
            }
            entities[entry: place].tentative = nil
        }
    }

    /// Takes in what an operation would make of the log and of its entity.
    private mutating func note(_ settlement: Settlement, _ index: Int) {
        guard let revision = settlement.revision else { return }
        entities[entry: places[index]].tentative = revision
        made.append(.operation(index))
        if case .overruled(_, let answer) = settlement { made.append(.server(answer.operation)) }
        nextCursor = revision.cursor.next
    }

    /// What becomes of an operation as far as itself and those before it are concerned.
    private mutating func judge(
        _ index: Int, _ operation: borrowing SyncOperationView,
        of operations: borrowing SyncOperationViews
    ) throws(OpLogError) -> Settlement {
        let key = EntityKeyBytes(
            collection: operation.collection, entityID: operation.entityID)
        let place =
            entities.find(key) ?? entities.set(key, Entity(revision: view.revision(of: key)))
        places.append(place)
        if view.isAccepted(operation.operationID) {
            return try duplicate(operation, entities[entry: place])
        }
        if let fault = rules.violation(of: operation) {
            return .rejected(fault.code, fault.message)
        }
        if isFromTheFuture(operation) {
            return .rejected(
                .clockSkew,
                "Its stamp is more than a minute ahead of the server's clock. Stamp it anew by "
                    + "serverTimeMs, with a new opId.")
        }
        let entity = entities[entry: place]
        let revision = EntityRevision(
            cursor: nextCursor,
            version: max(operation.entityVersion, entity.latest?.version ?? 0),
            operationID: operation.operationID, device: view.device,
            isDeleted: operation.kind == .delete)
        guard !entity.isRefused, isBasedOnLatest(operation, entity) else {
            conflicts[policies[collection: operation.collection], default: 0] += 1
            // A number that others of its device have passed was refused before: it comes late, by
            // way of a network that repeats, and its edit has another number by now.
            let isLate = operation.operationID < view.highestAccepted
            if entity.isRefused || isLate { return .conflict(entity.revision) }
            return try settleConflict(operation, of: operations, entity, accepted: revision)
        }
        return .accepted(revision)
    }

    /// Settles an operation whose number was accepted before (protocol, §5.2).
    private func duplicate(
        _ operation: borrowing SyncOperationView, _ entity: Entity
    ) throws(OpLogError) -> Settlement {
        var cursor = view.recentCursor(of: operation.operationID)
        if cursor == nil, let revision = entity.revision, revision.device == view.device,
            revision.operationID == operation.operationID
        {
            cursor = revision.cursor
        }
        guard let cursor else { return .duplicate(.start) }
        // What was compacted away cannot be compared. Its cursor is not given then: a device that
        // uses the number a second time sees by that that it does.
        guard
            let isSame = try view.withOperation(
                at: cursor, { $0.hasSameContent(as: operation) })
        else { return .duplicate(.start) }
        guard isSame else {
            return .rejected(
                .operationIDReuse,
                "The number was accepted before with other content; the device was restored or "
                    + "cloned and needs a new deviceId.")
        }
        return .duplicate(cursor)
    }

    /// The conflict rule (protocol, §5.4).
    private func isBasedOnLatest(
        _ operation: borrowing SyncOperationView, _ entity: Entity
    ) -> Bool {
        let latest = entity.latest
        if operation.kind == .delete, latest?.isDeleted ?? true { return true }
        if let base = operation.base { return base == latest?.cursor ?? .start }
        if let baseOperationID = operation.baseOperationID {
            return latest?.device == view.device && latest?.operationID == baseOperationID
        }
        return operation.entityVersion > latest?.version ?? 0
    }
}
