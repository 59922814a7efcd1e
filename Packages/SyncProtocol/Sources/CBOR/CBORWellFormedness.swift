// SPDX-License-Identifier: MIT

/// Tells whether bytes are CBOR at all, and nothing more.
///
/// Text may be anything but UTF-8 and maps may repeat keys: that is validity, which `CBORReader`
/// checks. This is for bytes that are stored and passed on as they came.
public enum CBORWellFormedness {
    /// Checks that `bytes` are one well-formed item and nothing after it (RFC 8949 §5.3.1 and
    /// Appendix C). O(bytes) time, no recursion, memory for the open containers only.
    ///
    /// - Parameter maxDepth: How deep arrays, maps and tags may nest; the outermost has depth 1.
    /// - Throws: `CBORError` of the family `notWellFormed`, or `depthExceeded`.
    public static func check(_ bytes: [UInt8], maxDepth: Int) throws(CBORError) {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try check(UnsafeRawBufferPointer(buffer), maxDepth: maxDepth)
        }
    }

    /// Checks a slice; offsets count from its start.
    public static func check(_ bytes: ArraySlice<UInt8>, maxDepth: Int) throws(CBORError) {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try check(UnsafeRawBufferPointer(buffer), maxDepth: maxDepth)
        }
    }

    /// Checks memory that does not change meanwhile.
    public static func check(
        _ bytes: UnsafeRawBufferPointer, maxDepth: Int
    ) throws(CBORError) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { throw CBORError.truncated(0) }
        var visitor = NoVisitor()
        let walk = ItemWalk(base: base, count: bytes.count, maxDepth: maxDepth)
        let end = try walk.walk(&visitor)
        guard end == bytes.count else {
            throw CBORError(
                .trailingBytes, at: end, message: "There are bytes after the item.")
        }
    }

    /// Checks that `bytes` are one item in deterministic encoding and nothing after it, which takes
    /// in that text is UTF-8 and that no key is there twice.
    ///
    /// - Throws: `CBORError` with the first rule that is broken, and where.
    public static func checkDeterministic(
        _ bytes: [UInt8], keyOrder: CBORKeyOrder = .bytewise, maxDepth: Int
    ) throws(CBORError) {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try checkDeterministic(
                UnsafeRawBufferPointer(buffer), keyOrder: keyOrder, maxDepth: maxDepth)
        }
    }

    /// Checks that memory, which does not change meanwhile, is one item in deterministic encoding.
    public static func checkDeterministic(
        _ bytes: UnsafeRawBufferPointer, keyOrder: CBORKeyOrder = .bytewise, maxDepth: Int
    ) throws(CBORError) {
        var limits = CBORLimits.depthOnly(maxDepth)
        limits.requiresDeterministic = true
        limits.keyOrder = keyOrder
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.skip()
        }
    }

    /// The length in bytes of the item at the start of a CBOR sequence (RFC 8742), checked as by
    /// `check`. What follows the item is not looked at.
    public static func firstItemLength(
        in bytes: UnsafeRawBufferPointer, maxDepth: Int
    ) throws(CBORError) -> Int {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { throw CBORError.truncated(0) }
        var visitor = NoVisitor()
        return try ItemWalk(base: base, count: bytes.count, maxDepth: maxDepth).walk(&visitor)
    }
}

/// Looks at nothing.
private struct NoVisitor: ItemVisitor {
    func begin(at offset: Int, isOpen: Bool) {}
    func close() {}
}
