// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol
import Testing

@testable import SyncServer

/// Tokens that somebody signed: which are taken, and why the others are not.
@Suite struct JSONWebTokenTests {
    private static let now: UInt64 = 1_700_000_000_000
    private static let secret = Array("a secret of at least 32 bytes, for tests".utf8)

    private static func token(
        _ claims: String, header: String = #"{"alg":"HS256"}"#, secret: [UInt8] = secret
    ) -> String {
        let signed = [header, claims].map { Base64.encode($0.utf8, .url) }.joined(separator: ".")
        let code = HMACSHA256.code(for: Array(signed.utf8), key: secret)
        return signed + "." + Base64.encode(code, .url)
    }

    private static func claims(_ more: String = "", exp: String = "1700000600") -> String {
        #"{"sub":"alice","exp":\#(exp),"db":["notes"],"device":"a*"\#(more)}"#
    }

    private func verify(
        _ token: String, _ keys: TokenKeys? = nil, _ rules: TokenRules = .init(),
        now: UInt64 = now
    ) throws(AccessRefusal) -> Principal {
        let keys = keys ?? TokenKeys(keys: TokenKey(secret: Self.secret).map { [$0] } ?? [])
        return try JSONWebToken(Array(token.utf8)[...]).verify(keys, rules, nowMilliseconds: now)
    }

    @Test func aTokenSaysWhoseItIsAndUntilWhen() throws {
        let principal = try verify(Self.token(Self.claims()))

        #expect(principal.subject == "jwt:alice")
        #expect(principal.expiresAtMilliseconds == 1_700_000_660_000)
        #expect(principal.grants.permits(DatabaseID("notes")))
        #expect(principal.grants.permits(DeviceID("a1")))
    }

    @Test(arguments: [SignedTokens.rs256, SignedTokens.es256, SignedTokens.edDSA])
    func theKeysOfASetAreChosenByKidAndAlgorithm(token: String) throws {
        let keys = TokenKeys(keys: try JSONWebKeySet.keys(in: Array(SignedTokens.keySet.utf8)))

        #expect(try verify(token, keys).subject == "jwt:alice")
        #expect(keys.keys.count == 3)
    }

