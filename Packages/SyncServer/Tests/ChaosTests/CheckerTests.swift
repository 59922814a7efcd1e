// SPDX-License-Identifier: MIT

import Testing

@testable import entitysync_chaos

/// A checker that cannot fail proves nothing: each is fed with evidence that is broken in one way.
@Suite struct CheckerTests {
    /// A way to break evidence, and the rule that has to notice.
    struct Damage: Sendable, CustomTestStringConvertible {
        var name: String
        var rule: Finding.Rule
        var apply: @Sendable (inout Evidence) -> Void

        var testDescription: String { name }

        init(
            _ name: String, _ rule: Finding.Rule,
            _ apply: @escaping @Sendable (inout Evidence) -> Void
        ) {
            (self.name, self.rule, self.apply) = (name, rule, apply)
        }
    }

    @Test func soundEvidenceIsFoundSound() {
        #expect(Checkers.check(.sound) == [])
    }

    @Test(arguments: [
        Damage("a device lacks an entity", .equality) {
            $0.devices[1].entities["sheets/one"] = nil
        },
        Damage("a device has other bytes", .equality) {
            $0.devices[2].entities["sheets/one"]?.digest = "other"
        },
        Damage("a device holds what the server deleted", .equality) {
            $0.devices[0].entities["sheets/two"] = .holding(["a-2.1"])
        },
        Damage("operations wait in a quiet device", .equality) { $0.devices[0].pending = 1 },
        Damage("a committed edit was overwritten", .accounting) {
            $0.overwrite("sheets/one", with: ["b-1.0"])
        },
        Damage("a committed edit never came", .accounting) {
            $0.ledgers["a"]?.append(
                LedgerTransaction(
                    number: 9, outcome: .committed,
                    edits: [LedgerEdit(key: "sheets/one", token: "a-9.0")]))
        },
        Damage("an edit is there twice", .accounting) {
            $0.overwrite("sheets/one", with: ["a-1.0", "b-1.0", "a-1.0"])
        },
        Damage("something was invented", .invention) {
            $0.overwrite("sheets/one", with: ["a-1.0", "b-1.0", "c-1.0"])
        },
        Damage("a refused edit is there", .invention) { $0.ledgers["b"]?[0].outcome = .refused },
        Damage("a conflict log holds what nobody wrote", .invention) {
            $0.devices[0].kept.append(
                KeptContent(key: "sheets/one", tokens: ["z-1.0"], reason: "conflict"))
        },
        Damage("the log leaves half a pair", .transactions) {
            $0.log.operations[4].entity = .holding(["a-3", "x"])
        },
        Damage("a device has half a pair", .transactions) {
            $0.devices[1].entities["right/pair0"] = nil
        },
        Damage("a transaction is broken in the log", .transactions) {
            $0.log.operations.swapAt(1, 2)
        },
        Damage("a transaction came in pieces", .transactions) {
            $0.log.operations[1].transaction = 77
        },
        Damage("the log has a gap", .log) { $0.log.operations.remove(at: 2) },
        Damage("an operation is in the log twice", .log) {
            $0.log.operations[3].operation = $0.log.operations[0].operation
            $0.log.operations[3].device = "a"
        },
        Damage("an edit came in under two numbers", .log) {
            var again = $0.log.operations[2]
            (again.cursor, again.operation) = (7, 99)
            $0.log.operations.append(again)
        },
        Damage("what the log showed is gone", .log) {
            $0.earlierLog = $0.log
            $0.log.operations.removeLast()
        },
        Damage("the log shows something else than before", .log) {
            $0.earlierLog = $0.log
            $0.earlierLog.operations[0].entity?.digest = "other"
        },
    ]) func eachBrokenDumpIsNoticed(damage: Damage) {
        var evidence = Evidence.sound
        damage.apply(&evidence)

        #expect(Checkers.check(evidence).contains { $0.rule == damage.rule })
    }

