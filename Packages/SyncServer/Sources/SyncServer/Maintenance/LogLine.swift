// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// An operation of the log, for people to read.
struct LogLine {
    var operation: SyncOperation
    var committedAtMilliseconds: UInt64

    /// What the operation wrote, in diagnostic notation (RFC 8949, section 8); `nil` for a delete.
    var notation: String? {
        guard let content = operation.entityCBOR else { return nil }
        do throws(CBORError) { return try CBORDiagnostic.text(of: content) } catch {
            return "(\(content.count) bytes that are no CBOR)"
        }
    }

    private var kind: String { operation.kind == .delete ? "delete" : "upsert" }

    var lines: [String] {
        let base = operation.base.map { " on \($0)" } ?? ""
        let transaction = operation.transactionID.map { ", transaction \($0)" } ?? ""
        let entity = "\(operation.collection)/\(operation.entityID)"
        let author = "\(operation.deviceID) #\(operation.operationID)"
        let time = utcTime(committedAtMilliseconds)
        let first =
            "\(operation.cursor ?? 0)  \(kind) \(entity)\(base), version "
            + "\(operation.entityVersion), by \(author)\(transaction), \(time)"
        return [first] + (notation.map { ["    " + $0] } ?? [])
    }

    var json: JSONValue {
        .object([
            .init("cursor", .number(operation.cursor?.rawValue ?? 0)),
            .init("opType", .text(kind)),
            .init("collection", .text(operation.collection.rawValue)),
            .init("entityId", .text(operation.entityID.rawValue)),
            .init("base", operation.base.map { .number($0.rawValue) }.orNull),
            .init("entityVersion", .number(operation.entityVersion.rawValue)),
            .init("deviceId", .text(operation.deviceID.rawValue)),
            .init("opId", .number(operation.operationID.rawValue)),
            .init("transactionId", operation.transactionID.map { .number($0.rawValue) }.orNull),
            .init("committedAtMs", .number(committedAtMilliseconds)),
            .init("content", notation.map { .text($0) }.orNull),
        ])
    }
}

extension FileOpLog {
    /// Calls `body` with each operation at `cursors` whose collection and id, with `/` between
    /// them, are `entity`, if that is given.
    ///
    /// - Complexity: Reads the log from the first cursor on.
    func forEachLine(
        at cursors: ClosedRange<Cursor>, of entity: String?, _ body: (LogLine) -> Void
    ) throws(OpLogError) {
        let wanted = entity.map { Array($0.utf8) }
        var fault: OpLogError?
        let before = Cursor(max(cursors.lowerBound.rawValue, 1) - 1)
        try forEachGroup(after: before) { group in
            group.forEach(from: cursors.lowerBound) { entry, bytes in
                guard entry.cursor <= cursors.upperBound else { return false }
                if let wanted, !Self.isOf(wanted, bytes, entry.range) { return true }
                do throws(CBORError) {
                    let operation = try SyncOperation(
                        decoding: [UInt8](UnsafeRawBufferPointer(rebasing: bytes[entry.range])))
                    body(
                        LogLine(
                            operation: operation,
                            committedAtMilliseconds: group.committedAtMilliseconds))
                    return true
                } catch {
                    fault = .damaged(
                        directory, at: nil,
                        "The operation at cursor \(entry.cursor) cannot be decoded")
                    return false
                }
            }
        }
        if let fault { throw fault }
    }

    private static func isOf(
        _ wanted: [UInt8], _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> Bool {
        guard let operation = StoredOperation(bytes, range) else { return false }
        let collection = bytes[operation.collection]
        let entityID = bytes[operation.entityID]
        guard wanted.count == collection.count + 1 + entityID.count else { return false }
        return wanted.starts(with: collection)
            && wanted[collection.count] == UInt8(ascii: "/")
            && wanted[(collection.count + 1)...].elementsEqual(entityID)
    }
}

/// A time since 1970 as `2026-01-31T23:59:59Z`; `never` for 0.
func utcTime(_ milliseconds: UInt64) -> String {
    if milliseconds == 0 { return "never" }
    let seconds = milliseconds / 1_000
    // Days since 0000-03-01, so that a leap day is the last of its year.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let civilMonth = month < 10 ? month + 3 : month - 9
    func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + String(number) }
    let time = [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60].map(two)
    return "\(era * 400 + year + (civilMonth <= 2 ? 1 : 0))-\(two(civilMonth))-\(two(day))T"
        + time.joined(separator: ":") + "Z"
}
