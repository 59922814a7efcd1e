// SPDX-License-Identifier: MIT

/// How diagnostic notation is printed. Every combination can be parsed.
public struct CBORDiagnosticOptions: Sendable, Equatable {
    /// How byte strings are shown. The bytes are the same in all of them.
    public enum ByteStrings: Sendable, Hashable {
        /// `h'00ff'`
        case hex
        /// `b64'AP8'`, in the URL's alphabet and without padding.
        case base64
        /// `'text'` where the bytes are printable UTF-8, `h'00ff'` where they are not.
        case text
    }

    /// Whether an encoding that is not the preferred one (RFC 8949 §4.1) is shown by an encoding
    /// indicator: `1_1`, `[_ 1]`, `(_ "a", "b")`, `float'7e01'`. Without them the text tells the
    /// values only: chunks are joined, and every NaN is `NaN`.
    public var showsEncoding: Bool

    /// By how many spaces the content of arrays and maps is indented, on lines of its own; `nil`
    /// puts everything on one line.
    public var indent: Int?

    /// How byte strings are shown.
    public var byteStrings: ByteStrings

    /// Whether the content of tag 24 is shown as the CBOR that it holds, `24(<<1, 2>>)`, where it
    /// is well-formed.
    public var showsEmbedded: Bool

    /// Whether characters beyond ASCII are escaped, as in RFC 8949 appendix A. Control characters
    /// and those that change the direction of text always are.
    public var isASCII: Bool

    /// Makes options; the defaults print one line of hex and UTF-8.
    public init(
        showsEncoding: Bool = true, indent: Int? = nil, byteStrings: ByteStrings = .hex,
        showsEmbedded: Bool = false, isASCII: Bool = false
    ) {
        self.showsEncoding = showsEncoding
        self.indent = indent
        self.byteStrings = byteStrings
        self.showsEmbedded = showsEmbedded
        self.isASCII = isASCII
    }
}
