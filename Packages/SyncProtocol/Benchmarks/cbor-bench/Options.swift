// SPDX-License-Identifier: MIT

/// What the program is called with.
struct Options {
    /// What is wrong with the arguments.
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// Where the corpora are written for the peers to read.
    private(set) var folder = ""
    private(set) var passes = 5
    private(set) var rounds = 11
    private(set) var isJSON = false
    /// The only one of our rows to measure, for a profiler; `nil` is all, and the peers'.
    private(set) var row: String?
    private(set) var peers: [Peer] = []
    /// The only door whose memory to measure: a process of its own for each.
    private(set) var memoryDoor: String?

    static let usage = """
        usage: cbor-bench --folder FOLDER [--passes N] [--rounds N] [--json]
                          [--peer NAME=COMMAND]... [--row ROW] [--memory DOOR]

        FOLDER is where the corpora go. A peer is a command that is called with a corpus and a
        number of rounds, and prints a line `ROW MILLISECONDS` for each row that it has. With --row
        one row of ours is measured and no peer. With --memory it is the memory that decoding the
        corpus in FOLDER takes by one door; a run without it does that for all of them.
        """

    init(_ arguments: some Sequence<String>) throws {
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
            case "--passes": passes = try Self.number(value, name)
            case "--rounds": rounds = try Self.number(value, name)
            case "--row": row = value
            case "--memory": memoryDoor = value
            case "--peer":
                guard let peer = Peer(value) else {
                    throw Self.fault("\(value) is no NAME=COMMAND.")
                }
                peers.append(peer)
            default: throw Self.fault("There is no option \(name).")
            }
        }
        guard !folder.isEmpty else { throw Self.fault("--folder is needed.") }
    }

    private static func number(_ text: String, _ name: String) throws -> Int {
        guard let number = Int(text), (1...1_000).contains(number) else {
            throw fault("\(name) is a number from 1 to 1000.")
        }
        return number
    }

    private static func fault(_ message: String) -> Fault {
        Fault(description: "\(message)\n\(usage)")
    }
}
