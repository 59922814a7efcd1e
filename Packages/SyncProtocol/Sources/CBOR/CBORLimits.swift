// SPDX-License-Identifier: MIT

/// What a reader refuses, so that the cost of an input is known before it is read.
///
/// No limit is needed for memory safety: a reader never allocates from a length whose bytes it has
/// not seen, whatever the limits are.
public struct CBORLimits: Sendable, Equatable {
    /// How deep arrays, maps and tags may nest; an outermost array has depth 1, and scalars do not
    /// count. It bounds the recursion of whoever decodes by recursion.
    public var maxDepth: Int

    /// How many items the input may hold, keys, tags and the outermost item included. It bounds
    /// the time spent on inputs that are all heads.
    public var maxItems: Int

    /// The length in bytes of the longest string, chunks added up. It bounds a single copy.
    public var maxStringBytes: Int

    /// The length in bytes of the whole input.
    public var maxTotalBytes: Int

    /// Whether anything but Core Deterministic Encoding (RFC 8949 §4.2.1) is an error: longer heads
    /// and floats than needed, a NaN other than `f97e00`, indefinite lengths, unsorted keys.
    /// Contents of tags, such as big numbers with leading zeros, are not looked into.
    public var requiresDeterministic: Bool

    /// The order that deterministic encoding has the keys of a map in. It is not looked at unless
    /// `requiresDeterministic`.
    public var keyOrder: CBORKeyOrder

    /// Whether the contents of tags are checked, too (RFC 8949 §5.3.2): a date must be one, and a
    /// UUID have 16 bytes. See `CBORError.Code.invalidTag`.
    public var validatesTags: Bool

    /// The defaults allow everything that a program should meet and stop what is only meant to
    /// hurt: 64 levels, 2^24 items, strings of 64 MiB, 256 MiB in all.
    public init(
        maxDepth: Int = 64,
        maxItems: Int = 1 << 24,
        maxStringBytes: Int = 1 << 26,
        maxTotalBytes: Int = 1 << 28,
        requiresDeterministic: Bool = false,
        keyOrder: CBORKeyOrder = .bytewise,
        validatesTags: Bool = false
    ) {
        self.maxDepth = maxDepth
        self.maxItems = maxItems
        self.maxStringBytes = maxStringBytes
        self.maxTotalBytes = maxTotalBytes
        self.requiresDeterministic = requiresDeterministic
        self.keyOrder = keyOrder
        self.validatesTags = validatesTags
    }

    /// The limits of `init()`.
    public static let `default` = CBORLimits()

    /// Nothing but the depth is limited: for bytes whose length the caller has already bounded.
    public static func depthOnly(_ maxDepth: Int) -> CBORLimits {
        CBORLimits(
            maxDepth: maxDepth, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)
    }
}

extension CBORLimits {
    /// Whether keys in bytewise order may be out of order.
    @inlinable var isLengthFirst: Bool { requiresDeterministic && keyOrder == .lengthFirst }
}
