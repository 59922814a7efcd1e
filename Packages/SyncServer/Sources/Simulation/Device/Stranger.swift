// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

/// A device that is not ours: it asks whatever the protocol allows, whether that makes sense or
/// not. What it is answered is judged like every other answer.
struct Stranger {
    static let deviceID: DeviceID = "stranger"
    /// The latest number that it has used.
    private var number: UInt64 = 0
    /// Numbers below it that it has left out.
    private var leftOut: [UInt64] = []
    private var pushes: [PushRequest] = []
    /// Those of them that used a number which had been left out.
    private var latePushes: [PushRequest] = []

    /// Asks something of a database that devices have made.
    mutating func ask(
        _ world: World, _ databaseID: DatabaseID, using chance: inout SeededGenerator
    ) throws {
        guard let model = world.server.checker.models[databaseID] else { return }
        let request: SyncRequest
        switch Int.random(in: 0..<10, using: &chance) {
        case 0: request = .handshake(handshake(databaseID, model, using: &chance))
        case 1..<6: request = .pull(pull(world, databaseID, model, using: &chance))
        case 6:
            request = .push(
                (chance.chance(50) ? latePushes : pushes).randomElement(using: &chance)
                    ?? push(world, databaseID, model, using: &chance))
        default: request = .push(push(world, databaseID, model, using: &chance))
        }
        if chance.chance(25) {
            world.note("stranger", 0, text: "a stranger sends what is no request")
            return try world.server.take(
                garbage: garbage(from: request, using: &chance), using: &chance)
        }
        world.note("stranger", 0, text: "a stranger asks \(request.summary)")
        for _ in 0..<chance.oneOf([1, 1, 1, 2]) {
            world.sendAlone(
                request, Self.wireBytes(of: request, using: &chance), world.strangeWeather())
        }
    }

    private func garbage(
        from request: SyncRequest, using chance: inout SeededGenerator
    ) -> [UInt8] {
        if case .push(let push) = request, chance.chance(50),
            let misshapen = Self.misshapen(push, using: &chance)
        {
            return SyncRequest.push(misshapen).wireBytes
        }
        return Self.garbage(from: request, using: &chance)
    }

    private func handshake(
        _ databaseID: DatabaseID, _ model: LogModel, using chance: inout SeededGenerator
    ) -> HandshakeRequest {
        HandshakeRequest(
            databaseID: databaseID, deviceID: Self.deviceID,
            clientInfo: ClientInfo(platform: "other", appVersion: "1"),
            logID: logID(model, using: &chance), cursor: cursor(model, using: &chance))
    }

    private func logID(_ model: LogModel, using chance: inout SeededGenerator) -> LogID? {
        switch Int.random(in: 0..<8, using: &chance) {
        case 0: .makeRandom(using: &chance)
        case 1..<4: nil
        default: model.logID
        }
    }

    /// A cursor of the log, or one a little ahead of it.
    private func cursor(_ model: LogModel, using chance: inout SeededGenerator) -> Cursor {
        let head = model.durable.head.rawValue
        return Cursor(UInt64.random(in: 0...head + (chance.chance(20) ? 3 : 0), using: &chance))
    }

    private func pull(
        _ world: World, _ databaseID: DatabaseID, _ model: LogModel,
        using chance: inout SeededGenerator
    ) -> PullRequest {
        // Under a device's own name only from the start, which says nothing of where it is.
        let isDevice = chance.chance(30)
        let name = world.devices.randomElement(using: &chance).map { "d\($0.index)" } ?? "d0"
        var request = PullRequest(
            databaseID: databaseID, logID: logID(model, using: &chance),
            sinceCursor: isDevice ? .start : cursor(model, using: &chance),
            limit: chance.oneOf([1, 2, 3, 7, 1_000]),
            deviceID: isDevice ? DeviceID(name) : chance.oneOf([nil, Self.deviceID]),
            includesOwn: chance.oneOf([nil, false, true]))
        request.collections = chance.oneOf([nil, nil, [], ["notes"], ["tags"], ["tags", "none"]])
        request.waitMilliseconds = chance.oneOf([nil, nil, 200, 3_000, 20_000])
        // A pull waits where there is nothing yet: mostly at the end.
        if !isDevice, request.waitMilliseconds != nil, chance.chance(75) {
            request.sinceCursor = model.durable.head
        }
        request.maxBytes = chance.oneOf([nil, 1, 200, 5_000])
        return request
    }

