// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What one binary message of a socket holds: `[type, requestId, body]`.
struct LiveMessage {
    /// What it is, as the protocol spells it.
    var type: String
    /// What its answer is to bear; 0 for none.
    var requestID: UInt64
    /// The body, one encoded map.
    var body: [UInt8]

    /// Why a message cannot be read, and the number of its request as far as that came.
    struct Fault: Error {
        var requestID: UInt64
        var error: CBORError
    }

    /// Reads a message. Offsets of errors count from its first byte.
    init(_ bytes: [UInt8], maxDepth: Int) throws(Fault) {
        var type: String?, number: UInt64?, body: [UInt8]?
        do throws(CBORError) {
            // The array is one level around the message.
            try CBORReader.read(bytes, limits: .depthOnly(maxDepth + 1)) {
                (reader: inout CBORReader) throws(CBORError) in
                try reader.readArray { reader, index throws(CBORError) in
                    switch index {
                    case 0: type = try reader.readText()
                    case 1: number = try Self.readNumber(&reader)
                    case 2: body = try Self.readMap(&reader)
                    default: throw reader.error(.invalidValue, Self.shape)
                    }
                }
            }
        } catch {
            throw Fault(requestID: number ?? 0, error: error)
        }
        guard let type, let number, let body else {
            throw Fault(
                requestID: number ?? 0,
                error: CBORError(.invalidValue, at: 0, message: Self.shape))
        }
        self.type = type
        requestID = number
        self.body = body
    }

    private static let shape = "A message is an array of three: its type, a number and a map."

    private static func readNumber(_ reader: inout CBORReader) throws(CBORError) -> UInt64 {
        let number = try reader.readUInt()
        guard number <= wireIntegerMax else {
            throw reader.error(.outOfRange, "The requestId is above 2^63 - 1.")
        }
        return number
    }

    private static func readMap(_ reader: inout CBORReader) throws(CBORError) -> [UInt8] {
        guard try reader.peekType() == .map else { throw reader.error(.wrongType, shape) }
        return try reader.readEncodedItem()
    }

    /// What stands in front of a message's body.
    static func head(_ type: String, _ requestID: UInt64) -> [UInt8] {
        var writer = CBORWriter(capacity: 24)
        writer.writeArrayHeader(count: 3)
        writer.write(text: type)
        writer.write(uint: requestID)
        // Two items of three are written; the body follows as bytes that lie ready.
        return writer.bytes
    }

    /// The body of an `operations` message, around operations that are encoded already.
    static func operations(
        _ operations: ByteChain, count: Int, nextCursor: Cursor, logID: LogID
    ) -> ByteChain {
        var head = CBORWriter(capacity: 16)
        head.writeMapHeader(count: 3)
        head.write(text: "ops")
        head.writeArrayHeader(count: count)
        var tail = CBORWriter(capacity: 48)
        tail.write(text: "logId")
        tail.write(bytes: logID.bytes)
        tail.write(text: "nextCursor")
        tail.write(uint: nextCursor.rawValue)
        var chain = ByteChain(head.bytes)
        chain.append(operations)
        chain.append(tail.bytes[...])
        return chain
    }
}
