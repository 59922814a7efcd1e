// SPDX-License-Identifier: MIT

import Cryptography

/// The certificate that a server shows to new connections, read again when its files change.
final class ServerCertificate {
    /// How often the files are looked at, at most.
    private static let lookNanoseconds: UInt64 = 1_000_000_000

    /// What new sessions begin with.
    private(set) var context: TLSServerContext
    private var certificate: WatchedFile
    private var key: WatchedFile
    private let tell: (String) -> Void
    private var reloadSignal = ReloadSignal.Reader()
    private var nextLook: UInt64 = 0

    /// Reads the two files; see `TLSServerContext`.
    init(
        _ certificate: String, key: String, tell: @escaping (String) -> Void
    ) throws(TLSError) {
        self.certificate = WatchedFile(certificate)
        self.key = WatchedFile(key)
        self.tell = tell
        // Noted before they are read, so that what changes meanwhile is read again.
        _ = self.certificate.takeChange()
        _ = self.key.takeChange()
        context = try TLSServerContext(certificate: certificate, key: key)
    }

    /// Reads the files again if SIGHUP came, or if they have changed and it is time to look. What
    /// cannot be used leaves the certificate that there is in force, and is said.
    ///
    /// - Parameter now: In monotonic nanoseconds.
    func follow(at now: UInt64) {
        let isForced = reloadSignal.take()
        guard isForced || now >= nextLook else { return }
        nextLook = now + Self.lookNanoseconds
        let hasNewCertificate = certificate.takeChange()
        let hasNewKey = key.takeChange()
        guard isForced || hasNewCertificate || hasNewKey else { return }
        do throws(TLSError) {
            context = try TLSServerContext(certificate: certificate.path, key: key.path)
            tell("The certificate in \(certificate.path) holds for new connections.")
        } catch {
            tell("\(error) The certificate that was read before stays in force.")
        }
    }
}
