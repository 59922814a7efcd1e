// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
#endif

/// A key that signatures of tokens are checked with (RFC 7518, RFC 8037).
///
/// By OpenSSL. Where the package is built without it, every initialiser throws.
///
/// Not Sendable: one owner at a time.
public final class PublicKey {
    /// What a key signs with; the raw value is the `alg` of JOSE. A key has exactly one.
    public enum Algorithm: String, Sendable {
        /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2,048 to 8,192 bits.
        case rs256 = "RS256"
        /// ECDSA with SHA-256 on P-256.
        case es256 = "ES256"
        /// Ed25519.
        case edDSA = "EdDSA"
    }

    /// What the key signs with.
    public let algorithm: Algorithm
    /// The key as a SubjectPublicKeyInfo in DER (RFC 5280, §4.1): equal keys, equal bytes.
    public let encoded: [UInt8]

    #if canImport(COpenSSL)
        private let key: OpaquePointer
        private let context: OpaquePointer

        /// Reads a SubjectPublicKeyInfo in DER.
        ///
        /// - Throws: `PublicKeyError` if it is none, or a key that must not be used.
        public init(encoded: [UInt8]) throws(PublicKeyError) {
            // What fails here is told by its result; the queue of errors would only grow.
            defer { ERR_clear_error() }
            var start = 0
            let parsed = encoded.withUnsafeBufferPointer { bytes in
                var next = bytes.baseAddress
                let key = d2i_PUBKEY(nil, &next, bytes.count)
                start = next.map { $0 - (bytes.baseAddress ?? $0) } ?? 0
                return key
            }
            guard let parsed else { throw .unreadable }
            guard start == encoded.count, let context = EVP_MD_CTX_new() else {
                EVP_PKEY_free(parsed)
                throw .unreadable
            }
            do throws(PublicKeyError) {
                algorithm = try Self.algorithm(of: parsed)
            } catch {
                EVP_MD_CTX_free(context)
                EVP_PKEY_free(parsed)
                throw error
            }
            (key, self.context, self.encoded) = (parsed, context, encoded)
        }

        deinit {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }

        private static func algorithm(
            of key: OpaquePointer
        ) throws(PublicKeyError) -> Algorithm {
            switch EVP_PKEY_get_base_id(key) {
            case EVP_PKEY_RSA:
                let bits = EVP_PKEY_get_bits(key)
                guard (2_048...8_192).contains(bits) else { throw .rsaLength(Int(bits)) }
                var exponent: OpaquePointer?
                defer { BN_free(exponent) }
                // With 1 as exponent, whatever is signed is its own signature.
                guard EVP_PKEY_get_bn_param(key, "e", &exponent) == 1, BN_is_odd(exponent) == 1,
                    BN_is_one(exponent) == 0, BN_num_bits(exponent) <= 64
                else { throw .rsaExponent }
                return .rs256
            case EVP_PKEY_EC:
                var name = [CChar](repeating: 0, count: 64)
                var length = 0
                let isNamed = EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1
                let curve = String(
                    decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                guard isNamed, curve == "prime256v1" else { throw .otherKind }
                return .es256
            case EVP_PKEY_ED25519: return .edDSA
            default: throw .otherKind
            }
        }

        /// Whether `signature`, as it stands in a token, is one of `message` by this key.
        public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
            var signature = signature
            if algorithm == .es256 {
                // Two numbers of 32 bytes each (RFC 7518, §3.4); OpenSSL wants them in DER.
                guard signature.count == 64 else { return false }
                signature = DER.sequence(
                    DER.integer(signature[..<32]), DER.integer(signature[32...]))
            }
            defer { ERR_clear_error() }
            guard EVP_MD_CTX_reset(context) == 1,
                EVP_DigestVerifyInit(
                    context, nil, algorithm == .edDSA ? nil : EVP_sha256(), nil, key) == 1
            else { return false }
            return EVP_DigestVerify(context, signature, signature.count, message, message.count)
                == 1
        }
    #else
        /// Throws: there is no OpenSSL here.
        public init(encoded: [UInt8]) throws(PublicKeyError) { throw .noOpenSSL }

