// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import Testing

/// The programs that run now, so that a failing test can show what they said.
enum ProgramRegistry {
    private struct Entry {
        weak var program: Program?
    }

    private static let entries = Mutex<[Entry]>([])

    static func add(_ program: Program) {
        entries.withLock { entries in
            entries.removeAll { $0.program == nil }
            entries.append(Entry(program: program))
        }
    }

    static let title = "The programs that run now:\n"

    /// What each running program has written to standard error.
    static var report: String {
        let programs = entries.withLock { $0.compactMap(\.program) }
        return title
            + programs.map { program in
                "\(program.commandLine) (process \(program.processID)) said:\n"
                    + program.captured.errorText
            }.joined(separator: "\n")
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Adds to every issue what the running programs have written to standard error.
    static var showsPrograms: Self {
        .compactMapIssues { issue in
            let report = Comment(rawValue: ProgramRegistry.report)
            var issue = issue
            // A suite and its tests each have the trait.
            if !issue.comments.contains(where: { $0.rawValue.hasPrefix(ProgramRegistry.title) }) {
                issue.comments.append(report)
            }
            return issue
        }
    }
}

extension Program {
    /// Finds a program beside the test bundle, where the build puts both.
    static func path(of name: String) throws -> String {
        if name.hasPrefix("/") { return name }
        let places =
            CommandLine.arguments.filter { $0.contains(".xctest") }
            + Bundle.allBundles.map(\.bundlePath)
            + [ProcessInfo.processInfo.arguments.first ?? "", Bundle.main.executablePath ?? ""]
        for place in places where !place.isEmpty {
            // In a bundle of macOS the executable lies some directories deeper.
            var directory = URL(fileURLWithPath: place).standardizedFileURL
            for _ in 0..<4 {
                directory = directory.deletingLastPathComponent()
                let candidate = directory.appending(path: name).path
                var isDirectory: ObjCBool = false
                let exists = FileManager.default.fileExists(
                    atPath: candidate, isDirectory: &isDirectory)
                if exists, !isDirectory.boolValue { return candidate }
            }
        }
        throw Failure(
            description: "\(name) is not beside the tests; build everything first: swift build")
    }
}
