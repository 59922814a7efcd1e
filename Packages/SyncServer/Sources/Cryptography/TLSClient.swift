// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
#endif

/// The client's end of TLS 1.2 or 1.3 over a connected socket that blocks.
///
/// The peer shows a certificate for the host that one of the system's authorities has signed (or
/// one in the file that `SSL_CERT_FILE` names). By OpenSSL; where the package is built without it,
/// the initialiser throws. The owner keeps the socket, and has SIGPIPE ignored. Not Sendable.
public final class TLSClient {
    #if canImport(COpenSSL)
        private let context: OpaquePointer
        private let connection: OpaquePointer

        /// Shakes hands.
        ///
        /// - Parameter authorities: A file in PEM with the authorities, instead of the system's.
        /// - Throws: `TLSError` if the peer does not, or is not `host`.
        public init(
            _ descriptor: CInt, host: String, authorities: String? = nil
        ) throws(TLSError) {
            defer { ERR_clear_error() }
            guard let context = SSL_CTX_new(TLS_client_method()) else { throw .failed(0) }
            guard let connection = SSL_new(context) else {
                SSL_CTX_free(context)
                throw .failed(0)
            }
            self.context = context
            self.connection = connection
            // Two macros of OpenSSL's headers, which Swift does not see:
            // SSL_set_min_proto_version and SSL_set_tlsext_host_name.
            SSL_ctrl(connection, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
            var name = Array(host.utf8CString)
            let isNamed = name.withUnsafeMutableBytes {
                SSL_ctrl(
                    connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                    $0.baseAddress) == 1
            }
            SSL_set_verify(connection, SSL_VERIFY_PEER, nil)
            let isReady =
                if let authorities {
                    SSL_CTX_load_verify_locations(context, authorities, nil) == 1
                } else {
                    SSL_CTX_set_default_verify_paths(context) == 1
                }
            guard isNamed, isReady,
                SSL_set1_host(connection, host) == 1, SSL_set_fd(connection, descriptor) == 1,
                SSL_connect(connection) == 1
            else { throw .failed(SSL_get_verify_result(connection)) }
        }

        deinit {
            SSL_free(connection)
            SSL_CTX_free(context)
        }

        /// Sends all of `bytes`; returns whether that was possible.
        public func send(_ bytes: [UInt8]) -> Bool {
            defer { ERR_clear_error() }
            return SSL_write(connection, bytes, CInt(clamping: bytes.count)) == bytes.count
        }

        /// Waits for bytes: none at the end of what the peer sends, `nil` if the connection broke.
        public func receive(bytesMax: Int) -> [UInt8]? {
            defer { ERR_clear_error() }
            var bytes = [UInt8](repeating: 0, count: bytesMax)
            let count = SSL_read(connection, &bytes, CInt(clamping: bytesMax))
            if count > 0 { return Array(bytes[..<Int(count)]) }
            return SSL_get_error(connection, count) == SSL_ERROR_ZERO_RETURN ? [] : nil
        }
    #else
        /// Throws: there is no OpenSSL here.
        public init(
            _ descriptor: CInt, host: String, authorities: String? = nil
        ) throws(TLSError) { throw .noOpenSSL }

        /// False: no connection was made.
        public func send(_ bytes: [UInt8]) -> Bool { false }

        /// `nil`: no connection was made.
        public func receive(bytesMax: Int) -> [UInt8]? { nil }
    #endif
}

/// Why a peer is not spoken to.
public struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    #if canImport(COpenSSL)
        static func failed(_ verification: Int) -> TLSError {
            let reason = X509_verify_cert_error_string(verification).map { String(cString: $0) }
            return TLSError(
                description: verification == 0
                    ? "TLS was not agreed on."
                    : "The certificate is not taken: \(reason ?? "").")
        }
    #else
        static let noOpenSSL = TLSError(description: "This build has no OpenSSL, and so no https.")
    #endif
}
