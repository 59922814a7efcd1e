// SPDX-License-Identifier: MIT

import Cryptography

/// Reads a JSON Web Key Set (RFC 7517, §5): public keys for RS256, ES256 and EdDSA.
///
/// Keys of other kinds or for other uses are passed over (§5). Secrets (`oct`) are among those: a
/// set is made to be published.
enum JSONWebKeySet {
    /// How long a set may be.
    static let bytesMax = 256 << 10
    /// How many keys are looked at.
    static let keysMax = 100

    /// The usable keys of a set.
    ///
    /// - Throws: `KeySourceError` if it is no set, has no usable key, or holds a private one.
    static func keys(in bytes: [UInt8]) throws(KeySourceError) -> [TokenKey] {
        guard bytes.count <= bytesMax else {
            throw KeySourceError(description: "It is longer than \(bytesMax) bytes.")
        }
        let set: ParsedJSON
        do throws(ParsedJSONError) { set = try ParsedJSON(bytes) } catch {
            throw KeySourceError(description: "It is no JSON: \(error).")
        }
        guard case .array(let members)? = set["keys"], members.count <= keysMax else {
            throw KeySourceError(
                description: "It has to be an object with at most \(keysMax) \"keys\".")
        }
        var keys: [TokenKey] = []
        for (index, member) in members.enumerated() {
            guard member.isObject else {
                throw KeySourceError(description: "Key \(index + 1) is no object.")
            }
            do throws(PublicKeyError) {
                if let key = try key(member) { keys.append(key) }
            } catch {
                throw KeySourceError(description: "Key \(index + 1): \(error)")
            }
        }
        guard !keys.isEmpty else {
            throw KeySourceError(
                description: "It has no key for RS256, ES256 or EdDSA that may verify.")
        }
        if let ambiguity = TokenKeys(keys: keys).ambiguity {
            throw KeySourceError(description: ambiguity)
        }
        return keys
    }

    /// A key of the set; `nil` if it is not for us.
    private static func key(_ member: ParsedJSON) throws(PublicKeyError) -> TokenKey? {
        guard isForVerifying(member) else { return nil }
        let key: PublicKey
        if member.has("kty", "RSA") {
            try refusePrivate(member)
            key = try PublicKey(
                rsaModulus: try number("n", of: member), exponent: try number("e", of: member))
        } else if member.has("kty", "EC"), member.has("crv", "P-256") {
            try refusePrivate(member)
            key = try PublicKey(p256X: try number("x", of: member), y: try number("y", of: member))
        } else if member.has("kty", "OKP"), member.has("crv", "Ed25519") {
            try refusePrivate(member)
            key = try PublicKey(ed25519: try number("x", of: member))
        } else {
            return nil
        }
        if member["alg"] != nil, !member.has("alg", key.algorithm.rawValue) { return nil }
        return TokenKey(key, keyID: member["kid"]?.text.map { Array($0.utf8) })
    }

    private static func isForVerifying(_ member: ParsedJSON) -> Bool {
        if member["use"] != nil, !member.has("use", "sig") { return false }
        if case .array(let operations)? = member["key_ops"] {
            return operations.contains { $0.isText("verify") }
        }
        return true
    }

    private static func refusePrivate(_ member: ParsedJSON) throws(PublicKeyError) {
        if member["d"] != nil { throw .isPrivate }
    }

    private static func number(
        _ name: String, of member: ParsedJSON
    ) throws(PublicKeyError) -> [UInt8] {
        guard let bytes = member[name]?.text.flatMap({ Base64.decode($0.utf8, .url) }),
            !bytes.isEmpty
        else { throw .member(name) }
        return bytes
    }
}

/// Why a file or an address gives no keys.
struct KeySourceError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, in a sentence without a word of the content.
    var description: String
}
