// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
#endif

/// The server's end of one TLS connection, without its socket: what was received goes in and
/// plaintext comes out, plaintext goes in and what is to be sent comes out.
///
///     receive ──▶ plaintext                 encrypt ──▶ unsent ──▶ removeSent
///        └──▶ unsent (handshake, alerts)
///
/// Holds no received bytes but those of an incomplete record or handshake message, whose lengths
/// OpenSSL bounds. What is unsent grows by what `encrypt` is given and by answers to what is
/// received: the owner stops receiving at `isCongested`. Not Sendable.
public final class TLSSession {
    /// What bytes that were received came to.
    public enum Outcome: Sendable {
        /// The session goes on.
        case open
        /// The peer has said that it sends nothing more.
        case ended
        /// The peer does not keep to TLS, or nothing was agreed on. `unsent` may hold an alert;
        /// the session takes and gives nothing more.
        case failed
    }

    /// The most plaintext that `encrypt` takes at once: a record's (RFC 8446 §5.1).
    public static let encryptBytesMax = 16 * 1024
    /// Unsent bytes from which on the peer has to read before it is read from.
    private static let congestedBytesMin = 64 * 1024

    #if canImport(COpenSSL)
        private let context: TLSServerContext
        private let session: OpaquePointer
        /// What was received, and what OpenSSL wants to send; owned by `session`.
        private let input: OpaquePointer
        private let output: OpaquePointer
        private var pending: [UInt8] = []
        /// How many of the pending bytes are gone.
        private var sentCount = 0
        private var hasFailed = false

        /// Begins a session by `context`; `nil` if there is no memory for it.
        public init?(_ context: TLSServerContext) {
            defer { ERR_clear_error() }
            guard let session = SSL_new(context.context) else { return nil }
            guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
                SSL_free(session)
                return nil
            }
            SSL_set_bio(session, input, output)
            SSL_set_accept_state(session)
            self.context = context
            self.session = session
            self.input = input
            self.output = output
        }

        deinit { SSL_free(session) }

        /// Whether the handshake is complete, so that `encrypt` may be called.
        public var isEstablished: Bool { SSL_is_init_finished(session) == 1 && !hasFailed }

        /// Number of bytes that wait to be sent.
        public var unsentCount: Int { pending.count - sentCount }

        /// Whether the peer should read before more is received from it.
        public var isCongested: Bool { unsentCount >= Self.congestedBytesMin }

        /// Calls `body` with the bytes that wait to be sent.
        public func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            pending.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[sentCount...])) }
        }

        /// Notes that the first `count` unsent bytes have left.
        public func removeSent(_ count: Int) {
            precondition(count <= unsentCount, "Only what waits can have been sent.")
            sentCount += count
            if sentCount == pending.count { (pending, sentCount) = ([], 0) }
        }

        /// Takes bytes from the peer, and calls `body` with each piece of plaintext in them.
        ///
        /// - Parameter scratch: Where plaintext is put for the time of a call of `body`.
        public func receive(
            _ bytes: UnsafeRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
            _ body: (UnsafeRawBufferPointer) -> Void
        ) -> Outcome {
            defer { ERR_clear_error() }
            guard !hasFailed else { return .failed }
            guard
                bytes.isEmpty
                    || BIO_write(input, bytes.baseAddress, CInt(clamping: bytes.count))
                        == bytes.count
            else { return fail() }
            defer { collect() }
            while true {
                let count = SSL_read(session, scratch.baseAddress, CInt(clamping: scratch.count))
                if count > 0 {
                    body(UnsafeRawBufferPointer(rebasing: scratch[..<Int(count)]))
                    continue
                }
                switch SSL_get_error(session, count) {
                case SSL_ERROR_WANT_READ: return .open
                case SSL_ERROR_ZERO_RETURN: return .ended
                default: return fail()
                }
            }
        }

        /// Encrypts `bytes` behind what is unsent; returns whether that was possible.
        ///
        /// - Precondition: `bytes` are not more than `encryptBytesMax`, and not empty.
        public func encrypt(_ bytes: UnsafeRawBufferPointer) -> Bool {
            precondition(
                (1...Self.encryptBytesMax).contains(bytes.count), "A record holds 1 B to 16 KiB.")
            defer { ERR_clear_error() }
            guard isEstablished else { return false }
            let isDone = SSL_write(session, bytes.baseAddress, CInt(bytes.count)) == bytes.count
            if !isDone { _ = fail() }
            collect()
            return isDone
        }

        /// Tells the peer that nothing more is sent (close_notify).
        public func endSending() {
            defer { ERR_clear_error() }
            guard isEstablished else { return }
            SSL_shutdown(session)
            collect()
        }

        private func fail() -> Outcome {
            hasFailed = true
            return .failed
        }

        /// Takes over what OpenSSL wants to send.
        private func collect() {
            let count = BIO_ctrl_pending(output)
            guard count > 0 else { return }
            let old = pending.count
            pending.append(contentsOf: repeatElement(0, count: count))
            let read = pending.withUnsafeMutableBytes {
                BIO_read(output, $0.baseAddress?.advanced(by: old), CInt(clamping: count))
            }
            pending.removeLast(count - max(0, Int(read)))
        }
    #else
        /// `nil`: there is no context without OpenSSL.
        public init?(_ context: TLSServerContext) { nil }

        /// False: there is no session.
        public var isEstablished: Bool { false }

        /// 0: there is no session.
        public var unsentCount: Int { 0 }

        /// False: there is no session.
        public var isCongested: Bool { false }

        /// Calls `body` with nothing.
        public func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            body(UnsafeRawBufferPointer(start: nil, count: 0))
        }

        /// Without effect: there is no session.
        public func removeSent(_ count: Int) {}

        /// Failed: there is no session.
        public func receive(
            _ bytes: UnsafeRawBufferPointer, scratch: UnsafeMutableRawBufferPointer,
            _ body: (UnsafeRawBufferPointer) -> Void
        ) -> Outcome { .failed }

        /// False: there is no session.
        public func encrypt(_ bytes: UnsafeRawBufferPointer) -> Bool { false }

        /// Without effect: there is no session.
        public func endSending() {}
    #endif
}
