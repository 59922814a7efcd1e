// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one test works on: a fresh directory, and the programs that it starts.
///
/// `end()` kills what still runs and removes the directory; call it with `defer`.
final class Bench: Sendable {
    let directory: String
    private let programs = Mutex<[Program]>([])

    init() throws {
        directory =
            FileManager.default.temporaryDirectory
            .appending(path: "entitysync-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
    }

    func end() {
        for program in programs.withLock({ $0 }) { program.kill() }
        programs.withLock { $0 = [] }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The path of something in the directory.
    func path(_ name: String) -> String { directory + "/" + name }

    /// Starts a program.
    func start(
        _ name: String, _ words: [String], environment: [String: String] = [:]
    ) throws -> Program {
        let program = try Program(name, words, environment: environment)
        programs.withLock { programs in
            // Those that have ended are not needed, and hold descriptors.
            programs.removeAll { $0.captured.exit != nil }
            programs.append(program)
        }
        return program
    }

    /// Runs a program to its end.
    func run(
        _ name: String, _ words: [String], environment: [String: String] = [:]
    ) throws -> Program.Captured {
        try start(name, words, environment: environment).end()
    }

    /// Starts a server and waits until it listens.
    ///
    /// - Parameters:
    ///   - data: Its data directory, inside this one.
    ///   - flags: Further flags.
    func serve(_ data: String = "server", _ flags: [String] = []) throws -> ServerProcess {
        try ServerProcess(
            try start(
                "entitysync-server", ["serve", "--data", path(data), "--port", "0"] + flags))
    }
}

/// A server that listens.
final class ServerProcess: Sendable {
    let program: Program
    let port: UInt16

    /// Waits until `program` says where it listens.
    init(_ program: Program) throws {
        self.program = program
        let line = try program.line("listening on http://")
        guard let text = line.split(separator: ":").last, let port = UInt16(text) else {
            throw Program.Failure(description: "\"\(line)\" names no port.")
        }
        self.port = port
    }

    var url: URL { URL(string: "http://127.0.0.1:\(port)")! }

    /// What it wrote to standard error.
    var errors: String { program.captured.errorText }

    /// Kills it with SIGKILL. That it had ended by itself before is an issue.
    func kill(sourceLocation: SourceLocation = #_sourceLocation) {
        program.kill()
        #expect(
            program.captured.exit == .signal(SIGKILL), "the server ended by itself: \(errors)",
            sourceLocation: sourceLocation)
    }

    /// Asks it to end, and returns how it did.
    func stop(_ signal: CInt = SIGTERM) throws -> Program.Captured {
        program.send(signal)
        return try program.end()
    }

    /// Resident memory in bytes; `nil` where the system does not tell it in `/proc`.
    var residentBytes: Int? {
        let status = try? String(
            contentsOfFile: "/proc/\(program.processID)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
            .map { $0 * 1_024 }
    }
}
