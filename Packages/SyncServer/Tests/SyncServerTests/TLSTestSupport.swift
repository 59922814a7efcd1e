// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
    import Cryptography
    import Foundation

    /// A fresh directory with certificates, removed at the end.
    final class CertificateFolder {
        enum Failure: Error { case openSSL }

        let path: String

        init() throws {
            path =
                FileManager.default.temporaryDirectory
                .appending(path: "entitysync-tls-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ text: String, to name: String) throws -> String {
            try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
            return "\(path)/\(name)"
        }

        /// Writes a certificate that vouches for itself, and its key, into one file.
        func make(_ name: String, host: String = "localhost", password: String? = nil) throws
            -> String
        {
            let path = "\(self.path)/\(name).pem"
            let maker = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil)
            var key: OpaquePointer?
            guard EVP_PKEY_keygen_init(maker) == 1, EVP_PKEY_keygen(maker, &key) == 1,
                let certificate = X509_new(), let file = BIO_new_file(path, "w")
            else { throw Failure.openSSL }
            defer {
                BIO_free(file)
                X509_free(certificate)
                EVP_PKEY_free(key)
                EVP_PKEY_CTX_free(maker)
            }
            X509_set_version(certificate, 2)
            ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
            X509_gmtime_adj(X509_getm_notBefore(certificate), -7_200)
            X509_gmtime_adj(X509_getm_notAfter(certificate), 3_600)
            X509_set_pubkey(certificate, key)
            let subject = X509_get_subject_name(certificate)
            X509_NAME_add_entry_by_txt(
                subject, "CN", MBSTRING_ASC, Array(name.utf8), CInt(name.utf8.count), -1, 0)
            X509_set_issuer_name(certificate, subject)
            let names = X509V3_EXT_conf_nid(nil, nil, NID_subject_alt_name, "DNS:\(host)")
            defer { X509_EXTENSION_free(names) }
            let secret = Array((password ?? "").utf8)
            guard X509_add_ext(certificate, names, -1) == 1,
                X509_sign(certificate, key, nil) > 0,
                PEM_write_bio_X509(file, certificate) == 1,
                PEM_write_bio_PrivateKey(
                    file, key, password == nil ? nil : EVP_aes_128_cbc(), secret,
                    CInt(secret.count), nil, nil) == 1
            else { throw Failure.openSSL }
            return path
        }
    }

    /// The client's end of TLS over memory; it takes any certificate.
    final class MemoryClient {
        let session: OpaquePointer
        private let context: OpaquePointer
        private let input: OpaquePointer
        private let output: OpaquePointer

        /// - Parameters:
        ///   - version: The only version it speaks.
        ///   - protocols: What it offers by ALPN.
        init(version: CInt = TLS1_3_VERSION, protocols: [String] = []) throws {
            guard let context = SSL_CTX_new(TLS_client_method()),
                let session = SSL_new(context), let input = BIO_new(BIO_s_mem()),
                let output = BIO_new(BIO_s_mem())
            else { throw CertificateFolder.Failure.openSSL }
            self.context = context
            self.session = session
            self.input = input
            self.output = output
            // TLS 1.1 is spoken only where signatures of SHA-1 are taken.
            if version < TLS1_2_VERSION { SSL_set_security_level(session, 0) }
            SSL_ctrl(session, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
            SSL_ctrl(session, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
            let names = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            if !names.isEmpty { SSL_set_alpn_protos(session, names, CUnsignedInt(names.count)) }
            SSL_set_bio(session, input, output)
            SSL_set_connect_state(session)
        }

        deinit {
            SSL_free(session)
            SSL_CTX_free(context)
        }

        var isEstablished: Bool { SSL_is_init_finished(session) == 1 }

        /// Goes on with the handshake, or reads: what came and is plaintext.
        func read(_ bytes: [UInt8] = []) -> [UInt8] {
            if !bytes.isEmpty { BIO_write(input, bytes, CInt(bytes.count)) }
            defer { ERR_clear_error() }
            var plaintext: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while true {
                let count = SSL_read(session, &buffer, 16_384)
                if count <= 0 { return plaintext }
                plaintext += buffer[..<Int(count)]
            }
        }

        func write(_ bytes: [UInt8]) { SSL_write(session, bytes, CInt(bytes.count)) }

        /// What is to go to the server.
        func takeOutput() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(output))
            if !bytes.isEmpty { BIO_read(output, &bytes, CInt(bytes.count)) }
            return bytes
        }
    }

    extension TLSSession {
        /// Takes bytes and returns the outcome and the plaintext.
        func receive(_ bytes: [UInt8]) -> (outcome: Outcome, plaintext: [UInt8]) {
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_000, alignment: 1)
            defer { scratch.deallocate() }
            var plaintext: [UInt8] = []
            let outcome = bytes.withUnsafeBytes { bytes in
                receive(bytes, scratch: scratch) { plaintext += $0 }
            }
            return (outcome, plaintext)
        }

        /// What is to go to the client.
        func takeOutput() -> [UInt8] {
            let bytes = withUnsent { Array($0) }
            removeSent(bytes.count)
            return bytes
        }

        /// Shakes hands with `client`; returns how that ended.
        func shakeHands(with client: MemoryClient) -> Outcome {
            var outcome = Outcome.open
            for _ in 0..<4 {
                _ = client.read(takeOutput())
                let bytes = client.takeOutput()
                if !bytes.isEmpty { outcome = receive(bytes).outcome }
            }
            return outcome
        }
    }
#endif
