// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncProtocol

/// What is measured of the codec itself, and of Foundation's JSON on the same structs.
struct OwnRows {
    private let corpora: Corpora
    private let page: CodablePage<[UInt8]>
    private let pageBytes: [UInt8]
    private let jsonPage: CodablePage<Data>
    private let json: Data

    init(_ corpora: Corpora) throws {
        self.corpora = corpora
        page = CodablePage(corpora.short) { $0 }
        jsonPage = CodablePage(corpora.short) { Data($0) }
        pageBytes = try CBOREncoder().encode(page)
        json = try JSONEncoder().encode(jsonPage)
    }

    /// The medians of `rounds` rounds, of one row or of all.
    func measure(rounds: Int, only row: String?) throws -> [(row: String, milliseconds: Double)] {
        try rows.filter { row == nil || $0.name == row }.map { name, body in
            (name, try median(rounds, body))
        }
    }

    /// What is measured under each name. A result that is used cannot be optimised away.
    private var rows: [(name: String, body: () throws -> Int)] {
        let short = corpora.short
        let long = corpora.long
        return [
            ("decode-owned", { try PullResponse(decoding: short.bytes).operations.count }),
            ("decode-owned-long", { try PullResponse(decoding: long.bytes).operations.count }),
            ("decode-borrowed", { try Self.borrow(short.bytes) }),
            ("validate", { try Self.validate(short.bytes) }),
            ("encode", { short.page.encoded().count }),
            ("encode-long", { long.page.encoded().count }),
            (
                "codable-decode",
                {
                    try CBORDecoder().decode(CodablePage<[UInt8]>.self, from: pageBytes).ops.count
                }
            ),
            ("codable-encode", { try CBOREncoder().encode(page).count }),
            (
                "json-decode",
                { try JSONDecoder().decode(CodablePage<Data>.self, from: json).ops.count }
            ),
            ("json-encode", { try JSONEncoder().encode(jsonPage).count }),
        ]
    }

    private func median(_ rounds: Int, _ body: () throws -> Int) rethrows -> Double {
        var sink = try body()
        let clock = ContinuousClock()
        let times = try (0..<rounds).map { _ in
            let time = try clock.measure { sink &+= try body() }
            return Double(time.components.attoseconds) / 1e15
                + Double(time.components.seconds) * 1e3
        }
        precondition(sink > 0, "What is measured has a result.")
        return times.sorted()[rounds / 2]
    }

    /// The limits of a message: bounded by its bytes.
    static let limits = CBORLimits(
        maxDepth: messageMaxDepth, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)

    /// Looks at each operation where it lies.
    static func borrow(_ bytes: [UInt8]) throws(CBORError) -> Int {
        var sum = 0
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.readMap { reader, key throws(CBORError) in
                guard key.matches("ops") else { return try reader.skip() }
                try reader.readArray { reader, _ throws(CBORError) in
                    let view = try SyncOperationView(from: &reader)
                    sum &+= Int(truncatingIfNeeded: view.operationID.rawValue)
                }
            }
        }
        return sum
    }

    static func validate(_ bytes: [UInt8]) throws(CBORError) -> Int {
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.skip()
            return reader.offset
        }
    }
}

/// The page for `Codable`; `Content` is what a format writes bytes as.
struct CodablePage<Content: Codable>: Codable {
    struct Operation: Codable {
        var opId: UInt64
        var dbId: String
        var cursor: UInt64
        var opType: String
        var deviceId: String
        var entityId: String
        var collection: String
        var entityCbor: Content
        var timestampMs: UInt64
        var entityVersion: UInt64
    }

    var ops: [Operation]
    var hasMore = false
    var nextCursor: UInt64

    init(_ corpus: Corpus, _ content: ([UInt8]) -> Content) {
        ops = corpus.page.operations.map { operation in
            Operation(
                opId: operation.operationID.rawValue, dbId: operation.databaseID.rawValue,
                cursor: operation.cursor?.rawValue ?? 0, opType: "upsert",
                deviceId: operation.deviceID.rawValue, entityId: operation.entityID.rawValue,
                collection: operation.collection.rawValue,
                entityCbor: content(operation.entityCBOR ?? []),
                timestampMs: operation.timestampMilliseconds,
                entityVersion: operation.entityVersion.rawValue)
        }
        nextCursor = UInt64(ops.count)
    }
}
