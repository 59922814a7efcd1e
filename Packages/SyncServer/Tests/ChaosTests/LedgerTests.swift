// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import entitysync_chaos

@Suite struct LedgerTests {
    private let edits = [LedgerEdit(key: "sheets/one", token: "a-1.0")]

    private func withPath(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "entitysync-ledger-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func saysAgainWhatItWasToldAndGoesOnCounting() throws {
        try withPath { path in
            var ledger = try Ledger(path: path)
            try ledger.intend(edits)
            try ledger.settle(.committed)
            try ledger.intend([])
            try ledger.settle(.refused)
            ledger = try Ledger(path: path)
            try ledger.intend([])

            let transactions = try Ledger.read(path)
            #expect(
                transactions == [
                    LedgerTransaction(number: 1, outcome: .committed, edits: edits),
                    LedgerTransaction(number: 2, outcome: .refused, edits: []),
                    LedgerTransaction(number: 3, outcome: .intended, edits: []),
                ])
        }
    }

    @Test func aLineThatAKillHasCutCountsAsNotWritten() throws {
        try withPath { path in
            let ledger = try Ledger(path: path)
            try ledger.intend(edits)
            try ledger.settle(.committed)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.dropLast(5).write(to: URL(fileURLWithPath: path))

            let next = try Ledger(path: path)
            try next.intend([])

            let transactions = try Ledger.read(path)
            #expect(transactions.map(\.outcome) == [.intended, .intended])
            #expect(transactions.map(\.number) == [1, 2])
        }
    }

    @Test func thereIsNothingInALedgerThatWasNeverMade() throws {
        try withPath { path in
            let transactions = try Ledger.read(path)
            #expect(transactions == [])
        }
    }
}
