// SPDX-License-Identifier: MIT

/// What a parser accepts from a peer before it refuses the request.
///
/// Every limit bounds memory or work that a stranger could otherwise choose.
public struct HTTPLimits: Sendable, Hashable {
    /// Bytes of request line and headers together, with their line ends and the empty line: 32 KiB.
    ///
    /// Trailers of a chunked body have the same limit once more. Over it: 431.
    public var maxHeadBytes: Int
    /// Number of header fields: 100. Trailers have the same limit once more. Over it: 431.
    public var maxHeaderCount: Int
    /// Bytes of a body after its chunks are joined: 16 MiB.
    ///
    /// A longer one is refused with 413 when its length is declared, not when it has arrived.
    public var maxBodyBytes: Int

    /// Creates limits; the defaults are those of the protocol.
    ///
    /// - Precondition: `maxHeadBytes` is 16 bytes to 1 GiB, `maxBodyBytes` 0 bytes to 1 TiB, and
    ///   `maxHeaderCount` not negative.
    public init(
        maxHeadBytes: Int = 32 * 1024, maxHeaderCount: Int = 100,
        maxBodyBytes: Int = 16 * 1024 * 1024
    ) {
        precondition(
            (16...(1 << 30)).contains(maxHeadBytes), "maxHeadBytes is 16 bytes to 1 GiB")
        precondition(maxHeaderCount >= 0, "maxHeaderCount is not negative")
        precondition((0...(1 << 40)).contains(maxBodyBytes), "maxBodyBytes is 0 bytes to 1 TiB")
        self.maxHeadBytes = maxHeadBytes
        self.maxHeaderCount = maxHeaderCount
        self.maxBodyBytes = maxBodyBytes
    }

    /// Bytes of a chunk's size line, extensions included. Over it: 400.
    static let maxChunkLineBytes = 256
    /// Bytes of all chunk extensions of one body, so that they cannot outweigh it. Over it: 400.
    static let maxChunkExtensionBytes = 16 * 1024
}
