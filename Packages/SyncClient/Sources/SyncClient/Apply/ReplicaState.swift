// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// Where a device stands: one record, `state` in the local collection `_sync`, written in the same
/// transaction as what it speaks of.
struct ReplicaState: Sendable, Equatable {
    /// The database that the store is bound to.
    var databaseID: DatabaseID
    /// The device's present name; another than the configured one after a clone was found.
    var deviceID: DeviceID
    /// The server log that `cursor` and the bases of `logEpoch` belong to.
    var logID: LogID?
    /// Everything up to here is applied.
    var cursor: Cursor = 0
    /// While a pull that began at 0 goes on: the server's cursor at its first page.
    var snapshot: Cursor?
    /// How many logs the device has seen; bases of an earlier one are void.
    var logEpoch: UInt64 = 0
    /// How many resyncs the device has begun.
    var generation: UInt64 = 0
    /// The resync that goes on, if any.
    var resync: Resync?
    /// The number of the last settlement: a store transaction that also changes the queue.
    var settlement: UInt64 = 0
    /// The highest hybrid stamp received.
    var receivedTimestamp: HybridTimestamp = 0
    /// How many conflicts and quarantined operations were ever recorded.
    var recordCount: UInt64 = 0
    /// The highest cursor of a tombstone that the server has dropped, as its handshake said.
    var oldestCursor: Cursor = 0
    /// The highest cursor of the present log that an answer has shown. A log that ends before it
    /// has gone back.
    private(set) var seen: Cursor = 0
    /// The highest number that the present log is known to have of the present device.
    private(set) var acceptedThrough: OperationID = 0

    /// Why everything is pulled again.
    enum Resync: UInt64, Sendable {
        /// The server dropped tombstones that the device has not seen.
        case compacted = 1
        /// The server's log is another one, or went back.
        case otherLog = 2
        /// The device found that it was restored from a copy or cloned.
        case newDevice = 3

        /// Whether operations of the queue may turn out to be in the log: until the resync ends,
        /// each stays what it is.
        var maySeeQueued: Bool { self != .compacted }
    }

    /// The local collection and the id of the record.
    static let collection = "_sync"
    static let id = "state"

    init(databaseID: DatabaseID, deviceID: DeviceID) {
        self.databaseID = databaseID
        self.deviceID = deviceID
    }

    /// An answer has shown a cursor of the present log.
    mutating func see(_ cursor: Cursor?) { seen = max(seen, cursor ?? .start) }

    /// The server says that it has an operation.
    mutating func noteAccepted(_ number: OperationID, of device: DeviceID) {
        if device == deviceID { acceptedThrough = max(acceptedThrough, number) }
    }

    /// The device goes on under another name, of which the log has nothing.
    mutating func rename(_ name: DeviceID) {
        deviceID = name
        acceptedThrough = 0
    }

    /// Keeps of the two marks what the pulled cursor says.
    mutating func forgetMarks() { (seen, acceptedThrough) = (cursor, 0) }

    /// What was known of the log is void.
    mutating func forgetLog() {
        logID = nil
        logEpoch += 1
        seen = .start
        acceptedThrough = 0
    }
}

extension ReplicaState: WireValue {
    func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: 14)
        writer.write(text: databaseID.rawValue)
        writer.write(text: deviceID.rawValue)
        if let logID { writer.write(bytes: logID.bytes) } else { writer.writeNull() }
        writer.write(uint: cursor.rawValue)
        if let snapshot { writer.write(uint: snapshot.rawValue) } else { writer.writeNull() }
        writer.write(uint: logEpoch)
        writer.write(uint: generation)
        writer.write(uint: resync?.rawValue ?? 0)
        writer.write(uint: settlement)
        writer.write(uint: receivedTimestamp.rawValue)
        writer.write(uint: recordCount)
        writer.write(uint: oldestCursor.rawValue)
        writer.write(uint: seen.rawValue)
        writer.write(uint: acceptedThrough.rawValue)
    }

    init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var state = ReplicaState(databaseID: "", deviceID: "")
        var count = 0
        try reader.readArray { reader, index throws(CBORError) in
            count += 1
            switch index {
            case 0: state.databaseID = DatabaseID(try reader.readText())
            case 1: state.deviceID = DeviceID(try reader.readText())
            case 2:
                if try !reader.readNullIfPresent() { state.logID = LogID(try reader.readBytes()) }
            case 3: state.cursor = Cursor(try reader.readUInt())
            case 4:
                if try !reader.readNullIfPresent() {
                    state.snapshot = Cursor(try reader.readUInt())
                }
            case 5: state.logEpoch = try reader.readUInt()
            case 6: state.generation = try reader.readUInt()
            case 7:
                let start = reader.offset
                let number = try reader.readUInt()
                state.resync = Resync(rawValue: number)
                guard number == 0 || state.resync != nil else {
                    throw CBORError(
                        .invalidValue, at: start, message: "\(number) is no reason for a resync.")
                }
            case 8: state.settlement = try reader.readUInt()
            case 9: state.receivedTimestamp = HybridTimestamp(try reader.readUInt())
            case 10: state.recordCount = try reader.readUInt()
            case 11: state.oldestCursor = Cursor(try reader.readUInt())
            case 12: state.seen = Cursor(try reader.readUInt())
            case 13: state.acceptedThrough = OperationID(try reader.readUInt())
            default: try reader.skip()
            }
        }
        guard count >= 12 else {
            throw CBORError(
                .invalidValue, at: start, message: "The record of the sync state is short.")
        }
        // An earlier version kept neither of the two marks.
        if count == 12 { state.seen = state.cursor }
        self = state
    }
}
