// SPDX-License-Identifier: MIT

import Foundation

/// What the program is called with.
struct Options {
    /// What is wrong with the arguments.
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// Where the servers keep their data: a folder that is removed afterwards.
    private(set) var folder = ""
    /// Our server's program.
    private(set) var server = ""
    /// The directory of PostgreSQL's programs.
    private(set) var postgres: String?
    /// The versions of the peers to measure, by name.
    private(set) var peers: [String: String] = [:]
    /// What the data is on, for the document.
    private(set) var fileSystem = "an unknown file system"
    private(set) var rounds = 3
    private(set) var operations = 1_000_000
    private(set) var milliseconds = 1_000
    private(set) var isJSON = false
    /// Where the document and its charts go.
    private(set) var document: String?
    /// The only row to measure.
    private(set) var row: String?
    /// How many subscribers the row asks for, if it is `fan-out-N`.
    var fanOut: Int? {
        guard let row, row.hasPrefix("fan-out-") else { return nil }
        return Int(row.dropFirst("fan-out-".count))
    }
    /// The load average of the machine when the program began.
    let loadAtStart: Double

    static let usage = """
        usage: server-bench --folder FOLDER --server PROGRAM [--peer NAME=VERSION]...
                            [--postgres DIRECTORY] [--rounds N] [--operations N]
                            [--milliseconds N] [--row ROW] [--json] [--write DIRECTORY]
                            [--file-system NAME]

        FOLDER is where the servers keep their data, on a file system called NAME. Peers are
        Redis, PostgreSQL, whose programs are in a DIRECTORY, and NATS. A push is measured for
        so many milliseconds (1000) in each round; what is pulled and opened has so many
        operations (1000000). With --row that row is measured, and nothing else: push-100-16,
        push-1-64, pull-all and so on; without a --peer, of our server alone. The row fan-out-N
        has one publish and N subscribers be told; it has no part in the document. With --write
        the document and its charts go to DIRECTORY.
        """

    init(_ arguments: some Sequence<String>) throws {
        var load = [0.0]
        loadAtStart = getloadavg(&load, 1) == 1 ? load[0] : 0
        var arguments = Array(arguments)[...]
        while let name = arguments.popFirst() {
            if name == "--json" {
                isJSON = true
                continue
            }
            guard let value = arguments.popFirst() else {
                throw Self.fault("\(name) needs a value.")
            }
            switch name {
            case "--folder": folder = value
            case "--server": server = value
            case "--postgres": postgres = value
            case "--file-system": fileSystem = value
            case "--peer":
                let parts = value.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                peers[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
            case "--rounds": rounds = try Self.number(value, name, in: 1...100)
            case "--operations":
                operations = try Self.number(value, name, in: 20_000...100_000_000)
            case "--milliseconds": milliseconds = try Self.number(value, name, in: 10...60_000)
            case "--row": row = value
            case "--write": document = value
            default: throw Self.fault("There is no option \(name).")
            }
        }
        guard !folder.isEmpty, !server.isEmpty else {
            throw Self.fault("--folder and --server are needed.")
        }
    }

    private static func number(
        _ text: String, _ name: String, in range: ClosedRange<Int>
    ) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw fault("\(name) is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    private static func fault(_ message: String) -> Fault {
        Fault(description: "\(message)\n\(usage)")
    }
}
