// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
#endif
#if canImport(Glibc)
    import Glibc
#endif

/// A certificate with its key, and the rules by which a server speaks TLS: 1.2 or 1.3, with forward
/// secrecy, without compression or renegotiation, for HTTP/1.1. By OpenSSL; where the package is
/// built without it, the initialiser throws.
///
/// Sessions keep it alive: one that is replaced ends with the last session begun by it. Not
/// Sendable.
public final class TLSServerContext {
    #if canImport(COpenSSL)
        let context: OpaquePointer

        /// Reads the two files.
        ///
        /// - Parameters:
        ///   - certificate: A file in PEM: the certificate, and behind it those that lead to the
        ///     authority.
        ///   - key: A file in PEM with the certificate's key, which no password protects.
        /// - Throws: `TLSError`, which names the file and what is wrong with it.
        public init(certificate: String, key: String) throws(TLSError) {
            defer { ERR_clear_error() }
            for path in [certificate, key] where access(path, R_OK) != 0 {
                throw TLSError(
                    description: "\(path) cannot be read: \(String(cString: strerror(errno))).")
            }
            guard let context = SSL_CTX_new(TLS_server_method()) else {
                throw TLSError(description: "OpenSSL has no memory for TLS.")
            }
            self.context = context
            Self.setRules(of: context)
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
                throw TLSError(
                    description: "\(certificate) does not begin with a certificate in PEM that can "
                        + "be used (\(Self.lastReason)).")
            }
            guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
                let reason = ERR_GET_REASON(ERR_peek_last_error())
                if [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH].contains(reason) {
                    throw Self.mismatch(certificate, key)
                }
                throw TLSError(
                    description: "\(key) holds no key in PEM that can be used "
                        + "(\(Self.lastReason)). A key that a password protects is not read.")
            }
            guard SSL_CTX_check_private_key(context) == 1 else {
                throw Self.mismatch(certificate, key)
            }
        }

        deinit { SSL_CTX_free(context) }

        private static func mismatch(_ certificate: String, _ key: String) -> TLSError {
            TLSError(
                description: "The key in \(key) does not belong to the certificate in "
                    + "\(certificate).")
        }

        private static func setRules(of context: OpaquePointer) {
            // Macros of the headers, which Swift does not see: SSL_CTX_set_min_proto_version.
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
            // SSL_OP_CIPHER_SERVER_PREFERENCE, _NO_COMPRESSION and _NO_RENEGOTIATION: macros too.
            SSL_CTX_set_options(context, 1 << 22 | 1 << 17 | 1 << 30)
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20")
            // Tickets hold sessions at the client, and nothing at the server.
            SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
            // An idle connection gives its buffers back.
            SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
            // A key behind a password is refused: nobody is at the terminal to be asked for it.
            SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in -1 }
            SSL_CTX_set_alpn_select_cb(
                context,
                { _, chosen, chosenCount, offered, count, _ in
                    selectHTTP(chosen, chosenCount, offered, count)
                }, nil)
        }

        /// The cause that OpenSSL noted last.
        private static var lastReason: String {
            ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) }
                ?? "no reason given"
        }
    #else
        /// Throws: there is no OpenSSL here.
        public init(certificate: String, key: String) throws(TLSError) {
            throw TLSError(
                description: "This build has no OpenSSL, and so no TLS: serve on 127.0.0.1 behind "
                    + "a proxy that has it.")
        }
    #endif
}

#if canImport(COpenSSL)
    /// Answers ALPN (RFC 7301 §3.2): `http/1.1` if the peer offers it, an alert if it offers others
    /// only.
    private func selectHTTP(
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?,
        _ count: CUnsignedInt
    ) -> CInt {
        let names = UnsafeBufferPointer(start: offered, count: Int(count))
        var index = 0
        while index < names.count {
            let end = index + 1 + Int(names[index])
            guard end <= names.count else { break }
            if names[(index + 1)..<end].elementsEqual("http/1.1".utf8) {
                // The answer lies in the peer's list, as OpenSSL asks for.
                chosen?.pointee = offered.map { $0 + index + 1 }
                chosenCount?.pointee = names[index]
                return SSL_TLSEXT_ERR_OK
            }
            index = end
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
#endif
