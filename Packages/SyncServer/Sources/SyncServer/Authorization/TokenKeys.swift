// SPDX-License-Identifier: MIT

import Cryptography

/// The algorithms that a JWT may be signed with. What an operator configures decides between them;
/// what a token says of itself is only compared.
enum TokenAlgorithm: String, CaseIterable, Sendable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"

    init(_ algorithm: PublicKey.Algorithm) {
        switch algorithm {
        case .rs256: self = .rs256
        case .es256: self = .es256
        case .edDSA: self = .edDSA
        }
    }
}

/// A key that JWTs are checked with. It has one algorithm, so that no token can have it used for
/// another one: a public key never becomes the secret of an HS256.
struct TokenKey {
    private enum Material {
        case secret([UInt8])
        case publicKey(PublicKey)
    }

    /// How tokens name it; `nil` for one that has no name.
    let keyID: [UInt8]?
    let algorithm: TokenAlgorithm
    /// Tells keys apart, without being one.
    let fingerprint: SHA256Digest
    private let material: Material
    /// What tells that a key is the same under the same name.
    var name: [UInt8] { fingerprint.bytes + (keyID.map { [1] + $0 } ?? [0]) }

    /// How long a secret is at least: as long as what it signs with (RFC 7518, §3.2).
    static let secretBytesMin = 32

    /// A secret for HS256; `nil` if it is too short.
    init?(secret: [UInt8], keyID: [UInt8]? = nil) {
        guard secret.count >= Self.secretBytesMin else { return nil }
        self.keyID = keyID
        algorithm = .hs256
        fingerprint = SHA256().digest(of: Array("entitysync-key".utf8) + secret)
        material = .secret(secret)
    }

    init(_ key: PublicKey, keyID: [UInt8]? = nil) {
        self.keyID = keyID
        algorithm = TokenAlgorithm(key.algorithm)
        fingerprint = SHA256().digest(of: key.encoded)
        material = .publicKey(key)
    }

    /// Whether `signature` is one of `message` by this key.
    func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        switch material {
        case .secret(let secret): HMACSHA256.isValid(signature, for: message, key: secret)
        case .publicKey(let key): key.isValid(signature, of: message)
        }
    }
}

/// The keys that tokens are checked with at a time.
struct TokenKeys {
    var keys: [TokenKey] = []

    /// The one key that a token of this algorithm and key ID can be signed with; `nil` if there is
    /// none, or more than one.
    ///
    /// At most one, so that a forged token costs one check, however many keys there are.
    func key(_ algorithm: TokenAlgorithm, keyID: [UInt8]?) -> TokenKey? {
        let fitting = keys.filter { $0.algorithm == algorithm }
        if let keyID {
            if let named = fitting.first(where: { $0.keyID == keyID }) { return named }
            let unnamed = fitting.filter { $0.keyID == nil }
            return unnamed.count == 1 ? unnamed[0] : nil
        }
        return fitting.count == 1 ? fitting[0] : nil
    }

    /// Whether a key is among them.
    func contains(_ fingerprint: SHA256Digest) -> Bool {
        keys.contains { $0.fingerprint == fingerprint }
    }

    /// Why the keys do not go together, or `nil`: a name that two keys share, or two without.
    var ambiguity: String? {
        for (index, key) in keys.enumerated() {
            let hasTwin = keys[..<index].contains {
                $0.algorithm == key.algorithm && $0.keyID == key.keyID
            }
            if hasTwin {
                return "Two keys for \(key.algorithm.rawValue) have the same kid, or none: it is "
                    + "not said which one a token means."
            }
        }
        return nil
    }
}
