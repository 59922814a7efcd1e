// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol

/// What JWTs are checked against beside their keys.
struct TokenRules: Equatable, Sendable {
    /// The algorithms that may be used at all.
    var algorithms = Set(TokenAlgorithm.allCases)
    /// What `iss` has to be; `nil` lets it be anything.
    var issuer: String?
    /// What `aud` has to name; `nil` takes only tokens without `aud` (RFC 7519, §4.1.3).
    var audience: String?

    /// How far the clocks of issuer and server may be apart.
    static let skewMilliseconds: UInt64 = 60_000
    /// How long a token may be.
    static let tokenBytesMax = 8 << 10
}

/// A JSON Web Token in the compact form (RFC 7519, RFC 7515 §7.1): `header.claims.signature`, each
/// in base64url.
///
/// Only the header is looked at before the signature is checked, and of it only `alg`, `kid` and
/// `crit`: keys and addresses of keys that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) are
/// never used.
struct JSONWebToken {
    private let algorithm: TokenAlgorithm
    private let keyID: [UInt8]?
    private let signed: [UInt8]
    private let claims: [UInt8]
    private let signature: [UInt8]

    /// How long a `kid` may be.
    private static let keyIDBytesMax = 256

    /// Takes a token apart.
    ///
    /// - Throws: `AccessRefusal.invalidToken`.
    init(_ token: ArraySlice<UInt8>) throws(AccessRefusal) {
        guard token.count <= TokenRules.tokenBytesMax else {
            throw .invalidToken("it is longer than \(TokenRules.tokenBytesMax) bytes")
        }
        let parts = token.split(
            separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidToken("it has not three parts") }
        let decoded = parts.compactMap { Base64.decode($0, .url) }
        guard decoded.count == 3 else { throw .invalidToken("a part is not base64url") }
        let header = try Self.object(decoded[0], "header")
        let algorithm = TokenAlgorithm.allCases.first { header.has("alg", $0.rawValue) }
        guard let algorithm else {
            throw .invalidToken("its alg is none of ours")
        }
        guard header["crit"] == nil else {
            throw .invalidToken("it asks for an extension (crit)")
        }
        self.algorithm = algorithm
        keyID = try Self.keyID(header["kid"])
        signed = Array(token[parts[0].startIndex..<parts[1].endIndex])
        (claims, signature) = (decoded[1], decoded[2])
    }

    private static func keyID(_ value: ParsedJSON?) throws(AccessRefusal) -> [UInt8]? {
        guard let value else { return nil }
        guard let text = value.text, text.utf8.count <= keyIDBytesMax else {
            throw .invalidToken("its kid is no text of at most \(keyIDBytesMax) bytes")
        }
        return Array(text.utf8)
    }

    private static func object(
        _ bytes: [UInt8], _ part: String
    ) throws(AccessRefusal) -> ParsedJSON {
        do throws(ParsedJSONError) {
            let value = try ParsedJSON(bytes)
            if value.isObject { return value }
        } catch {
            throw .invalidToken("its \(part) is no JSON: \(error)")
        }
        throw .invalidToken("its \(part) is no object")
    }

    /// Whose token it is.
    ///
    /// - Throws: `AccessRefusal` of kind 401.
    func verify(
        _ keys: TokenKeys, _ rules: TokenRules, nowMilliseconds now: UInt64
    ) throws(AccessRefusal) -> Principal {
        guard rules.algorithms.contains(algorithm) else {
            throw .invalidToken("\(algorithm.rawValue) is not among --jwt-algorithms")
        }
        guard let key = keys.key(algorithm, keyID: keyID) else {
            throw .invalidToken(
                "there is no \(algorithm.rawValue) key for it"
                    + (keyID == nil ? " (it has no kid)" : " with its kid"))
        }
        guard key.isValid(signature, of: signed) else {
            throw .invalidToken("its signature is not that of the key")
        }
        let claims = try Self.object(claims, "payload")
        let end = try checkTimes(claims, now)
        try check(claims, rules)
        let grants: Grants
        do throws(ClaimError) { grants = try Grants(claims) } catch {
            throw .invalidToken("\(error)")
        }
        return Principal(
            subject: "jwt:" + (claims["sub"]?.text ?? grants.devices.text), grants: grants,
            expiresAtMilliseconds: end, credential: .key(key.fingerprint))
    }

    /// Whether no key has the token's `kid`, so that newer keys may have it.
    func isUnknown(to keys: TokenKeys) -> Bool { keys.key(algorithm, keyID: keyID) == nil }

    /// Returns when the token ends.
    private func checkTimes(
        _ claims: ParsedJSON, _ now: UInt64
    ) throws(AccessRefusal) -> UInt64 {
        guard let end = try Self.time("exp", claims) else { throw .invalidToken("it has no exp") }
        guard now < end + TokenRules.skewMilliseconds else { throw .expired }
        if let start = try Self.time("nbf", claims), now + TokenRules.skewMilliseconds < start {
            throw .invalidToken("it is not valid yet (nbf)")
        }
        return end + TokenRules.skewMilliseconds
    }

    /// A NumericDate (RFC 7519, §2) in milliseconds.
    private static func time(
        _ name: String, _ claims: ParsedJSON
    ) throws(AccessRefusal) -> UInt64? {
        guard let value = claims[name] else { return nil }
        // The year 318,857: far beyond any token, and far below where sums overflow.
        guard let seconds = value.number, (0...1e13).contains(seconds) else {
            throw .invalidToken("its \(name) is no number of seconds since 1970")
        }
        return UInt64(seconds * 1_000)
    }

    private func check(_ claims: ParsedJSON, _ rules: TokenRules) throws(AccessRefusal) {
        if let issuer = rules.issuer {
            guard claims.has("iss", issuer) else {
                throw .invalidToken("its iss is not that of --jwt-issuer")
            }
        }
        let names: [String]
        switch claims["aud"] {
        case nil: names = []
        case .text(let name): names = [name]
        case .array(let values): names = values.compactMap(\.text)
        default: throw .invalidToken("its aud is neither text nor list")
        }
        guard let audience = rules.audience else {
            if claims["aud"] == nil { return }
            throw .invalidToken("it has an aud, and there is no --jwt-audience")
        }
        guard names.contains(where: { $0.utf8.elementsEqual(audience.utf8) }) else {
            throw .invalidToken("its aud does not name that of --jwt-audience")
        }
    }
}

extension JSONWebToken {
    /// Makes a token signed with HS256.
    static func issue(
        _ grants: Grants, subject: String, expiresAtSeconds: UInt64, _ more: [JSONValue.Member],
        secret: [UInt8]
    ) -> String {
        let header = JSONValue.object([.init("alg", .text("HS256")), .init("typ", .text("JWT"))])
        let claims = JSONValue.object(
            [.init("sub", .text(subject)), .init("exp", .number(expiresAtSeconds))] + more
                + grants.members)
        let signed = [header, claims].map { Base64.encode($0.line.utf8, .url) }
            .joined(separator: ".")
        let signature = HMACSHA256.code(for: Array(signed.utf8), key: secret)
        return signed + "." + Base64.encode(signature, .url)
    }
}
