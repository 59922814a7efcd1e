// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol

/// Writes `operations` events of an event stream (protocol, §15): what was done to which entity,
/// and not its content.
struct AnnouncementWriter {
    /// How many operations an event names, so that a reader takes it in whole.
    private static let operationsMax = 256

    /// The events that are whole.
    private(set) var bytes: [UInt8] = []
    private var list: [UInt8] = []
    private var count = 0
    private var last = Cursor.start

    /// Adds an operation of the log; `buffer` is what its ranges lie in.
    mutating func add(_ operation: StoredOperation, in buffer: UnsafeRawBufferPointer) {
        if count == Self.operationsMax { finish() }
        list.append(count == 0 ? UInt8(ascii: "[") : UInt8(ascii: ","))
        write(#"{"opId":"#)
        write(operation.operationID.rawValue)
        write(#","deviceId":"#)
        write(text: UnsafeRawBufferPointer(rebasing: buffer[operation.deviceID]))
        write(#","collection":"#)
        write(text: UnsafeRawBufferPointer(rebasing: buffer[operation.collection]))
        write(#","entityId":"#)
        write(text: UnsafeRawBufferPointer(rebasing: buffer[operation.entityID]))
        write(operation.isDelete ? #","opType":"delete""# : #","opType":"upsert""#)
        write(#","entityVersion":"#)
        write(operation.version.rawValue)
        list.append(UInt8(ascii: "}"))
        count += 1
        last = operation.cursor
    }

    /// Ends the event that has begun, if there is one.
    mutating func finish() {
        guard count > 0 else { return }
        list.append(UInt8(ascii: "]"))
        let data =
            Array(#"{"cursor":\#(last),"count":\#(count),"operations":"#.utf8) + list
            + [UInt8(ascii: "}")]
        ServerSentEvent.write("operations", id: "\(last)", data: data, to: &bytes)
        (list, count) = ([], 0)
    }

    private mutating func write(_ text: StaticString) {
        text.withUTF8Buffer { list.append(contentsOf: $0) }
    }

    private mutating func write(_ number: UInt64) {
        list.append(contentsOf: String(number).utf8)
    }

    /// Writes UTF-8 as a JSON text (RFC 8259 §7).
    private mutating func write(text: UnsafeRawBufferPointer) {
        let digits: StaticString = "0123456789abcdef"
        list.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                list.append(UInt8(ascii: "\\"))
                list.append(byte)
            case ..<0x20, 0x7F:
                write(#"\u00"#)
                digits.withUTF8Buffer {
                    list.append($0[Int(byte >> 4)])
                    list.append($0[Int(byte & 15)])
                }
            default: list.append(byte)
            }
        }
        list.append(UInt8(ascii: "\""))
    }
}
