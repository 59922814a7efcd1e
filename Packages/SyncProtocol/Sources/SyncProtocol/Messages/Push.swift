// SPDX-License-Identifier: MIT

public import CBOR

/// `POST /v1/push`: a device hands over operations of its own.
public struct PushRequest: WireValue, Hashable {
    /// The database.
    public var databaseID: DatabaseID
    /// The device.
    public var deviceID: DeviceID
    /// The log that the operations' bases belong to.
    public var logID: LogID?
    /// What the device last saw.
    public var cursor: Cursor?
    /// The device's operations, numbers increasing.
    public var operations: [SyncOperation]

    /// Creates a request.
    public init(
        databaseID: DatabaseID, deviceID: DeviceID, logID: LogID? = nil, cursor: Cursor? = nil,
        operations: [SyncOperation]
    ) {
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.logID = logID
        self.cursor = cursor
        self.operations = operations
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 3 + [logID != nil, cursor != nil].count { $0 })
        writer.field("ops", list: operations)
        writer.field("dbId", databaseID)
        writer.field("logId", logID)
        writer.field("cursor", cursor)
        writer.field("deviceId", deviceID)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        self.init(try PushRequestView(from: &reader))
    }

    /// Copies a borrowed request.
    public init(_ view: borrowing PushRequestView) {
        databaseID = view.databaseID
        deviceID = view.deviceID
        logID = view.logID
        cursor = view.cursor
        operations = (0..<view.operations.count).map { SyncOperation(view.operations[$0]) }
    }
}

/// The answer to a push: what became of each operation.
///
/// An older peer sends `acknowledgedUpToOpId` and `conflicts` only; `accepted` is then `nil`.
public struct PushResponse: WireValue, Hashable {
    /// One less than the lowest number that was not accepted, or the highest of the request.
    public var acknowledgedUpTo: OperationID
    /// The operations that are in conflict, in the order of the request.
    public var conflicts: [Conflict]
    /// The highest cursor of the database.
    public var serverCursor: Cursor?
    /// The accepted operations, duplicates included, as maximal ascending runs.
    public var accepted: [AcceptedRun]?
    /// The operations that were refused for themselves or with their transaction.
    public var rejected: [Rejection]

    /// Creates an answer.
    public init(
        acknowledgedUpTo: OperationID, conflicts: [Conflict] = [], serverCursor: Cursor? = nil,
        accepted: [AcceptedRun]? = nil, rejected: [Rejection] = []
    ) {
        self.acknowledgedUpTo = acknowledgedUpTo
        self.conflicts = conflicts
        self.serverCursor = serverCursor
        self.accepted = accepted
        self.rejected = rejected
    }

    public func encode(to writer: inout CBORWriter) {
        // An answer without `accepted` is an older peer's, which has no `rejected` either.
        let showsRejected = accepted != nil || !rejected.isEmpty
        let optional = [accepted != nil, showsRejected, serverCursor != nil]
        writer.writeMapHeader(count: 2 + optional.count { $0 })
        if let accepted { writer.field("accepted", list: accepted) }
        if showsRejected { writer.field("rejected", list: rejected) }
        writer.field("conflicts", list: conflicts)
        writer.field("serverCursor", serverCursor)
        writer.field("acknowledgedUpToOpId", acknowledgedUpTo)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var upTo: OperationID?, conflicting: [Conflict]?, head: Cursor?
        var runs: [AcceptedRun]?, refused: [Rejection] = []
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "acknowledgedUpToOpId": upTo = try reader.readNumber()
            case "conflicts": conflicting = try reader.readList()
            case "serverCursor": head = try reader.readNumberIfPresent()
            case "accepted": if try !reader.readNullIfPresent() { runs = try reader.readList() }
            case "rejected": if try !reader.readNullIfPresent() { refused = try reader.readList() }
            default: try reader.skip()
            }
        }
        acknowledgedUpTo = try require(upTo, "acknowledgedUpToOpId", at: start)
        conflicts = try require(conflicting, "conflicts", at: start)
        serverCursor = head
        accepted = runs
        rejected = refused
    }
}

