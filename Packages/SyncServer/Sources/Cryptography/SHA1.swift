// SPDX-License-Identifier: MIT

#if canImport(CommonCrypto)
    import CommonCrypto
#else
    import COpenSSL
#endif

/// SHA-1 (FIPS 180-4), for the WebSocket handshake, which proves nothing by it (RFC 6455 §10.8).
/// It is broken: no signature and no chain may rest on it.
public enum SHA1 {
    /// The 20 bytes of the digest.
    public static func digest(of bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        #if canImport(CommonCrypto)
            _ = CC_SHA1(bytes, CC_LONG(bytes.count), &digest)
        #else
            let isDone = EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil)
            precondition(isDone == 1, "OpenSSL has no SHA-1; its configuration forbids it.")
        #endif
        return digest
    }
}
