// SPDX-License-Identifier: MIT

import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ends the programs of the tests if the tests end without doing so: a trap, or a kill.
///
/// A shell reads from a pipe which programs run. The pipe's only writing end is in this process, so
/// its end is the end of the tests, however they ended; what then still runs is killed.
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
            "/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
            descriptors: [ends.read, sink, sink])
        return Mutex(watcher == nil ? -1 : ends.write)
    }()

    static func watch(_ pid: pid_t) { tell("+ \(pid)\n") }

    static func forget(_ pid: pid_t) { tell("- \(pid)\n") }

    private static func tell(_ line: String) {
        pipeEnd.withLock { end in
            guard end >= 0 else { return }
            _ = Array(line.utf8).withUnsafeBytes { write(end, $0.baseAddress, $0.count) }
        }
    }
}
