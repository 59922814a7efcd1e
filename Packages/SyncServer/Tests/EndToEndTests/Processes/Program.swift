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

/// One of the project's programs, running as a process of its own.
///
/// Its output is read while somebody waits for it; nothing here needs a thread.
final class Program: Sendable {
    /// Where a line is printed.
    enum Stream { case output, errors }

    /// What a program printed, and how it ended if it has.
    struct Captured: Sendable {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var exit: Exit?
        fileprivate var outputEnded = false
        fileprivate var errorsEnded = false

        var outputText: String { String(decoding: output, as: UTF8.self) }
        var errorText: String { String(decoding: errors, as: UTF8.self) }

        fileprivate func text(_ stream: Stream) -> String {
            stream == .output ? outputText : errorText
        }
    }

    /// What did not come in time, or not at all.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// How long anything may take before it counts as never: a hang lasts for ever, and a busy disk
    /// may hold a sync up for half a minute.
    static let patienceSeconds = 300.0

    let commandLine: String
    let processID: pid_t
    private let outputEnd: CInt
    private let errorEnd: CInt
    private let state = Mutex(Captured())

    init(_ name: String, _ words: [String], environment: [String: String] = [:]) throws {
        let path = try Self.path(of: name)
        commandLine = ([name] + words).joined(separator: " ")
        let output = try Platform.makePipe()
        let errors = try Platform.makePipe()
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        (outputEnd, errorEnd) = (output.read, errors.read)
        defer { for descriptor in [output.write, errors.write, input] { close(descriptor) } }
        for end in [output.read, errors.read] {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
        let inherited = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("ENTITYSYNC_")
        }
        processID = try Platform.spawn(
            path, words, environment: inherited.merging(environment) { $1 },
            descriptors: [input, output.write, errors.write])
        Watchdog.watch(processID)
        ProgramRegistry.add(self)
    }

    deinit {
        kill()
        close(outputEnd)
        close(errorEnd)
    }

    /// What it has printed so far.
    var captured: Captured {
        read()
        return state.withLock { $0 }
    }

    /// Whether it has written to standard output, or closed it.
    var hasPrintedOrEnded: Bool {
        let captured = captured
        return !captured.output.isEmpty || captured.outputEnded
    }

    /// Waits for a line that contains `text` and returns it.
    ///
    /// - Parameter occurrence: Which of the lines that contain it, from 1.
    func line(
        _ text: String, in stream: Stream = .errors, occurrence: Int = 1
    ) throws -> String {
        let deadline = Platform.seconds + Self.patienceSeconds
        while true {
            let captured = captured
            // A line counts when it is complete.
            let complete = captured.text(stream).split(
                separator: "\n", omittingEmptySubsequences: false
            ).dropLast()
            let matches = complete.filter { $0.contains(text) }
            if matches.count >= occurrence { return String(matches[occurrence - 1]) }
            if captured.outputEnded, captured.errorsEnded {
                throw failure("ended without a line \"\(text)\"")
            }
            guard Platform.seconds < deadline else { throw failure("printed no line \"\(text)\"") }
            waitForNews(milliseconds: 1_000)
        }
    }

    /// Waits until it has printed something, has ended, or the time is over.
    func waitForNews(milliseconds: CInt) {
        let captured = state.withLock { $0 }
        let open =
            (captured.outputEnded ? [] : [outputEnd]) + (captured.errorsEnded ? [] : [errorEnd])
        Platform.waitReadable(open, milliseconds: milliseconds)
    }

    /// Waits for its end, and returns how it ended and all that it printed.
    func end() throws -> Captured {
        let deadline = Platform.seconds + Self.patienceSeconds
        while true {
            let captured = captured
            if captured.exit != nil { return captured }
            if captured.outputEnded, captured.errorsEnded {
                reap()
                continue
            }
            guard Platform.seconds < deadline else { throw failure("did not end") }
            waitForNews(milliseconds: 1_000)
        }
    }

    /// Sends a signal, unless it has ended.
    func send(_ signal: CInt) {
        state.withLock { state in
            if state.exit == nil { _ = systemKill(processID, signal) }
        }
    }

    /// Ends it with SIGKILL, if it has not ended, and waits until it is gone.
    func kill() {
        send(SIGKILL)
        reap()
        read()
    }

    private func reap() {
        state.withLock { state in
            guard state.exit == nil else { return }
            state.exit = Platform.reap(processID, isBlocking: true)
            Watchdog.forget(processID)
        }
    }

    private func read() {
        state.withLock { state in
            state.outputEnded = drain(outputEnd, into: &state.output) || state.outputEnded
            state.errorsEnded = drain(errorEnd, into: &state.errors) || state.errorsEnded
        }
    }

    /// Takes what is there, and says whether it was the end.
    private func drain(_ descriptor: CInt, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = systemRead(descriptor, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count == 0 || errno != EINTR {
                return count == 0
            }
        }
    }

    private func failure(_ what: String) -> Failure {
        let captured = captured
        return Failure(
            description: "\(commandLine) \(what). It printed:\n\(captured.outputText)"
                + "and on standard error:\n\(captured.errorText)")
    }
}

private func systemKill(_ pid: pid_t, _ signal: CInt) -> CInt { kill(pid, signal) }

private func systemRead(_ descriptor: CInt, _ buffer: inout [UInt8], _ count: Int) -> Int {
    read(descriptor, &buffer, count)
}
