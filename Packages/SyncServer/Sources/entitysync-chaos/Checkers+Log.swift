// SPDX-License-Identifier: MIT

extension Checkers {
    /// Both halves of every pair are alike between any two transactions of the log and on every
    /// device; the operations of one transaction stand together.
    static func checkTransactions(_ evidence: Evidence) -> [Finding] {
        var findings = checkPairs(evidence.log)
        for dump in evidence.devices {
            for key in dump.entities.keys.filter({ Workload.isPair($0) }).sorted()
            where dump.entities[key]?.tokens != dump.entities[otherHalf(of: key)]?.tokens {
                findings.append(
                    Finding(rule: .transactions, message: "\(dump.device) has half of \(key)"))
            }
        }
        let runs = runs(of: evidence.log)
        var seen: Set<RunName> = []
        for run in runs {
            if let name = run.name, !seen.insert(name).inserted {
                findings.append(
                    Finding(rule: .transactions, message: "\(name) is broken in the log"))
            }
        }
        return findings + checkWholeness(evidence, runs)
    }

    /// A transaction of the log: neighbours with one name.
    struct Run {
        /// `nil` for an operation without a transaction.
        var name: RunName?
        var operations: [LoggedOperation]
    }

    struct RunName: Hashable, CustomStringConvertible {
        var device: String
        var transaction: UInt64

        var description: String { "transaction \(transaction) of \(device)" }
    }

    static func runs(of log: LogDump) -> [Run] {
        var runs: [Run] = []
        for operation in log.operations {
            let name = operation.transaction.map {
                RunName(device: operation.device, transaction: $0)
            }
            if let name, runs.last?.name == name {
                runs[runs.count - 1].operations.append(operation)
            } else {
                runs.append(Run(name: name, operations: [operation]))
            }
        }
        return runs
    }

    private static func checkPairs(_ log: LogDump) -> [Finding] {
        var contents: [String: [String]] = [:]
        var findings: [Finding] = []
        for run in runs(of: log) {
            var touched: Set<String> = []
            for operation in run.operations where Workload.isPair(operation.key) {
                contents[operation.key] = operation.entity?.tokens
                touched.insert(operation.key)
            }
            for key in touched.sorted() where contents[key] != contents[otherHalf(of: key)] {
                let cursor = run.operations.last?.cursor ?? 0
                findings.append(
                    Finding(
                        rule: .transactions,
                        message: "the log leaves half of \(key) at cursor \(cursor)"))
            }
        }
        return findings
    }

    /// What one transaction of a device wrote is first seen in one transaction of the log, unless
    /// a conflict or a refusal took it apart.
    private static func checkWholeness(_ evidence: Evidence, _ runs: [Run]) -> [Finding] {
        var firstRun: [Place: UInt64] = [:]
        for run in runs {
            for operation in run.operations {
                for token in operation.entity?.tokens ?? [] {
                    let place = Place(key: operation.key, token: token)
                    if firstRun[place] == nil { firstRun[place] = run.operations[0].cursor }
                }
            }
        }
        let kept = keptTokens(evidence)
        let gone = removedTokens(evidence)
        var findings: [Finding] = []
        for (device, transactions) in evidence.ledgers.sorted(by: { $0.key < $1.key }) {
            for transaction in transactions where transaction.edits.count > 1 {
                let places = transaction.edits.compactMap { edit in
                    edit.token.map { Place(key: edit.key, token: $0) }
                }
                if places.contains(where: kept.contains) { continue }
                // Its author deleted it again before it was sent, and a conflict took both.
                if places.contains(where: { firstRun[$0] == nil && gone.contains($0) }) { continue }
                if Set(places.map { firstRun[$0] }).count > 1 {
                    let pieces = places.map { place in
                        "\(place.token) in \(place.key): "
                            + (firstRun[place].map { "the run at cursor \($0)" }
                                ?? "not in the log")
                    }
                    findings.append(
                        Finding(
                            rule: .transactions,
                            message: "transaction \(transaction.number) of \(device)'s ledger "
                                + "(\(transaction.outcome.rawValue)) came in pieces: \(pieces)"))
                }
            }
        }
        return findings
    }

    private static func otherHalf(of key: String) -> String {
        key.hasPrefix("left/") ? "right/" + key.dropFirst(5) : "left/" + key.dropFirst(6)
    }

    /// Cursors have no gap, each operation is there once, no edit came in under two numbers, and
    /// what was there at the end of the round before still is.
    static func checkLog(_ evidence: Evidence) -> [Finding] {
        var findings: [Finding] = []
        var names: Set<String> = []
        var contents: [String: UInt64] = [:]
        func find(_ message: String) { findings.append(Finding(rule: .log, message: message)) }
        for (index, operation) in evidence.log.operations.enumerated() {
            if operation.cursor != UInt64(index) + 1 {
                find("cursor \(operation.cursor) stands at place \(index + 1) of the log")
            }
            let name = "operation \(operation.operation) of \(operation.device)"
            if !names.insert(name).inserted { find("\(name) is in the log twice") }
            guard let entity = operation.entity else { continue }
            let content = "\(operation.device) \(operation.key) \(entity.digest)"
            if let earlier = contents.updateValue(operation.cursor, forKey: content) {
                find(
                    "\(name) at \(operation.cursor) repeats the edit of \(operation.key) at "
                        + "\(earlier)")
            }
        }
        let kept = evidence.log.operations.prefix(evidence.earlierLog.operations.count)
        if Array(kept) != evidence.earlierLog.operations {
            find("the log no longer shows what it showed at the end of the round before")
        }
        return findings
    }
}
