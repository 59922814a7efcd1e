// SPDX-License-Identifier: MIT

// A frame (RFC 6455 §5.2), all numbers big-endian:
//
//      0     1  FIN (0x80), RSV1–3 (0x70, always 0 here), opcode (0x0F)
//      1     1  MASK (0x80), length L (0x7F): 0–125 as it is, 126: in the next 2 bytes,
//               127: in the next 8
//      2   0/2/8  the length, in as few bytes as hold it
//            4  the mask, if MASK is set: always from a client, never from a server
//            L  the payload, byte i exclusive-or the mask's byte i mod 4

/// What a frame is for.
public enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    /// Whether it is about the connection and not a part of a message (RFC 6455 §5.5).
    public var isControl: Bool { rawValue >= 8 }
}

/// Which end of a connection one is.
public enum WebSocketRole: Sendable {
    /// Sends frames with a mask and takes them without.
    case client
    /// Takes frames with a mask and sends them without.
    case server
}

/// The four bytes that a client's payload is exclusive-ored with. To be taken from a generator
/// that the peer cannot foresee (RFC 6455 §5.3).
public struct WebSocketMask: Sendable, Hashable {
    private let bytes: (UInt8, UInt8, UInt8, UInt8)

    /// The mask whose first byte is the highest of the number.
    public init(_ number: UInt32) {
        bytes = (
            UInt8(truncatingIfNeeded: number >> 24), UInt8(truncatingIfNeeded: number >> 16),
            UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)
        )
    }

    subscript(index: Int) -> UInt8 {
        switch index & 3 {
        case 0: bytes.0
        case 1: bytes.1
        case 2: bytes.2
        default: bytes.3
        }
    }

    /// Masks or unmasks a run of a payload, whose first byte is the payload's byte `position`.
    func apply(to run: UnsafeMutableRawBufferPointer, position: Int) {
        // Eight bytes at a time: the mask comes twice in them.
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(self[position + index]) << UInt64(8 * index) }
        word = word.littleEndian
        var index = 0
        while index + 8 <= run.count {
            let masked = run.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
            run.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < run.count {
            run[index] ^= self[position + index]
            index += 1
        }
    }

    fileprivate func write(to output: inout [UInt8]) {
        for index in 0..<4 { output.append(self[index]) }
    }

    public static func == (left: WebSocketMask, right: WebSocketMask) -> Bool {
        left.bytes == right.bytes
    }

    public func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(self[index]) }
    }
}

/// One frame to be sent.
public struct WebSocketFrame: Sendable, Hashable {
    /// What it is for.
    public var opcode: WebSocketOpcode
    /// Whether the message ends with it.
    public var isFinal: Bool
    /// What it carries, without a mask.
    public var payload: [UInt8]

    /// Creates a frame.
    public init(_ opcode: WebSocketOpcode, _ payload: [UInt8] = [], isFinal: Bool = true) {
        self.opcode = opcode
        self.isFinal = isFinal
        self.payload = payload
    }

    /// A close frame. The reason is cut to the 123 bytes of UTF-8 that there is room for.
    public static func close(
        _ code: WebSocketCloseCode, reason: String = ""
    ) -> WebSocketFrame {
        var payload = [UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
        for character in reason {
            guard payload.count + character.utf8.count <= controlPayloadBytesMax else { break }
            payload.append(contentsOf: character.utf8)
        }
        return WebSocketFrame(.close, payload)
    }

    /// What a control frame carries at most (RFC 6455 §5.5).
    public static let controlPayloadBytesMax = 125

    /// The frame's bytes, with a mask if a client sends it.
    ///
    /// - Precondition: A control frame is final and carries `controlPayloadBytesMax` at most.
    public func serialized(mask: WebSocketMask? = nil) -> [UInt8] {
        precondition(
            !opcode.isControl || (isFinal && payload.count <= Self.controlPayloadBytesMax),
            "A control frame is whole and carries at most 125 bytes")
        var output: [UInt8] = []
        output.reserveCapacity(14 + payload.count)
        Self.writeHead(
            opcode, payloadBytes: payload.count, isFinal: isFinal, mask: mask, to: &output)
        let start = output.count
        output.append(contentsOf: payload)
        guard let mask else { return output }
        output.withUnsafeMutableBytes { bytes in
            mask.apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), position: 0)
        }
        return output
    }

    /// Writes what stands in front of a payload of `payloadBytes` bytes, so that a sender need not
    /// copy the payload behind it. With a mask the payload is the caller's to mask.
    public static func writeHead(
        _ opcode: WebSocketOpcode, payloadBytes: Int, isFinal: Bool = true,
        mask: WebSocketMask? = nil, to output: inout [UInt8]
    ) {
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        output.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        switch payloadBytes {
        case ...125: output.append(maskBit | UInt8(payloadBytes))
        case ...0xFFFF:
            output.append(maskBit | 126)
            output.append(UInt8(payloadBytes >> 8))
            output.append(UInt8(truncatingIfNeeded: payloadBytes))
        default:
            output.append(maskBit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: payloadBytes >> shift))
            }
        }
        mask?.write(to: &output)
    }
}