    /// The clocks may be a minute apart, and not a millisecond more.
    @Test func timesAreKeptWithAMinuteOfSkew() throws {
        let token = Self.token(Self.claims(#","nbf":1700000000.5"#))

        #expect(throws: Never.self) { try verify(token, now: 1_700_000_659_999) }
        #expect(throws: AccessRefusal.expired) { try verify(token, now: 1_700_000_660_000) }
        #expect(throws: Never.self) { try verify(token, now: 1_699_999_940_500) }
        #expect(throws: AccessRefusal.invalidToken("it is not valid yet (nbf)")) {
            try verify(token, now: 1_699_999_940_499)
        }
    }

    @Test(arguments: [
        (#"{"sub":"a","db":"*","device":"*"}"#, "no exp"),
        (claims(exp: "\"1700000600\""), "exp is no number"), (claims(exp: "null"), "exp is no"),
        (claims(exp: "-1"), "exp is no number"), (claims(exp: "1e300"), "exp is no number"),
        (claims(#","nbf":"x""#), "nbf is no number"), (claims(#","aud":"x""#), "jwt-audience"),
        (claims(#","aud":7"#), "aud is neither"), (claims(#","exp":1"#), "comes twice"),
        (claims(#","db":"*""#), "comes twice"), (#"{"exp":1700000600}"#, "\"device\""),
        (#"{"exp":1700000600,"device":"*"}"#, "\"db\""), ("[]", "no object"), ("{", "no JSON"),
        ("", "no JSON"), (claims() + " x", "no JSON"),
    ])
    func claimsThatAreNotInOrderAreRefused(claims: String, words: String) {
        expect(Self.token(claims), words)
    }

    @Test(arguments: [
        (#"{"alg":"none"}"#, "alg"), (#"{"alg":"None"}"#, "alg"), (#"{"alg":"hs256"}"#, "alg"),
        (#"{"alg":"HS512"}"#, "alg"), (#"{"alg":["HS256"]}"#, "alg"), (#"{}"#, "alg"),
        (#"{"alg":"HS256","alg":"none"}"#, "comes twice"), (#"{"alg":"RS256"}"#, "no RS256 key"),
        (#"{"alg":"HS256","crit":["exp"]}"#, "crit"), (#"{"alg":"HS256","kid":7}"#, "kid"),
        (#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, "crit"), (#"["HS256"]"#, "no object"),
    ])
    func headersThatAreNotInOrderAreRefused(header: String, words: String) {
        expect(Self.token(Self.claims(), header: header), words)
    }

    @Test func formsThatAreNotThreePartsOfBase64AreRefused() {
        let token = Self.token(Self.claims())
        let parts = token.split(separator: ".").map(String.init)
        let none = Base64.encode(#"{"alg":"none"}"#.utf8, .url)
        for (token, words) in [
            ("", "three parts"), ("abc", "three parts"), (parts[0] + "." + parts[1], "three parts"),
            (token + ".", "three parts"), (token + ".x.y", "three parts"),
            (parts[0] + "." + parts[1] + ".", "signature"), (token + "=", "base64url"),
            (none + "." + parts[1] + ".", "alg"), (token + "AAAA", "signature"),
            (parts[1] + "." + parts[0] + "." + parts[2], "alg"), (" " + token, "base64url"),
            (token.replacing(".", with: ".\n"), "base64url"),
            (String(repeating: "A", count: 8_193), "longer than 8192"),
        ] {
            expect(token, words)
        }
    }

    @Test func aChangedByteAnywhereIsNoticed() {
        let token = Array(Self.token(Self.claims()).utf8)
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "Q") ? UInt8(ascii: "R") : 0x51
            #expect(throws: AccessRefusal.self) {
                try verify(String(decoding: changed, as: UTF8.self))
            }
        }
    }

    /// The public key is known to everybody: were it taken for the secret of an HS256, anybody
    /// could sign.
    @Test func aPublicKeyIsNeverASecret() throws {
        let keys = TokenKeys(keys: try JSONWebKeySet.keys(in: Array(SignedTokens.keySet.utf8)))
        let pem = Array(SignedTokens.rsaPEM.utf8)
        for header in [#"{"alg":"HS256"}"#, #"{"alg":"HS256","kid":"r"}"#] {
            for secret in [pem, Array(pem.dropLast()), try PublicKey(pem: pem).encoded] {
                expect(Self.token(Self.claims(), header: header, secret: secret), "no HS256", keys)
            }
        }
    }

    @Test func anotherKidIsNotTaken() throws {
        let named = TokenKeys(
            keys: [try #require(TokenKey(secret: Self.secret, keyID: Array("new".utf8)))])
        func header(_ kid: String) -> String { #"{"alg":"HS256","kid":"\#(kid)"}"# }

        #expect(throws: Never.self) {
            try verify(Self.token(Self.claims(), header: header("new")), named)
        }
        #expect(throws: Never.self) { try verify(Self.token(Self.claims()), named) }
        expect(Self.token(Self.claims(), header: header("old")), "with its kid", named)
        #expect(throws: Never.self) {
            try verify(Self.token(Self.claims(), header: header("any")))
        }
        let swapped = SignedTokens.rs256.replacing(
            Base64.encode(#"{"alg":"RS256","kid":"r"}"#.utf8, .url),
            with: Base64.encode(#"{"alg":"RS256","kid":"e"}"#.utf8, .url))
        let set = TokenKeys(keys: try JSONWebKeySet.keys(in: Array(SignedTokens.keySet.utf8)))
        expect(swapped, "with its kid", set)
    }

    @Test func withTwoKeysATokenHasToSayWhich() throws {
        let keys = TokenKeys(
            keys: try ["a", "b"].map {
                try #require(TokenKey(secret: Self.secret, keyID: Array($0.utf8)))
            })

        expect(Self.token(Self.claims()), "it has no kid", keys)
        #expect(keys.ambiguity == nil)
        #expect(TokenKeys(keys: keys.keys + [keys.keys[0]]).ambiguity != nil)
    }

    @Test func algorithmsAreThoseOfTheOperator() throws {
        var rules = TokenRules()
        rules.algorithms = [.es256]

        expect(Self.token(Self.claims()), "jwt-algorithms", nil, rules)
    }

    @Test func issuerAndAudienceAreTheOperators() throws {
        var rules = TokenRules()
        rules.issuer = "https://id.example"
        rules.audience = "sync"
        func token(_ more: String) -> String { Self.token(Self.claims(more)) }

        for more in [
            #","iss":"https://id.example","aud":"sync""#,
            #","iss":"https://id.example","aud":["other","sync"]"#,
        ] {
            #expect(throws: Never.self) { try verify(token(more), nil, rules) }
        }
        for (more, words) in [
            ("", "iss"), (#","iss":"https://id.example/","aud":"sync""#, "iss"),
            (#","iss":["https://id.example"],"aud":"sync""#, "iss"),
            (#","iss":"https://id.example""#, "aud"),
            (#","iss":"https://id.example","aud":"sync2""#, "aud"),
            (#","iss":"https://id.example","aud":[]"#, "aud"),
        ] {
            expect(token(more), words, nil, rules)
        }
    }

    @Test func aSecretHas32Bytes() {
        #expect(TokenKey(secret: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(TokenKey(secret: [UInt8](repeating: 1, count: 32)) != nil)
    }

    @Test func anIssuedTokenIsTaken() throws {
        let grants = try Grants(
            try ParsedJSON(Array(#"{"db":["a"],"device":"d*","collections":{"c":"r"}}"#.utf8)))
        let token = JSONWebToken.issue(
            grants, subject: "bob", expiresAtSeconds: 1_700_000_100, [], secret: Self.secret)

        let principal = try verify(token)

        #expect(principal.grants == grants && principal.subject == "jwt:bob")
        #expect(principal.expiresAtMilliseconds == 1_700_000_160_000)
    }

    /// A token is refused for the words, and no part of it is in what the operator is told.
    private func expect(
        _ token: String, _ words: String, _ keys: TokenKeys? = nil, _ rules: TokenRules = .init(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do throws(AccessRefusal) {
            let principal = try verify(token, keys, rules)
            Issue.record("\(principal) was let in", sourceLocation: sourceLocation)
        } catch {
            #expect(error.reason.contains(words), "\(words)", sourceLocation: sourceLocation)
            #expect(error.failure.status == 401, sourceLocation: sourceLocation)
            #expect(
                error.failure.response.message == "The token is not valid here.",
                sourceLocation: sourceLocation)
            for part in token.split(separator: ".") where part.utf8.count > 8 {
                #expect(!error.reason.contains(part), sourceLocation: sourceLocation)
            }
        }
    }
}
