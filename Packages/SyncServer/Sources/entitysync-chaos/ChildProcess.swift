// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program of the run, in a process of its own, with its three standard streams. Used by one
/// thread; nothing here waits unless it says so.
final class ChildProcess {
    let name: String
    let processID: pid_t
    /// How it ended, once that is known.
    private(set) var exit: Exit?
    /// Whether the run itself killed it.
    private(set) var wasKilled = false
    private(set) var isStopped = false
    /// What it has written to standard error, the newest 64 KiB.
    private(set) var errorText: [UInt8] = []
    private var partialLines: [[UInt8]] = [[], []]
    private var ends: [CInt]
    private var inputEnd: CInt
    private var hasEnded = [false, false]

    init(_ name: String, _ path: String, _ words: [String]) throws {
        self.name = name
        let input = try Platform.makePipe()
        let output = try Platform.makePipe()
        let errors = try Platform.makePipe()
        defer { for end in [input.read, output.write, errors.write] { close(end) } }
        ends = [output.read, errors.read]
        inputEnd = input.write
        for end in ends + [inputEnd] { Platform.makeNonblocking(end) }
        processID = try Platform.spawn(
            path, words, descriptors: [input.read, output.write, errors.write])
        Watchdog.watch(processID)
    }

    deinit {
        kill()
        for end in ends + [inputEnd] { close(end) }
    }

    /// Descriptors that become readable when there is news.
    var descriptors: [CInt] { zip(ends, hasEnded).filter { !$1 }.map(\.0) }

    var isRunning: Bool { exit == nil }

    /// Gives it a line on standard input.
    func tell(_ line: String) { Platform.writeAll(Array((line + "\n").utf8), to: inputEnd) }

    /// The complete lines that have come since the last call, of standard output and error.
    func takeLines() -> (output: [String], errors: [String]) {
        let lines = (takeLines(0), takeLines(1))
        if hasEnded == [true, true], exit == nil {
            note(Platform.reap(processID, isBlocking: false))
        }
        return lines
    }

    private func takeLines(_ stream: Int) -> [String] {
        guard !hasEnded[stream] else { return [] }
        var bytes: [UInt8] = []
        hasEnded[stream] = Platform.drain(ends[stream], into: &bytes)
        if stream == 1, !bytes.isEmpty { errorText = (errorText + bytes).suffix(65_536) }
        let pieces = (partialLines[stream] + bytes).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        partialLines[stream] = Array(pieces.last ?? [])
        return pieces.dropLast().map { String(decoding: $0, as: UTF8.self) }
    }

    func stop() {
        isStopped = true
        send(SIGSTOP)
    }

    func resume() {
        isStopped = false
        send(SIGCONT)
    }

    func send(_ signal: CInt) {
        if isRunning { Platform.send(signal, to: processID) }
    }

    /// Ends it with SIGKILL, if it has not ended, and waits until it is gone.
    ///
    /// - Returns: Whether it was this kill that ended it.
    @discardableResult
    func kill() -> Bool {
        guard isRunning else { return false }
        send(SIGKILL)
        note(Platform.reap(processID, isBlocking: true))
        wasKilled = exit == .signal(SIGKILL)
        _ = takeLines(1)
        return wasKilled
    }

    private func note(_ ending: Exit?) {
        guard let ending else { return }
        exit = ending
        Watchdog.forget(processID)
    }

    /// The end of what it said, for a report.
    var lastWords: String {
        var lines = String(decoding: errorText, as: UTF8.self).split(separator: "\n")
        // What the runtime prints when it traps ends with tables of registers and images.
        if let trap = lines.firstIndex(where: { $0.contains("Fatal error") || $0.contains("***") })
        {
            lines = Array(lines[trap...].prefix(30))
        }
        return lines.isEmpty
            ? "(nothing on standard error)" : lines.suffix(30).joined(separator: "\n")
    }
}
