// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGHUP: read the files of keys, tokens and revoked devices again.
enum ReloadSignal {
    private static let isRaised = Atomic<Bool>(false)

    /// Takes SIGHUP over from the system, which would end the process.
    ///
    /// The signal also ends the wait of the server's loop. If it comes a moment before that wait
    /// begins, the next look at the files, a second later, finds it.
    static func install() {
        // The store also initialises the global, which a signal handler must not do.
        isRaised.store(false, ordering: .sequentiallyConsistent)
        _ = signal(SIGHUP) { _ in
            ReloadSignal.isRaised.store(true, ordering: .sequentiallyConsistent)
        }
    }

    /// Whether the signal came since this was last asked.
    static func take() -> Bool { isRaised.exchange(false, ordering: .sequentiallyConsistent) }
}
