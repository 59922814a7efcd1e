// SPDX-License-Identifier: MIT

import Testing

@testable import SyncServer

/// Key sets: which keys are taken, which are passed over, and which sets are refused.
@Suite struct JSONWebKeySetTests {
    private static let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    private static let key = #"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"\#(x)"}"#

    private func keys(_ members: String) throws(KeySourceError) -> [TokenKey] {
        try JSONWebKeySet.keys(in: Array(#"{"keys":[\#(members)]}"#.utf8))
    }

    @Test func publicKeysAreTakenWithTheirNamesAndAlgorithms() throws {
        let keys = try JSONWebKeySet.keys(in: Array(SignedTokens.keySet.utf8))

        #expect(keys.map(\.algorithm) == [.rs256, .es256, .edDSA])
        #expect(keys.map(\.keyID) == ["r", "e", "d"].map { Array($0.utf8) })
        #expect(Set(keys.map(\.fingerprint)).count == 3)
    }

    /// A set may hold what we have no use for (RFC 7517, §5).
    @Test(arguments: [
        #"{"kty":"oct","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aK"}"#,
        #"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}"#, #"{"kty":"EC","crv":"P-384"}"#,
        #"{"kty":"OKP","crv":"X25519","x":"\#(x)"}"#, #"{"kty":"new"}"#, #"{}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"\#(x)","alg":"ES256"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"\#(x)","alg":7}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"\#(x)","use":7}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"\#(x)","key_ops":["sign"]}"#,
    ])
    func keysOfOtherKindsAndUsesArePassedOver(member: String) throws {
        #expect(try keys(member + "," + Self.key).map(\.keyID) == [Array("k".utf8)])
        #expect(throws: KeySourceError.self) { try keys(member) }
    }

    @Test(arguments: [
        (#"{"kty":"OKP","crv":"Ed25519","x":"\#(x)","d":"AAAA"}"#, "private key"),
        (#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, "17 bits"),
        (#"{"kty":"RSA","n":"AQAB"}"#, "Its e is missing"),
        (#"{"kty":"RSA","n":"AQAB=","e":"AQAB"}"#, "Its n is missing"),
        (#"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(x)"}"#, "no public key"),
        (#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, "no public key"), ("7", "no object"),
        (key + "," + key, "same kid"),
    ])
    func aSetWithAKeyThatIsWrongIsRefused(member: String, words: String) {
        let error = #expect(throws: KeySourceError.self) { try keys(member) }
        #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[],"keys":[]}"#, "{\"keys\":",
    ])
    func whatIsNoSetIsRefused(text: String) {
        #expect(throws: KeySourceError.self) { try JSONWebKeySet.keys(in: Array(text.utf8)) }
    }

    @Test func setsAreBounded() {
        let many = Array(repeating: "{}", count: 101).joined(separator: ",")
        #expect(throws: KeySourceError.self) { try keys(many + "," + Self.key) }
        #expect(throws: KeySourceError.self) {
            try JSONWebKeySet.keys(
                in: Array(#"{"keys":[\#(Self.key)]}"#.utf8)
                    + [UInt8](repeating: 0x20, count: JSONWebKeySet.bytesMax))
        }
    }

    @Test func aSecretIsTheFileWithoutTheEndOfItsLine() {
        func secret(_ text: String) -> String {
            String(decoding: KeySources.secret(in: Array(text.utf8)), as: UTF8.self)
        }

        #expect(secret("abc\n") == "abc" && secret("abc\r\n") == "abc" && secret("abc") == "abc")
        #expect(secret("abc\n\n") == "abc\n\n" && secret("é\n") == "é\n")
        #expect(KeySources.secret(in: [0, 10]) == [0, 10])
    }
}
