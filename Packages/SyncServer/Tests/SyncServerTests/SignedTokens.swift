// SPDX-License-Identifier: MIT

/// Tokens and public keys that another implementation made, of pyca/cryptography on OpenSSL; the
/// private keys were not kept. The claims of every token are
///
///     {"sub":"alice","exp":4102444800,"db":["notes"],"device":"a*"}
enum SignedTokens {
    /// A token by the RSA key, its kid `r`.
    static let rs256 =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZGIiOls"
        + "ibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.p3x5QF6KzbCU2kX9vgBCTXSS-yMykwSWJO8laZ3CmsX3_-WOyop4lV"
        + "ZfdxYYMjaCFf_ngcr1zDeMLrNxUdGLu9MPu13jIv2RhqLu4bBWrzI2canFemGEn5uyZf7XZwpfSiucl1ga441z"
        + "9elop4Cx--VU9LlJTqrAFMMMC4NIDe9spWGasly69dxJOejyyJbdZd2g4iLB3NNdFpLg8koNbbdSc_T0oMVtgI"
        + "D2j2TsGrKf5Y4GNNGwxUSad7j6LMZ0Z5Np05Ys0CbUEs-G9AK796dss6q8-DqZsigFzdXk6HH8zVKW8U7zn2aN"
        + "KxkZL7xhQbW0ijC4fzwuwnNzPWN1hw"

    /// The same claims signed with RSASSA-PSS, under the name RS256.
    static let pssAsRS256 =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZGIiOls"
        + "ibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.kunzSGKEUUmQDmftV16-GvdyuZbhPAP5kGidIaMpTIVTnR5nmqaT9c"
        + "HCZXvhlId5zbmaIqCXbaPNX3lG8PI8v6oMfWTvvclHM5YBFPD2t_9kkfZJcfxboUf2X5FjdyVoXq1Mj4ju1Znn"
        + "g8HbxZ3NjBgOMMnmYHdHzdrkyUosJyzI9Xlqv7MKZ8dYehLgfdNSkrFL_-D-pqDe5K80NncM07Jy8EOINWYD9U"
        + "UokK_WCFB5iMwJM-5j7O-lqD0CkknmWcZJvdb-w7erHq5dA1ETuF9PghRBQqUToleN1fwzCcvk9QbdJlb8fG1c"
        + "hgq4jEwMpIZa055g5c_rw_RtuNTdPg"

    /// A token by the key on P-256, its kid `e`.
    static let es256 =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZGIiOls"
        + "ibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.5lNIRWSoWbkqJd6nTBWzmx5xv7xuC1J4MrBqtbkvo7oI38jvOKx4km"
        + "8YY57GHR634b-nVjiKU7DDy6Z1GD_WlQ"

    /// The same with its signature in DER.
    static let es256InDER =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZGIiOls"
        + "ibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.MEUCIQDuBq_mEqaEqntWx6_eNBRW7_dItRr8OyEDd9UfpnJETwIgVC"
        + "qGM9eogy2ApcabYWboDppqvu-FTQNwthrEVvY363Y"

    /// A token by the Ed25519 key, its kid `d`.
    static let edDSA =
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImQifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZGIiOls"
        + "ibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.yKcxBdvF_FPnoacV9_fVCbQJoENS6AhTce3u8hBaMb2bUcSrIgNDHC"
        + "5KyxzZt9NWXOJF07wL5HXbxuj-EKBODw"

    /// The RSA key, 2,048 bits.
    static let rsaPEM =
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvUJw5dLSV6WHdd"
        + "tgTDw9\np59p9QUmAO9hnDW+G1B00JSoPf9Xv631E+PV0P8kg6RMf9sCEfXkNaA7yyM3zdid\n5/0RiFfFOFyX"
        + "ls7w5RgYZBzBCdXsW/u52QHiPm+YpITzdQPDk8iZ7M0aZO2A2ob+\ndqLrjo7LNbrg2tRV8rfcH8XqHv55iqke"
        + "4V0iqoT9XtDTgk3z7XlioaOHI5Csc1K2\n7jSc3KzONvqazVpK0DlniVKpZuAba/vIH4davv+OQqEP+Idj8D7n"
        + "c0i2yjBgcOBx\nFFRA+7IN3WCm7qaj7NegNn5T2QQ+qZo97xFSjGNmVdUBOS3I35+uzmFZsAgIAAjC\nRQIDAQ"
        + "AB\n-----END PUBLIC KEY-----\n"

    /// The key on P-256.
    static let p256PEM =
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ6Rpx3jjziAO7UZSVAsqek"
        + "JXQERC\nPo9X/eH5YPWoL11Zhlx0aP/BJPbi1zn823kYaCUr47dWejePkhpQDt9hCQ==\n-----END PUBLIC "
        + "KEY-----\n"

    /// The Ed25519 key.
    static let ed25519PEM =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAuMvDP4XFS/1DC5t5VRsZfzSK7/h9bPmjc6+D5+dQQR"
        + "Y=\n-----END PUBLIC KEY-----\n"

    /// An RSA key of 1,024 bits.
    static let shortRSAPEM =
        "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCsnBmiNIdY7lmuK1LpsQ"
        + "tVOqDU\n3bWdjigPpdO9N/dwxsaVD0lKcDZ+Wmdv6BIrEb0y4nlbJ2AXukzA/0i7UHniKVkb\nyVXA8H4RJFMv"
        + "5G2FNAYim1pvWfCdp1r9VHzVdNqk3yON9d8zWk3wWz3WVqDfXm6i\nkNDKEPFIQf4pb1/zhQIDAQAB\n-----E"
        + "ND PUBLIC KEY-----\n"

    /// A key on P-384.
    static let p384PEM =
        "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE72XEWEjCoZW0YrD5yz4dXfWcz6"
        + "r2C7gD\nHgLAse2EuyP3hLYgjoeiCQ/Y89I4sw2s3f802GWoZoG4evedJt9amzkg2tN9c6cL\ntcBXWV+hwHtc"
        + "7wWNHz5UdM+b/CxiJU7f\n-----END PUBLIC KEY-----\n"

    /// The first three keys as a JWKS, with the key IDs `r`, `e` and `d`.
    static let keySet =
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"n\":\"vUJw5dLSV6WHddtgTDw9"
        + "p59p9QUmAO9hnDW-G1B00JSoPf9Xv631E-PV0P8kg6RMf9sCEfXkNaA7yyM3zdid5_0RiFfFOFyXls7w5RgYZB"
        + "zBCdXsW_u52QHiPm-YpITzdQPDk8iZ7M0aZO2A2ob-dqLrjo7LNbrg2tRV8rfcH8XqHv55iqke4V0iqoT9XtDT"
        + "gk3z7XlioaOHI5Csc1K27jSc3KzONvqazVpK0DlniVKpZuAba_vIH4davv-OQqEP-Idj8D7nc0i2yjBgcOBxFF"
        + "RA-7IN3WCm7qaj7NegNn5T2QQ-qZo97xFSjGNmVdUBOS3I35-uzmFZsAgIAAjCRQ\",\"e\":\"AQAB\"},{\""
        + "kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"Q6Rpx3jjziAO7UZSVAsqekJXQERCPo9X_"
        + "eH5YPWoL10\",\"y\":\"WYZcdGj_wST24tc5_Nt5GGglK-O3Vno3j5IaUA7fYQk\"},{\"kty\":\"OKP\","
        + "\"crv\":\"Ed25519\",\"kid\":\"d\",\"x\":\"uMvDP4XFS_1DC5t5VRsZfzSK7_h9bPmjc6-D5-dQQRY"
        + "\"}]}"
}
