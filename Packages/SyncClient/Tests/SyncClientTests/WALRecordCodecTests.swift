// SPDX-License-Identifier: MIT

import Foundation
import SyncTestSupport
import Testing

@testable import SyncClient

@Suite struct WALRecordCodecTests {
    /// A vector's value, as its JSON spells it.
    struct Value: Decodable {
        var type: String
        var txid: UInt64?
        var collectionId: UInt32?
        var entityId: String?
        var content: String?
        var sequence: UInt64?
        var logId: String?
        var cursor: UInt64?
        var settlement: UInt64?

        func record() throws -> WALRecord {
            switch type {
            case "begin": return .begin(txid: try #require(txid))
            case "abort": return .abort(txid: try #require(txid))
            case "checkpoint": return .checkpoint(sequence: try #require(sequence))
            case "synced": return .synced(sequence: try #require(sequence))
            case "commit":
                return .commit(txid: try #require(txid), sequence: try #require(sequence))
            case "delete":
                return .delete(
                    txid: try #require(txid), collectionID: try #require(collectionId),
                    entityID: try #require(entityId))
            case "put":
                return .put(
                    txid: try #require(txid), collectionID: try #require(collectionId),
                    entityID: try #require(entityId),
                    content: try Self.bytes(content))
            default:
                #expect(type == "pulled")
                let mark = WALPulledMark(
                    logID: try Self.bytes(logId),
                    cursor: try #require(cursor), settlement: try #require(settlement))
                return .pulled(txid: try #require(txid), mark)
            }
        }

        private static func bytes(_ hex: String?) throws -> [UInt8] {
            let hex = try #require(hex)
            return try #require(TestVector.bytes(hex: hex))
        }
    }

    static let vectors = Result { try TestVectors.load("wal") }

    @Test func keepsTheVectors() throws {
        for vector in try Self.vectors.get() {
            let decoded = WALRecordCodec.decode(vector.bytes)
            switch decoded {
            case .record(let record, let byteCount):
                let json = try #require(vector.valueJSON, "\(vector)")
                let expected = try JSONDecoder().decode(Value.self, from: Data(json.utf8)).record()
                #expect(record == expected, "\(vector)")
                #expect(byteCount == vector.bytes.count, "\(vector)")
                if vector.kind == .exact {
                    #expect(WALRecordCodec.encode(expected) == vector.bytes, "\(vector)")
                } else {
                    #expect(vector.kind == .accept, "\(vector)")
                }
            case .incomplete:
                #expect(vector.error == "incomplete", "\(vector)")
            case .invalid(let fault, _):
                #expect(vector.error == fault.rawValue, "\(vector)")
            }
        }
    }

    /// The bytes that the real engine wrote for one put.
    @Test func writesWhatEntiDBWrites() throws {
        let records = ForeignDatabase.put(
            1, sequence: 1, id: 1, content: [0xA1, 0x65] + Array("title".utf8) + [0x61, 0x41])
        let vectors = try Self.vectors.get().filter { ["begin", "put", "commit"].contains($0.id) }

        let bytes = records.flatMap { WALRecordCodec.encode($0) }

        #expect(bytes == vectors.flatMap(\.bytes))
        #expect(bytes.count == 111)
    }

    @Test func takesEveryPrefixForIncomplete() throws {
        for vector in try Self.vectors.get() where vector.kind != .reject {
            for count in 0..<vector.bytes.count {
                guard
                    case .incomplete(let needed) = WALRecordCodec.decode(
                        Array(vector.bytes.prefix(count)))
                else {
                    Issue.record("\(vector), \(count) bytes")
                    continue
                }
                #expect(needed > count && needed <= vector.bytes.count)
            }
        }
    }

    @Test func takesNoRecordWithAFlippedBit() throws {
        for vector in try Self.vectors.get() where vector.kind != .reject {
            for bit in 0..<vector.bytes.count * 8 {
                var bytes = vector.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                if case .record = WALRecordCodec.decode(bytes) {
                    Issue.record("\(vector), bit \(bit)")
                }
            }
        }
    }

    @Test func findsALengthThatContradictsItsFieldsBeforeWaitingForBytes() throws {
        for vector in try Self.vectors.get() where vector.kind != .reject {
            for bit in 0..<32 {
                var bytes = vector.bytes
                bytes[7 + bit / 8] ^= 1 << UInt8(bit % 8)
                if case .incomplete = WALRecordCodec.decode(bytes) {
                    Issue.record("\(vector), length bit \(bit)")
                }
            }
        }
    }

    @Test(arguments: [
        ("0123abcd-4567-89ab-cdef-0123456789ab", true),
        ("0123ABCD-4567-89ab-cdef-0123456789ab", false),
        ("0123abcd45-67-89ab-cdef-0123456789ab", false),
        ("0123abcd-4567-89ab-cdef-0123456789a", false),
        ("g123abcd-4567-89ab-cdef-0123456789ab", false),
    ])
    func takesOnlyLowerCaseHyphenatedUUIDsForEntiDBIDs(text: String, isUUID: Bool) {
        let bytes = UUIDText.bytes(of: text)

        #expect((bytes != nil) == isUUID)
        if let bytes { #expect(UUIDText.text(of: bytes) == text) }
    }
}