/// A run of accepted operations whose numbers and cursors both go up by one:
/// `[firstOpId, firstCursor, count]`.
public struct AcceptedRun: WireValue, Hashable {
    /// The first operation's number.
    public var firstOperationID: OperationID
    /// The first operation's cursor; 0 for a duplicate whose cursor is no longer kept, which is a
    /// run of its own.
    public var firstCursor: Cursor
    /// How many operations, at least 1.
    public var count: UInt64

    /// Creates a run.
    public init(firstOperationID: OperationID, firstCursor: Cursor, count: UInt64) {
        self.firstOperationID = firstOperationID
        self.firstCursor = firstCursor
        self.count = count
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: 3)
        writer.write(uint: firstOperationID.rawValue)
        writer.write(uint: firstCursor.rawValue)
        writer.write(uint: count)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var numbers: [UInt64] = []
        try reader.readArray { reader, index throws(CBORError) in
            // A later version may append to the run.
            if index < 3 { numbers.append(try reader.readWireInteger()) } else { try reader.skip() }
        }
        guard numbers.count == 3, Self.isRun(numbers[0], numbers[1], count: numbers[2]) else {
            throw CBORError(
                .invalidValue, at: start,
                message: "An accepted run is [firstOpId, firstCursor, count], firstOpId and count "
                    + "from 1, count 1 if firstCursor is 0.")
        }
        self.init(
            firstOperationID: OperationID(numbers[0]), firstCursor: Cursor(numbers[1]),
            count: numbers[2])
    }

    /// Whether the numbers make a run that stays within the protocol's integers.
    private static func isRun(_ operationID: UInt64, _ cursor: UInt64, count: UInt64) -> Bool {
        guard operationID >= 1, count >= 1, cursor >= 1 || count == 1 else { return false }
        return count - 1 <= wireIntegerMax - operationID && count - 1 <= wireIntegerMax - cursor
    }

    /// The cursor that `operationID` got, if it is in this run.
    public func cursor(of operationID: OperationID) -> Cursor? {
        guard operationID >= firstOperationID,
            operationID.rawValue - firstOperationID.rawValue < count
        else { return nil }
        guard firstCursor > .start else { return .start }
        return Cursor(firstCursor.rawValue + operationID.rawValue - firstOperationID.rawValue)
    }
}

/// An operation that the server refused, with the reason.
public struct Rejection: WireValue, Hashable {
    /// The operation.
    public var operationID: OperationID
    /// Why.
    public var code: RejectionCode
    /// Why, for people; never a payload.
    public var message: String

    /// Creates a rejection.
    public init(operationID: OperationID, code: RejectionCode, message: String) {
        self.operationID = operationID
        self.code = code
        self.message = message
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 3)
        writer.field("code", code.rawValue)
        writer.field("opId", operationID)
        writer.field("message", message)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var operation: OperationID?, reason: String?, text: String?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "opId": operation = try reader.readNumber()
            case "code": reason = try reader.readText()
            case "message": text = try reader.readText()
            default: try reader.skip()
            }
        }
        operationID = try require(operation, "opId", at: start)
        code = RejectionCode(rawValue: try require(reason, "code", at: start))
        message = text ?? ""
    }
}

/// Why a single operation was rejected. A code that this version does not know keeps its name.
public struct RejectionCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Its values break a rule: names, collection, kind, content or labels.
    public static let malformed = RejectionCode(rawValue: "malformed")
    /// Its entity is larger than the server takes.
    public static let tooLarge = RejectionCode(rawValue: "tooLarge")
    /// The device may not write there.
    public static let forbidden = RejectionCode(rawValue: "forbidden")
    /// Its number was accepted before with other content: the device was restored or cloned.
    public static let operationIDReuse = RejectionCode(rawValue: "opIdReuse")
    /// Another member of its transaction was refused.
    public static let transactionAborted = RejectionCode(rawValue: "transactionAborted")
    /// Its hybrid stamp is too far ahead of the server's clock.
    public static let clockSkew = RejectionCode(rawValue: "clockSkew")
}
