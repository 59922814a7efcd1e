// SPDX-License-Identifier: MIT

import RecordLog
import SyncClient
import SyncConformance

extension Command {
    /// `entitysync wal`: prints what a `WALPoller` hands on.
    static let wal = Command(
        name: "wal", operands: ["DIR"],
        summary: "Prints the committed writes of the database in DIR, as sync would capture them.",
        discussion: """
            DIR is the directory of an EntityStore or of an EntiDB database. It is only read, no
            lock is taken, and its writer may be running.

            Writes of committed transactions are printed in commit order. Internal collections
            and what was pulled from a server are left out. What a checkpoint has removed from
            the log comes from the segments, without what was overwritten before it.

            With --json each write is a line with a JSON object:
              opType         "upsert" or "delete"
              collection     the name of the collection
              entityId       the entity; EntiDB's ids as lower-case hyphenated UUIDs
              entityCbor     the entity in lower-case hex; null for a delete
              transactionId  the transaction in its log; 0 if it came from the segments
              sequence       the commit sequence: go on behind it with --after

            Damage ends the command with exit code 1 and names file and offset.
            """,
        flags: [
            Flag(name: "--json", summary: "Print JSON objects, one to a line."),
            Flag(name: "--follow", summary: "Go on with what is committed from now on."),
            Flag(
                name: "--after", value: "SEQ",
                summary: "Begin behind this commit sequence instead of at the beginning."),
        ],
        run: { arguments in
            var printer = try WALPrinter(arguments)
            return try await printer.run()
        })
}

/// Polls a log and prints what comes.
struct WALPrinter {
    /// How often a follower looks for new commits, and at most how rarely when there are none for
    /// long: unnoticed by people, and little work for the machine.
    private static let pollMilliseconds = 100
    private static let idlePollMilliseconds = 400
    private static let pollsUntilIdle = 100
    /// How many polls the writer has to name a new collection in its manifest.
    private static let unknownCollectionPollsMax = 20

    private var poller: WALPoller<POSIXFileSystem>
    private let isJSON: Bool
    private let isFollowing: Bool
    private var output = StandardOutput()

    init(_ arguments: Arguments) throws {
        var sequence: UInt64 = 0
        if let text = arguments.value("--after") {
            guard let number = UInt64(text) else {
                throw UsageError("--after takes a commit sequence, not \(text)", .wal)
            }
            sequence = number
        }
        let directory = arguments.operands[0]
        let disk = POSIXFileSystem()
        guard try disk.fileExists(at: directory + "/MANIFEST") else {
            throw CommandError("\(directory) has no MANIFEST, so it is no database directory")
        }
        isJSON = arguments.has("--json")
        isFollowing = arguments.has("--follow")
        poller = WALPoller(directory: directory, disk: disk, after: sequence) {
            StandardError.write("entitysync: \($0)")
        }
    }

    /// Prints until there is nothing more, or for ever. Errors come after all that was good.
    mutating func run() async throws -> Int32 {
        defer { output.flush() }
        var idlePolls = 0
        var unknownPolls = 0
        while true {
            do throws(WALError) {
                let poll = try poller.poll()
                for transaction in poll.transactions { print(transaction) }
                output.flush()
                unknownPolls = 0
                idlePolls = poll.transactions.isEmpty ? idlePolls + 1 : 0
                if poll.hasMore { continue }
            } catch {
                unknownPolls += 1
                let mayPass = isFollowing && error.code == .unknownCollection
                guard mayPass, unknownPolls <= Self.unknownCollectionPollsMax else { throw error }
            }
            guard isFollowing else { return 0 }
            let isIdle = idlePolls > Self.pollsUntilIdle
            let pause = isIdle ? Self.idlePollMilliseconds : Self.pollMilliseconds
            try await Task.sleep(for: .milliseconds(pause))
        }
    }

    private mutating func print(_ transaction: WALTransaction) {
        for write in transaction.writes {
            output.write(isJSON ? json(write, transaction) : line(write, transaction))
        }
    }

    private func json(_ write: WALWrite, _ transaction: WALTransaction) -> String {
        let content = write.content.map { "\"\($0.hex)\"" } ?? "null"
        return """
            {"opType":"\(write.content == nil ? "delete" : "upsert")",\
            "collection":\(write.collection.jsonString),\
            "entityId":\(write.entityID.jsonString),"entityCbor":\(content),\
            "transactionId":\(transaction.txid),"sequence":\(transaction.sequence)}

            """
    }

    private func line(_ write: WALWrite, _ transaction: WALTransaction) -> String {
        let content = write.content.map { "upsert \($0.count) bytes \($0.hex)" } ?? "delete"
        return "\(transaction.sequence)  tx \(transaction.txid)  "
            + "\(write.collection.jsonString)/\(write.entityID.jsonString)  \(content)\n"
    }
}

extension [UInt8] {
    /// The bytes in lower-case hex.
    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: count * 2) { buffer in
            for (index, byte) in self.enumerated() {
                buffer[index * 2] = digits[Int(byte >> 4)]
                buffer[index * 2 + 1] = digits[Int(byte & 15)]
            }
            return count * 2
        }
    }
}

extension String {
    /// The text as a JSON string (RFC 8259 §7), with its quotes.
    var jsonString: String { JSONText.quoted(self) }
}