    @Test func whatIsInAConflictLogOrQuarantineIsNotLost() {
        var evidence = Evidence.sound
        evidence.overwrite("sheets/one", with: ["b-1.0"])
        evidence.devices[0].kept = [
            KeptContent(key: "sheets/one", tokens: ["a-1.0"], reason: "conflict")
        ]

        #expect(!Checkers.check(evidence).contains { $0.rule == .accounting })
    }

    @Test func whatADeleterSawIsNotLostAndARefusedDeleteRemovedNothing() {
        var evidence = Evidence.sound
        evidence.ledgers["a"]?[3].outcome = .refused

        #expect(Checkers.check(evidence).map(\.rule) == [.accounting])
    }

    @Test func anEditThatTheStoreNeverAnsweredMayBeThereOrNot() {
        var evidence = Evidence.sound
        evidence.ledgers["a"]?.append(
            LedgerTransaction(
                number: 5, outcome: .intended,
                edits: [LedgerEdit(key: "sheets/one", token: "a-5.0")]))
        #expect(Checkers.check(evidence) == [])
        evidence.overwrite("sheets/one", with: ["a-1.0", "b-1.0", "a-5.0"])
        #expect(Checkers.check(evidence) == [])
    }
}

extension DumpedEntity {
    static func holding(_ tokens: [String]) -> DumpedEntity {
        DumpedEntity(tokens: tokens, digest: tokens.joined(separator: " "))
    }
}

extension Evidence {
    /// Two devices that wrote a few transactions, and a fresh one.
    static var sound: Evidence {
        func logged(
            _ cursor: UInt64, _ device: String, _ transaction: UInt64?, _ key: String,
            _ tokens: [String]?
        ) -> LoggedOperation {
            LoggedOperation(
                cursor: cursor, device: device, operation: cursor, transaction: transaction,
                key: key, entity: tokens.map { .holding($0) })
        }
        let log = LogDump(operations: [
            logged(1, "a", 1, "sheets/one", ["a-1.0"]), logged(2, "a", 1, "sheets/two", ["a-1.1"]),
            logged(3, "b", nil, "sheets/one", ["a-1.0", "b-1.0"]),
            logged(4, "a", 2, "left/pair0", ["a-3"]), logged(5, "a", 2, "right/pair0", ["a-3"]),
            logged(6, "a", nil, "sheets/two", nil),
        ])
        func dump(_ name: String) -> DeviceDump {
            DeviceDump(device: name, entities: log.entities, kept: [], pending: 0)
        }
        func wrote(_ number: Int, _ edits: [LedgerEdit]) -> LedgerTransaction {
            LedgerTransaction(number: number, outcome: .committed, edits: edits)
        }
        return Evidence(
            devices: [dump("a"), dump("b"), dump("fresh")], log: log,
            ledgers: [
                "a": [
                    wrote(
                        1,
                        [
                            LedgerEdit(key: "sheets/one", token: "a-1.0"),
                            LedgerEdit(key: "sheets/two", token: "a-1.1"),
                        ]),
                    LedgerTransaction(
                        number: 2, outcome: .refused,
                        edits: [LedgerEdit(key: "sheets/one", token: "a-2.0")]),
                    wrote(
                        3,
                        [
                            LedgerEdit(key: "left/pair0", token: "a-3"),
                            LedgerEdit(key: "right/pair0", token: "a-3"),
                        ]),
                    wrote(4, [LedgerEdit(key: "sheets/two", token: nil, removed: ["a-1.1"])]),
                ],
                "b": [wrote(1, [LedgerEdit(key: "sheets/one", token: "b-1.0")])],
            ])
    }

    /// Gives an entity another content, on the server and on all devices alike.
    mutating func overwrite(_ key: String, with tokens: [String]) {
        log.operations.append(
            LoggedOperation(
                cursor: UInt64(log.operations.count) + 1, device: "b", operation: 100,
                transaction: nil, key: key, entity: .holding(tokens)))
        for index in devices.indices { devices[index].entities[key] = .holding(tokens) }
    }
}
