// SPDX-License-Identifier: MIT

import Foundation

/// Another codec: a command that measures itself.
struct Peer {
    let name: String
    private let command: [String]

    /// A peer from `NAME=COMMAND`; the command's words stand between spaces.
    init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        name = String(parts[0])
        command = parts[1].split(separator: " ").map(String.init)
        guard !command.isEmpty else { return nil }
    }

    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// Runs the peer on both corpora: rows of the second one have `-long` behind their names.
    func measure(_ corpora: Corpora, rounds: Int) throws -> [(row: String, milliseconds: Double)] {
        try rows(corpora.shortPath, rounds: rounds, suffix: "")
            + rows(corpora.longPath, rounds: rounds, suffix: "-long")
    }

    private func rows(
        _ path: String, rounds: Int, suffix: String
    ) throws -> [(row: String, milliseconds: Double)] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = command.dropFirst() + [path, "\(rounds)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault(description: "\(name) ended with \(process.terminationStatus).")
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let milliseconds = Double(words[1]) else { return nil }
            return (words[0] + suffix, milliseconds)
        }
    }
}
