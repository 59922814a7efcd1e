// SPDX-License-Identifier: MIT

#if canImport(CommonCrypto)
    import CommonCrypto
    import Darwin
#else
    import COpenSSL
#endif

/// HMAC with SHA-256 (RFC 2104): the signatures of HS256 (RFC 7518, §3.2).
public enum HMACSHA256 {
    /// How many bytes a code has.
    public static let count = 32

    /// The authentication code of `message`. O(n).
    public static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: count)
        #if canImport(CommonCrypto)
            CCHmac(CCHmacAlgorithm(kCCHmacAlgSHA256), key, key.count, message, message.count, &code)
        #else
            // OpenSSL takes no key at a null address, not even an empty one.
            let (key, length) = key.isEmpty ? ([0], 0) : (key, key.count)
            let isDone = HMAC(
                EVP_sha256(), key, CInt(clamping: length), message, message.count, &code, nil)
            precondition(isDone != nil, "OpenSSL's HMAC works on memory alone and cannot fail.")
        #endif
        return code
    }

    /// Whether `code` is the one of `message`. The time does not tell how much of it is right.
    public static func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        let expected = self.code(for: message, key: key)
        guard code.count == expected.count else { return false }
        #if canImport(CommonCrypto)
            return timingsafe_bcmp(code, expected, expected.count) == 0
        #else
            return CRYPTO_memcmp(code, expected, expected.count) == 0
        #endif
    }
}
