// SPDX-License-Identifier: MIT

public import CBOR

/// A message or a part of one: written in Core Deterministic Encoding (RFC 8949 §4.2.1), read from
/// any valid encoding of the right shape.
public protocol WireValue: ~Copyable, Sendable {
    /// Writes the value as one item.
    func encode(to writer: inout CBORWriter)
    /// Reads the value from one item. Unknown keys are skipped.
    ///
    /// - Throws: `CBORError` with the key path and the byte offset of what is wrong.
    init(from reader: inout CBORReader) throws(CBORError)
    /// How deep an item that is such a value may nest; `messageMaxDepth` unless its type says else.
    static var maxDepth: Int { get }
}

/// How deep a message may nest outside the entities that it carries (protocol, §2).
public let messageMaxDepth = 16

extension WireValue {
    public static var maxDepth: Int { messageMaxDepth }

    /// The value's deterministic encoding.
    public func encoded() -> [UInt8] {
        var writer = CBORWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// Reads a value that is the whole of `bytes`.
    ///
    /// - Throws: `CBORError` for anything that is not exactly one valid item of this shape.
    public init(decoding bytes: [UInt8]) throws(CBORError) {
        // A message is bounded by the caller's body limit; items are bounded by its bytes.
        let limits = CBORLimits(
            maxDepth: Self.maxDepth, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)
        self = try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try Self(from: &reader)
        }
    }
}

/// The value of a required key, or the error that names the key.
func require<T>(_ value: T?, _ key: String, at offset: Int) throws(CBORError) -> T {
    guard let value else { throw .missingKey(key, at: offset) }
    return value
}

extension CBORError {
    /// The error for a map at `offset` that lacks a key.
    static func missingKey(_ key: String, at offset: Int) -> CBORError {
        CBORError(
            .missingKey, at: offset, path: [key], message: "The required key \"\(key)\" is missing."
        )
    }
}

/// Whether a text key comes before another in Core Deterministic Encoding: the shorter first, then
/// by bytes, which is the bytewise order of the encoded keys.
func deterministicOrder(_ lhs: String, _ rhs: String) -> Bool {
    lhs.utf8.count == rhs.utf8.count
        ? lhs.utf8.lexicographicallyPrecedes(rhs.utf8) : lhs.utf8.count < rhs.utf8.count
}

extension CBORReader {
    /// Reads an integer of the protocol: unsigned, at most 2^63 − 1.
    mutating func readWireInteger() throws(CBORError) -> UInt64 {
        let start = offset
        let value = try readUInt()
        guard value <= wireIntegerMax else {
            throw CBORError(
                .outOfRange, at: start, message: "The integer \(value) is above 2^63 - 1.")
        }
        return value
    }

    mutating func readNumber<N: WireNumber>() throws(CBORError) -> N {
        N(try readWireInteger())
    }

    /// Reads a number, or `nil` where the key is there with null.
    mutating func readNumberIfPresent<N: WireNumber>() throws(CBORError) -> N? {
        try readNullIfPresent() ? nil : N(try readWireInteger())
    }

    mutating func readName<N: TextIdentifier>() throws(CBORError) -> N {
        N(try readText())
    }

    /// Reads a name that must keep its rule here.
    mutating func readValidName<N: TextIdentifier>() throws(CBORError) -> N {
        let start = offset
        let name = N(try readText())
        guard name.isValid else {
            throw CBORError(.invalidValue, at: start, message: "The name must be \(N.rule).")
        }
        return name
    }

    mutating func readLogID() throws(CBORError) -> LogID {
        let start = offset
        guard let logID = LogID(try readBytes()) else {
            throw CBORError(.invalidValue, at: start, message: "A logId has 16 bytes.")
        }
        return logID
    }

    mutating func readTextOrNull() throws(CBORError) -> String? {
        try readNullIfPresent() ? nil : try readText()
    }

    /// Reads a list. Room is made for as many elements as are announced, but never for more bytes
    /// than four times what the input has left: the shortest operation takes a third of its struct.
    mutating func readList<T: WireValue>() throws(CBORError) -> [T] {
        var list: [T] = []
        let room = 4 * bytesLeft / MemoryLayout<T>.stride
        list.reserveCapacity(Swift.min(try peekCount(), room))
        try readArray { reader, _ throws(CBORError) in list.append(try T(from: &reader)) }
        return list
    }
}

// What a message is written with. A key is words that the compiler knows; each kind of value has
// one function, which is not inlined: many of them in a row would be too large to be optimised.
extension CBORWriter {
    @inline(__always)
    mutating func key(_ key: CBORStaticKey) { write(key: key) }

    @inline(never)
    mutating func field(_ key: CBORStaticKey, _ text: String) {
        write(key: key)
        write(text: text)
    }

    @inline(never)
    mutating func field(_ key: CBORStaticKey, _ number: UInt64) {
        write(key: key)
        write(uint: number)
    }

    @inline(never)
    mutating func field(_ key: CBORStaticKey, bytes: [UInt8]) {
        write(key: key)
        write(bytes: bytes)
    }

    mutating func field(_ key: CBORStaticKey, _ flag: Bool) {
        write(key: key)
        write(bool: flag)
    }

    mutating func field(_ key: CBORStaticKey, _ value: some WireValue) {
        write(key: key)
        value.encode(to: &self)
    }

    mutating func field(_ key: CBORStaticKey, list: [some WireValue]) {
        write(key: key)
        writeArrayHeader(count: list.count)
        write(elements: list)
    }

    /// Writes the elements of an array whose header is written.
    mutating func write(elements: [some WireValue]) {
        elements.withUnsafeBufferPointer { buffer in
            if let start = buffer.baseAddress { write(elements: start, count: buffer.count) }
        }
    }

    /// Writes elements where they lie: what need not be copyable is not copied.
    private mutating func write<Element: WireValue & ~Copyable>(
        elements: UnsafePointer<Element>, count: Int
    ) {
        let start = byteCount
        let sample = Swift.min(count, 32)
        for index in 0..<sample { elements[index].encode(to: &self) }
        // The first elements tell how much room all will take: that grows the memory once. They may
        // be the only large ones, so what is asked for stays in proportion to what was written.
        let written = byteCount - start
        let size = sample > 0 ? written / sample : 0
        reserve(Swift.min((size + size / 8) * (count - sample), Swift.max(2 * written, 1 << 20)))
        for index in sample..<count { elements[index].encode(to: &self) }
    }
}

// The same for values of the protocol, and for those that may be missing: their keys are left out.
extension CBORWriter {
    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ name: some TextIdentifier) {
        field(key, name.rawValue)
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ number: some WireNumber) {
        field(key, number.rawValue)
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ logID: LogID) {
        field(key, bytes: logID.bytes)
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ text: String?) {
        if let text { field(key, text) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ name: (some TextIdentifier)?) {
        if let name { field(key, name) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ number: UInt64?) {
        if let number { field(key, number) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ number: (some WireNumber)?) {
        if let number { field(key, number) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ flag: Bool?) {
        if let flag { field(key, flag) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, _ logID: LogID?) {
        if let logID { field(key, logID) }
    }

    @inline(__always)
    mutating func field(_ key: CBORStaticKey, bytes: [UInt8]?) {
        if let bytes { field(key, bytes: bytes) }
    }
}