        /// False: no key was made.
        public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool { false }
    #endif
}

extension PublicKey {
    /// An RSA key of these numbers, highest bytes first.
    public convenience init(
        rsaModulus modulus: [UInt8], exponent: [UInt8]
    ) throws(PublicKeyError) {
        let key = DER.sequence(DER.integer(modulus), DER.integer(exponent))
        // The OID of rsaEncryption, and no parameters (RFC 8017, A.1).
        let kind: [UInt8] = [
            0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        try self.init(encoded: DER.sequence(DER.sequence(kind), DER.bitString(key)))
    }

    /// A key on P-256 of this point: 32 bytes each. It must lie on the curve.
    public convenience init(p256X x: [UInt8], y: [UInt8]) throws(PublicKeyError) {
        guard x.count == 32, y.count == 32 else { throw .unreadable }
        // The OIDs of id-ecPublicKey and of prime256v1 (RFC 5480, §2.1.1).
        let kind: [UInt8] = [
            0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
            0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
        ]
        try self.init(encoded: DER.sequence(DER.sequence(kind), DER.bitString([4] + x + y)))
    }

    /// An Ed25519 key: 32 bytes (RFC 8410, §4).
    public convenience init(ed25519 bytes: [UInt8]) throws(PublicKeyError) {
        guard bytes.count == 32 else { throw .unreadable }
        let kind: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70]
        try self.init(encoded: DER.sequence(DER.sequence(kind), DER.bitString(bytes)))
    }

    /// Reads a file with one `-----BEGIN PUBLIC KEY-----` (RFC 7468, §13).
    public convenience init(pem: [UInt8]) throws(PublicKeyError) {
        let lines = pem.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            .map { String(decoding: $0, as: UTF8.self) }
        if lines.contains(where: { $0.hasPrefix("-----BEGIN ") && $0.contains("PRIVATE KEY") }) {
            throw .isPrivate
        }
        let isOne = lines.filter { $0 == "-----BEGIN PUBLIC KEY-----" }.count == 1
        guard isOne, let first = lines.firstIndex(of: "-----BEGIN PUBLIC KEY-----"),
            let last = lines.firstIndex(of: "-----END PUBLIC KEY-----"), first < last,
            let encoded = Base64.decode(lines[(first + 1)..<last].joined().utf8, .standard)
        else { throw .noPEM }
        try self.init(encoded: encoded)
    }
}

/// Why a key is not used.
public struct PublicKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and what to do.
    public let description: String

    static let unreadable = PublicKeyError(description: "It is no public key.")
    static let noPEM = PublicKeyError(
        description: "It has to hold one -----BEGIN PUBLIC KEY----- and its end.")
    /// It holds a private key.
    public static let isPrivate = PublicKeyError(
        description: "It holds a private key, which a server has no need for. Put the public key "
            + "there (openssl pkey -pubout), and take care who has read this one.")
    static let rsaExponent = PublicKeyError(
        description: "Its RSA exponent is not an odd number from 3 to 2^64.")
    static let otherKind = PublicKeyError(
        description: "It is neither RSA, nor on P-256, nor Ed25519.")
    /// A number of it is missing, or not in base64url.
    public static func member(_ name: String) -> PublicKeyError {
        PublicKeyError(description: "Its \(name) is missing, or not base64url.")
    }
    static func rsaLength(_ bits: Int) -> PublicKeyError {
        PublicKeyError(description: "Its RSA modulus has \(bits) bits; 2048 to 8192 are taken.")
    }
    #if !canImport(COpenSSL)
        static let noOpenSSL = PublicKeyError(
            description: "This build has no OpenSSL, and checks tokens with a secret only (HS256).")
    #endif
}
