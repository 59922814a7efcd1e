// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server that this program started, with the processes that the server started.
final class ServerProcess {
    let processID: pid_t
    private let log: String
    private var hasEnded = false

    /// Starts a server that ends when this program does, however that ends.
    ///
    /// - Parameter user: Who the server runs as, if this program may choose.
    init(_ words: [String], log: String, user: String? = nil) throws {
        self.log = log
        var front = ["setpriv", "--pdeathsig", "KILL"]
        if let user, getuid() == 0 {
            front += ["--reuid", user, "--regid", user, "--init-groups"]
        }
        processID = try Platform.spawn(front + ["--"] + words, log: log)
    }

    deinit { end(SIGKILL) }

    /// Waits until `isReady` says so, and gives up after a minute or when the server ends.
    func wait(until isReady: () throws -> Bool) throws {
        let deadline = Platform.nanoseconds + 60_000_000_000
        while try !isReady() {
            if Platform.hasEnded(processID) {
                hasEnded = true
                throw Failure("The server ended: \(lastWords)")
            }
            guard Platform.nanoseconds < deadline else {
                throw Failure("The server does not answer: \(lastWords)")
            }
            Platform.pause(milliseconds: 2)
        }
    }

    private var lastWords: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(3).joined(separator: " | ")
    }

    /// Sends a signal and waits for the end; after half a minute it is killed.
    func end(_ signal: CInt) {
        guard !hasEnded else { return }
        hasEnded = true
        let others = Self.family(of: processID).filter { $0 != processID }
        kill(processID, signal)
        let deadline = Platform.nanoseconds + 30_000_000_000
        while !Platform.hasEnded(processID) {
            if Platform.nanoseconds > deadline { kill(processID, SIGKILL) }
            Platform.pause(milliseconds: 2)
        }
        // What it started notices by itself that it is alone, but not at once.
        for other in others { kill(other, SIGKILL) }
        while others.contains(where: { kill($0, 0) == 0 && !Self.isZombie($0) }),
            Platform.nanoseconds < deadline
        {
            Platform.pause(milliseconds: 2)
        }
    }

    /// The processor time that it has taken with all that it started, in seconds; a hundredth is
    /// as exact as the system tells.
    var processorSeconds: Double {
        var ticks = 0
        for process in Self.family(of: processID) {
            guard let fields = Self.status(of: process) else { continue }
            // Of its own: user and system. Of children that have ended: counted with the parent.
            ticks += fields[11] + fields[12] + fields[13] + fields[14]
        }
        return Double(ticks) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// Its resident memory in bytes, with all that it started; shared pages count once.
    var residentBytes: Int {
        Self.family(of: processID).reduce(0) { sum, process in
            let path = "/proc/\(process)/smaps_rollup"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
            let words = line?.split(separator: " ") ?? []
            return sum + (words.count > 1 ? (Int(words[1]) ?? 0) * 1_024 : 0)
        }
    }

    /// The numbers behind the state in `/proc/PID/stat`: the first is the parent's.
    private static func status(of process: pid_t) -> [Int]? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        // The state is a letter, which becomes 0 and keeps the places of the others.
        let fields = text[text.index(after: name)...].split(separator: " ").map { Int($0) ?? 0 }
        return fields.count > 14 ? fields : nil
    }

    private static func isZombie(_ process: pid_t) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return text.contains(") Z ") || text.isEmpty
    }

    /// A process and all that descend from it.
    private static func family(of root: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var parents: [pid_t: pid_t] = [:]
        for process in names.compactMap({ pid_t($0) }) {
            if let fields = status(of: process) { parents[process] = pid_t(fields[1]) }
        }
        var found: [pid_t] = [root]
        var next = 0
        while next < found.count {
            found += parents.filter { $0.value == found[next] }.keys
            next += 1
        }
        return found
    }
}