    private mutating func push(
        _ world: World, _ databaseID: DatabaseID, _ model: LogModel,
        using chance: inout SeededGenerator
    ) -> PushRequest {
        // Now and then a number that was left out is used after all.
        let isLate = !leftOut.isEmpty && chance.chance(40)
        let count = isLate ? 1 : chance.oneOf([1, 1, 2, 3])
        let transaction = !isLate && chance.chance(40) ? TransactionID(number + 1) : nil
        var operations: [SyncOperation] = []
        let keys = model.durable.current.keys.sorted().shuffled(using: &chance)
        for index in 0..<count {
            let late = isLate ? leftOut.popLast() : nil
            if late == nil { takeNumber(using: &chance) }
            let key =
                index < keys.count ? keys[index] : EntityKey("notes", EntityID("strange\(index)"))
            var operation = operation(world, databaseID, model, key, transaction, using: &chance)
            if let late {
                operation.operationID = OperationID(late)
                operation.base = model.durable.revision(operation.key)?.cursor ?? .start
                operation.baseOperationID = nil
            }
            operations.append(operation)
        }
        let request = PushRequest(
            databaseID: databaseID, deviceID: Self.deviceID, logID: logID(model, using: &chance),
            cursor: nil, operations: operations)
        pushes.append(request)
        if isLate { latePushes.append(request) }
        return request
    }

    private mutating func takeNumber(using chance: inout SeededGenerator) {
        let next = number + UInt64(chance.oneOf([1, 1, 3]))
        leftOut += Array(number + 1..<next)
        number = next
    }

    /// An edit of the entity as it is, or a delete of an entity of the stranger's own; what it says
    /// that it was made on may be anything.
    private func operation(
        _ world: World, _ databaseID: DatabaseID, _ model: LogModel, _ key: EntityKey,
        _ transaction: TransactionID?, using chance: inout SeededGenerator
    ) -> SyncOperation {
        let ledger = world.ledger(of: databaseID)
        let isOwn = chance.chance(15)
        let key = isOwn ? EntityKey("notes", "strange") : key
        let revision = model.durable.revision(key)
        let token = ledger.nextToken()
        let content = EntityContent(
            tokens: EntityContent.tokens(revision?.content).suffix(12) + [token],
            isMap: world.conditions.contains(.policies)
        ).encoded
        let isDelete = isOwn && chance.chance(50)
        ledger.wrote(content, key)
        // Nobody keeps what a stranger fails to push; and what it leaves out it has seen.
        ledger.excuse([token] + EntityContent.tokens(revision?.content).dropLast(12))
        if isDelete { ledger.excuse(EntityContent.tokens(revision?.content)) }
        var operation = SyncOperation(
            operationID: OperationID(number), databaseID: databaseID, deviceID: Self.deviceID,
            collection: key.collection, entityID: key.entityID, kind: isDelete ? .delete : .upsert,
            entityVersion: revision?.entityVersion.next ?? 1, entityCBOR: isDelete ? nil : content,
            timestampMilliseconds: world.server.wall.milliseconds, transactionID: transaction)
        switch Int.random(in: 0..<10, using: &chance) {
        case 0: operation.base = .start
        // Not what it has not seen: the server may have committed more than it could say.
        case 1: operation.base = min(cursor(model, using: &chance), model.durable.head)
        case 2..<5: operation.baseOperationID = revision?.operationID ?? 1
        case 5: operation.entityVersion = revision?.entityVersion ?? 1
        case 6: break
        default: operation.base = revision?.cursor ?? .start
        }
        if chance.chance(10) { Self.spoil(&operation, using: &chance) }
        return operation
    }
}
