// SPDX-License-Identifier: MIT

import Cryptography
import Testing

@testable import SyncServer

/// Keys and signatures of tokens.
@Suite struct SignatureTests {
    private static func bytes(_ text: String) throws -> [UInt8] {
        try #require(Base64.decode(text.utf8, .url))
    }

    @Test func theHMACOfRFC7515IsRight() throws {
        let signed =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzOD"
            + "AsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let key = try Self.bytes(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        )
        var code = try Self.bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

        #expect(HMACSHA256.code(for: Array(signed.utf8), key: key) == code)
        #expect(HMACSHA256.isValid(code, for: Array(signed.utf8), key: key))
        #expect(!HMACSHA256.isValid(code + [0], for: Array(signed.utf8), key: key))
        #expect(!HMACSHA256.isValid([], for: Array(signed.utf8), key: key))
        code[31] ^= 1
        #expect(!HMACSHA256.isValid(code, for: Array(signed.utf8), key: key))
    }

    @Test func theHMACOfNothingIsRight() {
        let code = HMACSHA256.code(for: [], key: [])

        #expect(code.first == 0xB6)
        #expect(code.last == 0xAD)
    }

    @Test func theES256OfRFC7515IsRight() throws {
        let key = try PublicKey(
            p256X: try Self.bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
            y: try Self.bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
        let signed =
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"
            + "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let signature = try Self.bytes(
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        )

        #expect(key.algorithm == .es256)
        expectOnly(signature, by: key, of: Array(signed.utf8))
        #expect(!key.isValid([UInt8](repeating: 0, count: 64), of: Array(signed.utf8)))
    }

    @Test func theEdDSAOfRFC8037IsRight() throws {
        let key = try PublicKey(
            ed25519: try Self.bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature = try Self.bytes(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        )

        #expect(key.algorithm == .edDSA)
        expectOnly(signature, by: key, of: Array(signed.utf8))
    }

    @Test func aSignatureOfAnotherMakerIsTaken() throws {
        for (pem, token) in [
            (SignedTokens.rsaPEM, SignedTokens.rs256), (SignedTokens.p256PEM, SignedTokens.es256),
            (SignedTokens.ed25519PEM, SignedTokens.edDSA),
        ] {
            let key = try PublicKey(pem: Array(pem.utf8))
            let parts = token.split(separator: ".").map(String.init)

            expectOnly(
                try Self.bytes(parts[2]), by: key, of: Array((parts[0] + "." + parts[1]).utf8))
        }
    }

    @Test(arguments: [
        (SignedTokens.rsaPEM, SignedTokens.pssAsRS256),
        (SignedTokens.p256PEM, SignedTokens.es256InDER),
    ])
    func aSignatureInAnotherFormIsNotTaken(pem: String, token: String) throws {
        let key = try PublicKey(pem: Array(pem.utf8))
        let parts = token.split(separator: ".").map(String.init)

        #expect(
            !key.isValid(
                try Self.bytes(parts[2]), of: Array((parts[0] + "." + parts[1]).utf8)))
    }

    /// Expects that a key takes a signature, and none with any bit or length changed.
    private func expectOnly(_ signature: [UInt8], by key: PublicKey, of message: [UInt8]) {
        #expect(key.isValid(signature, of: message))
        #expect(!key.isValid([], of: message))
        #expect(!key.isValid(Array(signature.dropLast()), of: message))
        #expect(!key.isValid(signature + [0], of: message))
        #expect(!key.isValid(signature, of: message + [0]))
        for index in stride(from: 0, to: signature.count, by: 7) {
            var changed = signature
            changed[index] ^= 1 << (index % 8)
            #expect(!key.isValid(changed, of: message))
        }
        #expect(key.isValid(signature, of: message))
    }

    @Test func keysThatMustNotBeUsedAreRefusedWithTheReason() throws {
        let privateKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        let table: [(String, String)] = [
            (SignedTokens.shortRSAPEM, "1024 bits"), (SignedTokens.p384PEM, "neither RSA"),
            (privateKey, "private key"), ("", "BEGIN PUBLIC KEY"),
            (SignedTokens.rsaPEM + SignedTokens.p256PEM, "one -----BEGIN"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
            ("-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n", "BEGIN PUBLIC KEY"),
        ]
        for (pem, words) in table {
            let error = #expect(throws: PublicKeyError.self) { try PublicKey(pem: Array(pem.utf8)) }
            #expect(error?.description.contains(words) ?? false, "\(words)")
        }
    }

    @Test func nothingMayStandBehindAKey() throws {
        let key = try PublicKey(pem: Array(SignedTokens.ed25519PEM.utf8))

        #expect(throws: Never.self) { try PublicKey(encoded: key.encoded) }
        #expect(throws: PublicKeyError.self) { try PublicKey(encoded: key.encoded + [0]) }
        #expect(throws: PublicKeyError.self) { try PublicKey(encoded: []) }
    }

    @Test func anRSAKeyWithAWeakExponentIsRefused() {
        let modulus = [UInt8](repeating: 0xFF, count: 256)

        for exponent: [UInt8] in [[1], [0], [2], [4], [1, 0, 0, 0, 0, 0, 0, 0, 1]] {
            #expect(throws: PublicKeyError.self) {
                try PublicKey(rsaModulus: modulus, exponent: exponent)
            }
        }
        #expect(throws: Never.self) { try PublicKey(rsaModulus: modulus, exponent: [1, 0, 1]) }
        #expect(throws: PublicKeyError.self) {
            try PublicKey(rsaModulus: Array(modulus.dropLast()), exponent: [1, 0, 1])
        }
        #expect(throws: PublicKeyError.self) {
            try PublicKey(rsaModulus: modulus + modulus + modulus + modulus + [1], exponent: [3])
        }
    }

    @Test func aPointThatIsNotOnTheCurveIsRefused() {
        #expect(throws: PublicKeyError.self) {
            try PublicKey(
                p256X: [UInt8](repeating: 1, count: 32), y: [UInt8](repeating: 2, count: 32))
        }
        #expect(throws: PublicKeyError.self) { try PublicKey(ed25519: [1]) }
    }

    @Test func base64HasOneTextForEachSequenceOfBytes() {
        for (bytes, url, standard) in [
            ([], "", ""), ([0xFB], "-w", "+w=="), ([0xFB, 0xFF], "-_8", "+/8="),
            ([0xFB, 0xFF, 0xBF], "-_-_", "+/+/"),
        ] as [([UInt8], String, String)] {
            #expect(Base64.encode(bytes, .url) == url)
            #expect(Base64.encode(bytes, .standard) == standard)
            #expect(Base64.decode(url.utf8, .url) == bytes)
            #expect(Base64.decode(standard.utf8, .standard) == bytes)
        }
        for text in ["-w==", "-x", "A", "+w", "-w\n", " -w", "-_9", "AAAAA", "=", "é"] {
            #expect(Base64.decode(text.utf8, .url) == nil, "\(text)")
        }
        for text in ["+w", "-w==", "+w=", "+x==", "+w==\n", "====", "A===", "+w==+w=="] {
            #expect(Base64.decode(text.utf8, .standard) == nil, "\(text)")
        }
    }
}
