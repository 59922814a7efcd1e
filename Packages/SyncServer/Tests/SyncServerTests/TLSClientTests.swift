// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
    import Cryptography
    import Foundation
    import Testing

    /// Whom the client's end of TLS speaks to.
    @Suite(.timeLimit(.minutes(2))) struct TLSClientTests {
        private enum Failure: Error { case openSSL }

        /// A peer with a certificate that it has signed itself, over one end of a socket pair.
        private final class Peer: Sendable {
            let certificate: String
            let descriptor: CInt

            /// - Parameter name: The host that the certificate is for.
            init(_ name: String, in directory: String, isExpired: Bool = false) throws {
                // A peer that hangs up in the midst of a handshake ends nobody else.
                _ = signal(SIGPIPE, SIG_IGN)
                let path = directory + "/\(name).pem"
                certificate = path
                try Self.writeCertificate(name, to: path, isExpired: isExpired)
                var ends: [CInt] = [0, 0]
                guard
                    socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0,
                    case let (mine, theirs) = (ends[0], ends[1])
                else { throw Failure.openSSL }
                descriptor = theirs
                Thread { @Sendable in Self.serve(mine, path) }.start()
            }

            /// Echoes what comes in upper case, once.
            private static func serve(_ descriptor: CInt, _ path: String) {
                let context = SSL_CTX_new(TLS_server_method())
                let connection = SSL_new(context)
                defer {
                    SSL_free(connection)
                    SSL_CTX_free(context)
                    close(descriptor)
                }
                guard SSL_use_certificate_file(connection, path, SSL_FILETYPE_PEM) == 1,
                    SSL_use_PrivateKey_file(connection, path, SSL_FILETYPE_PEM) == 1,
                    SSL_set_fd(connection, descriptor) == 1, SSL_accept(connection) == 1
                else { return }
                var bytes = [UInt8](repeating: 0, count: 100)
                let count = SSL_read(connection, &bytes, 100)
                guard count > 0 else { return }
                let answer = bytes[..<Int(count)].map { $0 & ~0x20 }
                SSL_write(connection, answer, CInt(answer.count))
                SSL_shutdown(connection)
            }

            /// Writes an Ed25519 key and its certificate.
            private static func writeCertificate(
                _ name: String, to path: String, isExpired: Bool
            ) throws {
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
                X509_gmtime_adj(X509_getm_notAfter(certificate), isExpired ? -3_600 : 3_600)
                X509_set_pubkey(certificate, key)
                let subject = X509_get_subject_name(certificate)
                X509_NAME_add_entry_by_txt(
                    subject, "CN", MBSTRING_ASC, Array(name.utf8), CInt(name.utf8.count), -1, 0)
                X509_set_issuer_name(certificate, subject)
                let names = X509V3_EXT_conf_nid(nil, nil, NID_subject_alt_name, "DNS:\(name)")
                defer { X509_EXTENSION_free(names) }
                guard X509_add_ext(certificate, names, -1) == 1,
                    X509_sign(certificate, key, nil) > 0,
                    PEM_write_bio_X509(file, certificate) == 1,
                    PEM_write_bio_PrivateKey(file, key, nil, nil, 0, nil, nil) == 1
                else { throw Failure.openSSL }
            }
        }

        /// A fresh directory, removed at the end.
        private final class Folder {
            let path: String

            init() throws {
                path =
                    FileManager.default.temporaryDirectory
                    .appending(path: "entitysync-tls-\(UUID().uuidString)").path
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
            }

            deinit { try? FileManager.default.removeItem(atPath: path) }
        }

        @Test func aPeerWithAGoodCertificateIsSpokenTo() throws {
            let folder = try Folder()
            let peer = try Peer("id.example", in: folder.path)
            defer { close(peer.descriptor) }

            let client = try TLSClient(
                peer.descriptor, host: "id.example", authorities: peer.certificate)

            #expect(client.send(Array("hello".utf8)))
            #expect(client.receive(bytesMax: 100) == Array("HELLO".utf8))
            #expect(client.receive(bytesMax: 100) == [])
        }

        @Test(arguments: [
            ("id.example", "other.example", true, false, "hostname mismatch"),
            ("id.example", "sub.id.example", true, false, "hostname mismatch"),
            ("id.example", "id.example", false, false, "self-signed"),
            ("id.example", "id.example", true, true, "expired"),
        ])
        func anotherPeerIsNot(
            name: String, host: String, isTrusted: Bool, isExpired: Bool, words: String
        ) throws {
            let folder = try Folder()
            let peer = try Peer(name, in: folder.path, isExpired: isExpired)
            let other = try Peer("authority", in: folder.path)
            defer { for peer in [peer, other] { close(peer.descriptor) } }

            let error = #expect(throws: TLSError.self) {
                try TLSClient(
                    peer.descriptor, host: host,
                    authorities: isTrusted ? peer.certificate : other.certificate)
            }

            #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
        }
    }
#endif
