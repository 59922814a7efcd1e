// SPDX-License-Identifier: MIT

/// Reads items that stand one after another, with nothing around or between them (RFC 8742).
///
///     var reader = CBORSequenceReader(bytes)
///     while let value = try reader.nextValue() { print(value) }
///
/// To write a sequence, write one item after the other with a `CBORWriter`.
///
/// Limits hold for the sequence as a whole, except for the depth and the length of strings. After
/// an error the reader stays in front of the item at fault: `truncated` with more bytes to come
/// means to try again from `offset` when they are there.
public struct CBORSequenceReader: Sendable {
    private let bytes: [UInt8]
    private let limits: CBORLimits
    private var itemsLeft: Int

    /// The position in bytes of the next item.
    public private(set) var offset = 0
    /// How many items of the sequence were read.
    public private(set) var count = 0

    /// Nothing is looked at before the first item is asked for.
    public init(_ bytes: [UInt8], limits: CBORLimits = .default) {
        self.bytes = bytes
        self.limits = limits
        itemsLeft = limits.maxItems
    }

    /// Whether all items were read. A sequence may have none.
    public var isAtEnd: Bool { offset == bytes.count }

    /// Reads the next item, or returns `nil` at the end.
    ///
    /// - Parameter body: Reads or skips exactly one item.
    /// - Throws: What `body` throws, with the position in the sequence and `[n]` in front of the
    ///   path; `limitExceeded` if the sequence is longer than the limit.
    /// - Precondition: `body` reads one item if it returns.
    public mutating func next<T>(
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T? {
        guard bytes.count <= limits.maxTotalBytes else {
            throw CBORError(
                .limitExceeded, at: 0,
                message: "The input has \(bytes.count) bytes; \(limits.maxTotalBytes) are allowed.")
        }
        guard !isAtEnd else { return nil }
        do throws(CBORError) {
            let (value, end, left) = try bytes.withUnsafeBufferPointer {
                buffer throws(CBORError) in try read(UnsafeRawBufferPointer(buffer), body)
            }
            offset = end
            itemsLeft = left
            count += 1
            return value
        } catch {
            throw error.prefixed(with: "[\(count)]")
        }
    }

    /// Reads the item at `offset`; returns where it ends and how many items are left, too.
    private func read<T>(
        _ input: UnsafeRawBufferPointer,
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> (value: T, end: Int, itemsLeft: Int) {
        guard let base = input.baseAddress else { throw CBORError.truncated(0) }
        var reader = CBORReader(base: base, count: input.count, limits: limits)
        reader.position = offset
        reader.itemsLeft = itemsLeft
        let value = try body(&reader)
        precondition(
            reader.completed == 1 && reader.openTags == 0,
            "The closure given to next must read exactly one item.")
        return (value, reader.position, reader.itemsLeft)
    }

    /// The next item as a tree, or `nil` at the end.
    public mutating func nextValue() throws(CBORError) -> CBORValue? {
        try next { reader throws(CBORError) in try CBORValue(from: &reader) }
    }

    /// The bytes of the next item, checked as by `CBORReader.skip()`, or `nil` at the end.
    public mutating func nextItem() throws(CBORError) -> ArraySlice<UInt8>? {
        let start = offset
        guard try next({ reader throws(CBORError) in try reader.skip() }) != nil else { return nil }
        return bytes[start..<offset]
    }
}

extension CBORValue {
    /// The items of a CBOR sequence (RFC 8742).
    public static func sequence(
        decoding bytes: [UInt8], limits: CBORLimits = .default
    ) throws(CBORError) -> [CBORValue] {
        var reader = CBORSequenceReader(bytes, limits: limits)
        var values: [CBORValue] = []
        while let value = try reader.nextValue() { values.append(value) }
        return values
    }
}

extension CBORWriter {
    /// Writes items one after another.
    public mutating func write(
        sequence values: some Sequence<CBORValue>, keyOrder: CBORKeyOrder = .bytewise
    ) {
        for value in values { value.encode(to: &self, keyOrder: keyOrder) }
    }
}
