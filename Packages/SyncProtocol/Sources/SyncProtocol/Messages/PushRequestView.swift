// SPDX-License-Identifier: MIT

public import CBOR

/// A push as it lies in the body of its request: its operations point into the input.
///
///     try PushRequestView.read(body) { push throws(CBORError) in
///         for index in 0..<push.operations.count {
///             settle(push.operations[index].operationID)
///         }
///     }
///
/// It is checked as `PushRequest` is and fails with the same errors, for that one is made of it.
/// It cannot leave the closure; what it lends must not either.
public struct PushRequestView: ~Copyable {
    /// The database.
    public let databaseID: DatabaseID
    /// The device.
    public let deviceID: DeviceID
    /// The log that the operations' bases belong to.
    public let logID: LogID?
    /// What the device last saw.
    public let cursor: Cursor?
    /// The device's operations, numbers increasing.
    public let operations: SyncOperationViews

    /// Reads a request that is the whole of `bytes`, and lends it to `body`.
    ///
    /// - Throws: The `CBORError` that `PushRequest(decoding:)` throws, or what `body` throws.
    public static func read<T>(
        _ bytes: [UInt8], maxDepth: Int = messageMaxDepth,
        _ body: (borrowing PushRequestView) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try CBORReader.read(bytes, limits: .depthOnly(maxDepth)) { reader throws(CBORError) in
            let view = try PushRequestView(from: &reader)
            try reader.requireEnd()
            return try body(view)
        }
    }

    /// Reads the request that comes next, and checks its shape (protocol, §5.1): operations that
    /// belong to the envelope, numbers that increase from at least 1, transactions that are
    /// unbroken runs. It must not outlive the reader.
    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var database: DatabaseID?, device: DeviceID?, log: LogID?, seen: Cursor?
        var list: OperationBuffer?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "dbId": database = try reader.readValidName()
            case "deviceId": device = try reader.readValidName()
            case "logId": if try !reader.readNullIfPresent() { log = try reader.readLogID() }
            case "cursor": seen = try reader.readNumberIfPresent()
            case "ops":
                let buffer = OperationBuffer()
                try reader.readArray { reader, _ throws(CBORError) in
                    buffer.append(try SyncOperationView(from: &reader))
                }
                list = buffer
            default: try reader.skip()
            }
        }
        let databaseID = try require(database, "dbId", at: start)
        let deviceID = try require(device, "deviceId", at: start)
        let operations = SyncOperationViews(try require(list, "ops", at: start))
        if let fault = Self.shapeFault(operations, databaseID, deviceID) { throw fault }
        self.databaseID = databaseID
        self.deviceID = deviceID
        logID = log
        cursor = seen
        self.operations = operations
    }
}

extension PushRequestView {
    /// The first operation that does not fit the request.
    private static func shapeFault(
        _ operations: borrowing SyncOperationViews, _ databaseID: DatabaseID, _ deviceID: DeviceID
    ) -> CBORError? {
        var previous = OperationID(0)
        var open: TransactionID?
        var closed: Set<TransactionID> = []
        for index in 0..<operations.count {
            func fault(_ key: String, at offset: Int, _ message: String) -> CBORError {
                CBORError(
                    .invalidValue, at: offset, path: ["ops", "[\(index)]", key], message: message)
            }
            let offsets = operations[index].offsets
            let number = operations[index].operationID
            let transaction = operations[index].transactionID
            if number <= previous {
                return fault(
                    "opId", at: offsets.operationID,
                    "Numbers of operations start at 1 and increase.")
            }
            if !operations[index].databaseID.elementsEqual(databaseID.rawValue.utf8) {
                return fault(
                    "dbId", at: offsets.databaseID,
                    "The operation belongs to another database than its request.")
            }
            if !operations[index].deviceID.elementsEqual(deviceID.rawValue.utf8) {
                return fault(
                    "deviceId", at: offsets.deviceID,
                    "The operation belongs to another device than its request.")
            }
            if transaction != open {
                if let open { closed.insert(open) }
                if let transaction, closed.contains(transaction) {
                    return fault(
                        "transactionId", at: offsets.transactionID,
                        "A transaction comes again after another operation.")
                }
                open = transaction
            }
            previous = number
        }
        return nil
    }
}

/// Borrowed operations, one behind the other.
public struct SyncOperationViews: ~Copyable {
    private let buffer: OperationBuffer

    fileprivate init(_ buffer: OperationBuffer) { self.buffer = buffer }

    /// How many there are.
    public var count: Int { buffer.count }

    /// The operation at an index from 0 on, below `count`.
    public subscript(index: Int) -> SyncOperationView {
        _read {
            precondition((0..<count).contains(index), "There is no operation at this index.")
            yield buffer.start[index]
        }
    }
}

/// Owns the memory that borrowed operations lie in, for a standard array takes only what can be
/// copied; and nothing of what they point at.
private final class OperationBuffer {
    // The first `count` elements are initialized. They move in `append` alone, before the buffer
    // is handed out.
    private(set) var start: UnsafeMutablePointer<SyncOperationView>
    private(set) var count = 0
    private var capacity = 8

    init() { start = .allocate(capacity: capacity) }

    deinit {
        start.deinitialize(count: count)
        start.deallocate()
    }

    func append(_ view: consuming SyncOperationView) {
        if count == capacity {
            capacity *= 2
            let larger = UnsafeMutablePointer<SyncOperationView>.allocate(capacity: capacity)
            larger.moveInitialize(from: start, count: count)
            start.deallocate()
            start = larger
        }
        (start + count).initialize(to: view)
        count += 1
    }
}
