// SPDX-License-Identifier: MIT

/// Reads CBOR (RFC 8949) item by item, straight from the input's memory.
///
///     let name = try CBORReader.read(bytes) { reader throws(CBORError) in
///         var name: String?
///         try reader.readMap { reader, key throws(CBORError) in
///             switch key {
///             case "name": name = try reader.readText()
///             default: try reader.skip()
///             }
///         }
///         return name
///     }
///
/// A reader accepts every well-formed encoding, also indefinite lengths and heads that are longer
/// than needed, unless its limits ask for deterministic encoding. It checks UTF-8 and duplicate
/// keys everywhere, in skipped items too, and looks into no tag.
///
/// A reader exists only inside the closure of `read`. A read of a scalar that fails leaves the
/// reader where it was, so something else can be tried. After a failure inside an array or a map
/// the reader's position has no meaning: let the error out.
public struct CBORReader: ~Copyable {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline let count: Int
    @usableFromInline let limits: CBORLimits
    @usableFromInline var position = 0
    @usableFromInline var itemsLeft: Int
    /// The arrays, maps and tags around the next item.
    @usableFromInline var depth = 0
    /// Those of them that are tags read by `readTag`, whose content comes next.
    @usableFromInline var openTags = 0
    /// The items completed in the innermost open array or map.
    @usableFromInline var completed = 0

    /// The keys so far of all open maps, the outermost map's first.
    @usableFromInline var keys = RawStack<KeyBytes>()
    /// The keys of those open maps that needed a set, the outermost map's first.
    @usableFromInline var keySets: [Set<KeyBytes>] = []
    /// Keys that had to be copied to be one stretch of bytes; freed with the reader.
    var copies: [UnsafeMutableRawPointer] = []
    /// The arrays and maps around the innermost one that `skip` is inside of.
    var frames = RawStack<SkipFrame>()

    @usableFromInline
    init(base: UnsafeRawPointer, count: Int, limits: CBORLimits) {
        self.base = base
        self.count = count
        self.limits = limits
        self.itemsLeft = limits.maxItems
    }

    deinit {
        for copy in copies { copy.deallocate() }
        keys.deallocate()
        frames.deallocate()
    }

    /// The position of the next item in bytes from the start of the input.
    @inlinable public var offset: Int { position }

    /// How many bytes of the input are behind the current offset.
    @inlinable public var bytesLeft: Int { count - position }

    /// An error at the current offset, for decoders of messages. Its path starts here.
    public func error(_ code: CBORError.Code, _ message: String) -> CBORError {
        CBORError(code, at: position, message: message)
    }
}

extension CBORReader {
    /// Reads an input that is one item.
    ///
    /// - Parameter body: Reads or skips exactly one item.
    /// - Throws: What `body` throws; `trailingBytes` if the input goes on after the item;
    ///   `limitExceeded` if it is longer than the limit.
    /// - Precondition: `body` reads one item if it returns.
    @inlinable
    public static func read<T>(
        _ bytes: [UInt8], limits: CBORLimits = .default,
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try read(UnsafeRawBufferPointer(buffer), limits: limits, body)
        }
    }

    /// Reads a slice that is one item. Offsets count from the start of the slice.
    @inlinable
    public static func read<T>(
        _ bytes: ArraySlice<UInt8>, limits: CBORLimits = .default,
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try read(UnsafeRawBufferPointer(buffer), limits: limits, body)
        }
    }

    /// Reads memory that is one item. The memory must not change until `read` returns.
    @inlinable
    public static func read<T>(
        _ bytes: UnsafeRawBufferPointer, limits: CBORLimits = .default,
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        guard bytes.count <= limits.maxTotalBytes else {
            throw CBORError(
                .limitExceeded, at: 0,
                message: "The input has \(bytes.count) bytes; \(limits.maxTotalBytes) are allowed.")
        }
        guard let base = bytes.baseAddress, !bytes.isEmpty else { throw CBORError.truncated(0) }
        var reader = CBORReader(base: base, count: bytes.count, limits: limits)
        let value = try body(&reader)
        precondition(
            reader.completed == 1 && reader.openTags == 0,
            "The closure given to CBORReader.read must read exactly one item.")
        try reader.requireEnd()
        return value
    }
}

extension CBORReader {
    /// Reads the head of the next item without moving on.
    @inlinable
    @inline(__always)
    func peekHead() throws(CBORError) -> CBORHead {
        guard itemsLeft > 0 else { throw tooManyItems(at: position) }
        return try CBORHead.read(
            base, count: count, at: position, isStrict: limits.requiresDeterministic)
    }

    /// Moves past a scalar that ends at `end`.
    @inlinable
    @inline(__always)
    mutating func complete(at end: Int) {
        position = end
        itemsLeft -= 1
        completed += 1
        if openTags > 0 {
            depth -= openTags
            openTags = 0
        }
    }

    @usableFromInline
    @inline(never)
    func tooManyItems(at offset: Int) -> CBORError {
        offset < count
            ? CBORError(
                .limitExceeded, at: offset,
                message: "There are more than \(limits.maxItems) items.")
            : CBORError.truncated(count)
    }

    /// The error for an item of another type than `expected`, a noun with its article.
    @usableFromInline
    @inline(never)
    func wrongType(_ expected: String) -> CBORError {
        let found = CBORType(initialByte: base.load(fromByteOffset: position, as: UInt8.self)).name
        return error(.wrongType, "Expected \(expected) and found \(found).")
    }
}
