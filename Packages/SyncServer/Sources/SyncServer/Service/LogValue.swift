// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
public import SyncProtocol

/// One database's log as a value: the real decisions about pushes and pages over operations in
/// memory, so that a server can be copied at any point and go on in two ways.
///
/// Every push is its own commit, durable at once.
@_spi(Simulation)
public struct LogValue: Sendable, Hashable {
    /// Everything accepted, in cursor order, as the log holds it.
    public private(set) var operations: [SyncOperation] = []

    /// Why a request cannot be answered.
    public struct Failure: Error, Sendable {
        /// What is wrong, in words.
        public var message: String
    }

    /// Makes an empty log.
    public init() {}

    /// The highest cursor.
    public var head: Cursor { Cursor(UInt64(operations.count)) }

    /// Settles a push, given as the bytes of its `PushRequest`, and takes in what is accepted.
    public mutating func push(_ request: [UInt8]) throws(Failure) -> PushResponse {
        do {
            let (group, response) = try PushRequestView.read(request) { push in
                Result { try settle(push) }
            }.get()
            for index in 0..<group.count {
                let cursor = Cursor(group.firstCursor.rawValue + UInt64(index))
                let bytes = group.operation(at: cursor) ?? []
                operations.append(try SyncOperation(decoding: Array(bytes)))
            }
            return response
        } catch {
            throw Failure(message: "\(error)")
        }
    }

    private func settle(
        _ push: borrowing PushRequestView
    ) throws -> (LogGroupBuilder, PushResponse) {
        let view = try LogValueView(operations, of: push.deviceID)
        let settlements = try PushDecision(
            push.operations, rules: ValueRules(), view: view
        ).settlements
        let outcome = try PushOutcome(
            push.operations, settlements, view: view, highestAccepted: view.highestAccepted,
            conflictBytesMax: .max)
        var group = StagedGroup(after: head)
        for accepted in outcome.accepted {
            group.append(
                push.operations[accepted.index], accepted.revision,
                continuesTransaction: accepted.continuesTransaction)
        }
        return (group.builder, outcome.response)
    }

    /// The page that a pull returns.
    public func pull(_ request: PullRequest, logID: LogID) throws(Failure) -> PullResponse {
        var page = PullPage(
            after: request.sinceCursor, filter: PullFilter(request), limit: Int(request.limit),
            bytesMax: .max, scanBytesMax: .max)
        do {
            if let group = try Self.group(operations), request.sinceCursor < head {
                _ = page.add(group)
            }
            let hasMore = page.endedEarly && page.nextCursor < head
            let answer = PullResponse.encode(
                around: page.operations, count: page.count, logID: logID,
                nextCursor: hasMore ? page.nextCursor : head, hasMore: hasMore, serverCursor: head)
            return try PullResponse(decoding: answer.joined)
        } catch {
            throw Failure(message: "\(error)")
        }
    }

    /// The highest number that was accepted from a device.
    public func highestOperationID(of device: DeviceID) -> OperationID {
        operations.filter { $0.deviceID == device }.map(\.operationID).max() ?? 0
    }

    /// The operations as one group of the log; `nil` if there are none.
    fileprivate static func group(
        _ operations: [SyncOperation]
    ) throws(LogGroupFault) -> LogGroup? {
        guard !operations.isEmpty else { return nil }
        var builder = LogGroupBuilder(firstCursor: 1)
        var last: SyncOperation?
        for operation in operations {
            let continues =
                operation.transactionID != nil && operation.deviceID == last?.deviceID
                && operation.transactionID == last?.transactionID
            EntityKeyBytes.with(operation.collection, EntityID(operation.deviceID.rawValue)) {
                builder.append(
                    operation.encoded()[...], collection: $0.collection, deviceID: $0.entityID,
                    continuesTransaction: continues)
            }
            last = operation
        }
        var link = SHA256Digest.zero
        let payloads = builder.payloads(
            committedAtMilliseconds: 0, bytesTarget: .max, link: &link, by: SHA256())
        return try LogGroup(payloads[0].payload[...])
    }
}

/// A log in memory as a push of one device sees it.
private struct LogValueView: PushView {
    let operations: [SyncOperation]
    let indexes: DatabaseIndexes
    let device: DeviceNumber
    let server: DeviceNumber? = nil

    init(_ operations: [SyncOperation], of deviceID: DeviceID) throws {
        self.operations = operations
        var indexes = DatabaseIndexes()
        if let group = try LogValue.group(operations) { try indexes.replay(group, "memory", 0) }
        device = indexes.register(deviceID)
        self.indexes = indexes
    }

    var nextCursor: Cursor { Cursor(UInt64(operations.count + 1)) }
    var highestAccepted: OperationID { indexes.devices[device].accepted.highest }

    func revision(of key: EntityKeyBytes) -> EntityRevision? { indexes.entities[key] }

    func isAccepted(_ operationID: OperationID) -> Bool {
        indexes.devices[device].accepted.contains(operationID)
    }

    func recentCursor(of operationID: OperationID) -> Cursor? {
        indexes.devices[device].recent.cursor(of: operationID)
    }

    func withOperation<Result>(
        at cursor: Cursor, _ body: (borrowing SyncOperationView) -> Result
    ) throws(OpLogError) -> Result? {
        do throws(CBORError) {
            let bytes = operations[Int(cursor.rawValue) - 1].encoded()
            return try SyncOperationView.read(bytes) { view throws(CBORError) in body(view) }
        } catch {
            throw .damaged("memory", at: nil, "The operation at cursor \(cursor): \(error)")
        }
    }
}
