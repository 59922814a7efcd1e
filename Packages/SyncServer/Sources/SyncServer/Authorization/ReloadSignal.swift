// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGHUP: read the files of keys, tokens, revoked devices and the certificate again.
enum ReloadSignal {
    private static let count = Atomic<Int>(0)

    /// Takes SIGHUP over from the system, which would end the process.
    ///
    /// The signal also ends the wait of the server's loop. If it comes a moment before that wait
    /// begins, the next look at the files, a second later, finds it.
    static func install() {
        // The store also initialises the global, which a signal handler must not do.
        count.store(0, ordering: .sequentiallyConsistent)
        _ = signal(SIGHUP) { _ in
            ReloadSignal.count.wrappingAdd(1, ordering: .sequentiallyConsistent)
        }
    }

    /// One of those that read files again.
    struct Reader {
        private var seen = 0

        /// Whether the signal came since this was last asked.
        mutating func take() -> Bool {
            let present = ReloadSignal.count.load(ordering: .sequentiallyConsistent)
            defer { seen = present }
            return present != seen
        }
    }
}
