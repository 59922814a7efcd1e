// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ends the processes of a run if the run ends without doing so: a trap, or a kill.
///
/// A shell reads from a pipe which processes run. The pipe's only writing end is in this process,
/// so its end is the end of the run, however it ended; what then still runs is killed, by its id.
enum Watchdog {
    private static let script = """
        trap '' INT TERM HUP
        ids=' '
        while read -r change id; do
            if [ "$change" = + ]; then ids="$ids$id "
            else ids="${ids%% "$id" *} ${ids#* "$id" }"; fi
        done
        for id in $ids; do kill -9 "$id"; done
        """

    /// The pipe's writing end; -1 if there is none, and then nothing is watched.
    private static let pipeEnd: Mutex<CInt> = {
        guard let ends = try? Platform.makePipe() else { return Mutex(-1) }
        defer { close(ends.read) }
        let sink = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(sink) }
        let watcher = try? Platform.spawn(
            "/bin/sh", ["-c", script], descriptors: [ends.read, sink, sink])
        return Mutex(watcher == nil ? -1 : ends.write)
    }()

    static func watch(_ pid: pid_t) { tell("+ \(pid)\n") }

    static func forget(_ pid: pid_t) { tell("- \(pid)\n") }

    private static func tell(_ line: String) {
        pipeEnd.withLock { end in
            if end >= 0 { Platform.writeAll(Array(line.utf8), to: end) }
        }
    }
}

/// Whether the run was asked to end: SIGINT, SIGTERM or SIGHUP came.
enum Interruption {
    // A signal handler may touch a lock-free atomic, and no more is done in it.
    private static let isAsked = Atomic(false)

    static var hasCome: Bool { isAsked.load(ordering: .relaxed) }

    static func listen() {
        // Made now: a handler must not be the first to make it.
        _ = hasCome
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in Interruption.isAsked.store(true, ordering: .relaxed) }
        }
        signal(SIGPIPE, SIG_IGN)
    }
}
