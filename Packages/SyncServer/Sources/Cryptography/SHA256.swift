// SPDX-License-Identifier: MIT

#if canImport(CommonCrypto)
    import CommonCrypto
#else
    import COpenSSL
#endif

/// A SHA-256 digest (FIPS 180-4): 32 bytes.
public struct SHA256Digest: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// How many bytes a digest has.
    public static let count = 32

    /// The digest whose bytes are all zero, which no input is known to have.
    public static let zero = SHA256Digest()

    private init() { words = (0, 0, 0, 0) }

    /// Takes 32 bytes as they are; `nil` for any other number.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
    }

    /// Takes 32 bytes as they are; `nil` for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        let array = Array(bytes)
        guard let digest = array.withUnsafeBytes({ SHA256Digest($0) }) else { return nil }
        self = digest
    }

    /// Calls `body` with the 32 bytes.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        left.words == right.words
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    fileprivate init(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { buffer in
                if let start = buffer.baseAddress { fill(start) }
            }
        }
    }
}

#if canImport(CommonCrypto)
    /// Computes SHA-256 by the system's CommonCrypto. O(n) in the bytes; no state between calls.
    public final class SHA256 {
        /// Creates a hasher. It may be used for any number of digests, by one owner at a time.
        public init() {}

        /// The digest of several pieces, as if they were one.
        public func digest(of pieces: UnsafeRawBufferPointer...) -> SHA256Digest {
            var context = CC_SHA256_CTX()
            CC_SHA256_Init(&context)
            for piece in pieces {
                // CommonCrypto counts in 32 bits.
                var rest = piece[...]
                while !rest.isEmpty {
                    let part = rest.prefix(1 << 30)
                    CC_SHA256_Update(
                        &context, UnsafeRawBufferPointer(rebasing: part).baseAddress,
                        CC_LONG(part.count))
                    rest = rest.dropFirst(part.count)
                }
            }
            return SHA256Digest { _ = CC_SHA256_Final($0, &context) }
        }
    }
#else
    /// Computes SHA-256 by the system's OpenSSL, which uses the processor's instructions for it
    /// where there are any. O(n) in the bytes.
    public final class SHA256 {
        private let context: OpaquePointer

        /// Creates a hasher. It may be used for any number of digests, by one owner at a time.
        public init() {
            guard let context = EVP_MD_CTX_new() else {
                preconditionFailure("There is no memory left for a hash.")
            }
            self.context = context
            let isReady = EVP_DigestInit_ex(context, EVP_sha256(), nil)
            precondition(isReady == 1, "OpenSSL has no SHA-256; its configuration forbids it.")
        }

        deinit { EVP_MD_CTX_free(context) }

        /// The digest of several pieces, as if they were one.
        public func digest(of pieces: UnsafeRawBufferPointer...) -> SHA256Digest {
            // Without a digest named, the context begins anew with the one it has, which costs a
            // fraction of a new start.
            var isDone = EVP_DigestInit_ex(context, nil, nil) == 1
            for piece in pieces {
                isDone = EVP_DigestUpdate(context, piece.baseAddress, piece.count) == 1 && isDone
            }
            return SHA256Digest { bytes in
                isDone = EVP_DigestFinal_ex(context, bytes, nil) == 1 && isDone
                precondition(isDone, "OpenSSL's SHA-256 works on memory alone and cannot fail.")
            }
        }
    }
#endif

extension SHA256 {
    /// The digest of `bytes`.
    public func digest(of bytes: [UInt8]) -> SHA256Digest {
        bytes.withUnsafeBytes { digest(of: $0) }
    }
}
