// SPDX-License-Identifier: MIT

/// What a checker found.
struct Finding: Codable, Equatable, Sendable {
    /// The rule that is broken, and the name of its checker.
    enum Rule: String, Codable, Sendable, CaseIterable {
        /// Every device equals every other and the server.
        case equality
        /// Every committed edit is there once, or went where that can be seen.
        case accounting
        /// Nothing is there that nobody wrote, or that a store refused.
        case invention
        /// Transactions are whole.
        case transactions
        /// The server's log has no gap and no operation twice, and what it once showed stays.
        case log
        /// All is quiet within a bounded number of syncs.
        case liveness
        /// No process ends by itself.
        case death
    }

    var rule: Rule
    var message: String
}

/// Everything that is known when all is healed and quiet.
struct Evidence: Codable {
    /// One for each device; the last one is fresh and has pulled everything.
    var devices: [DeviceDump]
    var log: LogDump
    /// The log as it was at the end of the round before.
    var earlierLog = LogDump(operations: [])
    /// By device.
    var ledgers: [String: [LedgerTransaction]]
}

/// Judges evidence. Pure: fed with broken evidence, each check must speak.
enum Checkers {
    static func check(_ evidence: Evidence) -> [Finding] {
        checkEquality(evidence) + checkAccounting(evidence) + checkInvention(evidence)
            + checkTransactions(evidence) + checkLog(evidence)
    }

    static func checkEquality(_ evidence: Evidence) -> [Finding] {
        let expected = evidence.log.entities
        return evidence.devices.flatMap { dump -> [Finding] in
            var findings: [Finding] = []
            let keys = Set(expected.keys).union(dump.entities.keys).sorted()
            for key in keys where expected[key] != dump.entities[key] {
                findings.append(
                    Finding(
                        rule: .equality,
                        message: "\(dump.device) has \(key) as \(text(dump.entities[key])), and "
                            + "the server as \(text(expected[key]))"))
            }
            if dump.pending > 0 {
                findings.append(
                    Finding(
                        rule: .equality,
                        message: "\(dump.device) is quiet with \(dump.pending) operations waiting"))
            }
            return findings
        }
    }

    static func checkAccounting(_ evidence: Evidence) -> [Finding] {
        var findings: [Finding] = []
        var places: [String: [String]] = [:]
        for (key, entity) in evidence.log.entities {
            for token in entity.tokens { places[token, default: []].append(key) }
        }
        for (token, keys) in places.sorted(by: { $0.key < $1.key }) {
            // The two halves of a pair have the same token, each once.
            if Set(keys).count != keys.count || keys.count > (Workload.isPair(keys[0]) ? 2 : 1) {
                findings.append(
                    Finding(
                        rule: .accounting,
                        message: "\(token) is there \(keys.count) times: \(keys.sorted())"))
            }
        }
        let gone = removedTokens(evidence)
        let kept = keptTokens(evidence)
        for (device, transactions) in evidence.ledgers.sorted(by: { $0.key < $1.key }) {
            for transaction in transactions where transaction.outcome == .committed {
                for edit in transaction.edits {
                    guard let token = edit.token else { continue }
                    let place = Place(key: edit.key, token: token)
                    if evidence.log.entities[edit.key]?.tokens.contains(token) == true { continue }
                    if gone.contains(place) || kept.contains(place) { continue }
                    findings.append(
                        Finding(
                            rule: .accounting,
                            message: "\(token) of \(edit.key), committed by \(device), is lost: "
                                + history(of: place, evidence)))
                }
            }
        }
        return findings
    }

    static func checkInvention(_ evidence: Evidence) -> [Finding] {
        var written: Set<Place> = []
        for transaction in evidence.ledgers.values.joined() where transaction.outcome != .refused {
            for edit in transaction.edits {
                if let token = edit.token { written.insert(Place(key: edit.key, token: token)) }
            }
        }
        var seen: [(place: Place, whereSeen: String)] = []
        for dump in evidence.devices {
            for (key, entity) in dump.entities {
                seen += entity.tokens.map { (Place(key: key, token: $0), dump.device) }
            }
            for content in dump.kept {
                seen += content.tokens.map {
                    (Place(key: content.key, token: $0), "\(dump.device), \(content.reason)")
                }
            }
        }
        for operation in evidence.log.operations {
            for token in operation.entity?.tokens ?? [] {
                seen.append((Place(key: operation.key, token: token), "the log"))
            }
        }
        var reported: Set<Place> = []
        return seen.filter { !written.contains($0.place) && reported.insert($0.place).inserted }
            .map {
                Finding(
                    rule: .invention,
                    message: "\($0.place.token) is in \($0.place.key) (\($0.whereSeen)) and nobody "
                        + "wrote it there, or its store refused it")
            }
    }

    // MARK: What is known of tokens

    /// A token in an entity.
    struct Place: Hashable {
        var key: String
        var token: String
    }

    /// What a deleter saw and removed; an intent that was not refused may have happened.
    static func removedTokens(_ evidence: Evidence) -> Set<Place> {
        var gone: Set<Place> = []
        for transaction in evidence.ledgers.values.joined() where transaction.outcome != .refused {
            for edit in transaction.edits {
                for token in edit.removed { gone.insert(Place(key: edit.key, token: token)) }
            }
        }
        return gone
    }

    static func keptTokens(_ evidence: Evidence) -> Set<Place> {
        var kept: Set<Place> = []
        for content in evidence.devices.flatMap(\.kept) {
            for token in content.tokens { kept.insert(Place(key: content.key, token: token)) }
        }
        return kept
    }

    /// Where the log shows a token, for whoever looks for the cause.
    private static func history(of place: Place, _ evidence: Evidence) -> String {
        let cursors = evidence.log.operations.filter {
            $0.key == place.key && $0.entity?.tokens.contains(place.token) == true
        }.map(\.cursor)
        guard let first = cursors.first, let last = cursors.last else { return "never in the log" }
        return "in the log from cursor \(first) to \(last)"
    }

    private static func text(_ entity: DumpedEntity?) -> String {
        entity.map { "\($0.tokens) #\($0.digest)" } ?? "nothing"
    }
}
