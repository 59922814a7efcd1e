// SPDX-License-Identifier: MIT

public import CBOR

/// A message or a part of one: written in Core Deterministic Encoding (RFC 8949 §4.2.1), read from
/// any valid encoding of the right shape.
public protocol WireValue: Sendable {
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
    guard let value else {
        throw CBORError(
            .missingKey, at: offset, path: [key], message: "The required key \"\(key)\" is missing."
        )
    }
    return value
}

/// Whether a text key comes before another in Core Deterministic Encoding: the shorter first, then
/// by bytes, which is the bytewise order of the encoded keys.
func deterministicOrder(_ lhs: String, _ rhs: String) -> Bool {
    lhs.utf8.count == rhs.utf8.count
        ? lhs.utf8.lexicographicallyPrecedes(rhs.utf8) : lhs.utf8.count < rhs.utf8.count
}

/// How many bytes the shortest head with this argument has, which is not negative.
func encodedHeadSize(_ argument: Int) -> Int {
    switch argument {
    case ..<24: 1
    case ...0xFF: 2
    case ...0xFFFF: 3
    case ...0xFFFF_FFFF: 5
    default: 9
    }
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

    mutating func readList<T: WireValue>() throws(CBORError) -> [T] {
        var list: [T] = []
        try readArray { reader, _ throws(CBORError) in list.append(try T(from: &reader)) }
        return list
    }
}

extension CBORWriter {
    mutating func key(_ key: StaticString) { write(text: key) }

    mutating func field(_ key: StaticString, _ text: String?) {
        guard let text else { return }
        self.key(key)
        write(text: text)
    }

    mutating func field(_ key: StaticString, _ name: (some TextIdentifier)?) {
        field(key, name?.rawValue)
    }

    mutating func field(_ key: StaticString, _ number: UInt64?) {
        guard let number else { return }
        self.key(key)
        write(uint: number)
    }

    mutating func field(_ key: StaticString, _ number: (some WireNumber)?) {
        field(key, number?.rawValue)
    }

    mutating func field(_ key: StaticString, _ flag: Bool?) {
        guard let flag else { return }
        self.key(key)
        write(bool: flag)
    }

    mutating func field(_ key: StaticString, bytes: [UInt8]?) {
        guard let bytes else { return }
        self.key(key)
        write(bytes: bytes)
    }

    mutating func field(_ key: StaticString, _ logID: LogID?) {
        field(key, bytes: logID?.bytes)
    }

    mutating func field(_ key: StaticString, _ value: some WireValue) {
        self.key(key)
        value.encode(to: &self)
    }

    mutating func field(_ key: StaticString, list: [some WireValue]) {
        self.key(key)
        writeArrayHeader(count: list.count)
        for element in list { element.encode(to: &self) }
    }
}
