// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// What applying the patch of a vector gives: a result, or an error.
struct DeltaCase: Sendable, Decodable {
    var entity: String
    var version: UInt64
    var result: String?
    var error: String?
    /// The step at fault.
    var op: Int?
    /// The keys up to the one at fault.
    var path: [JSON]?
}

extension DeltaPatch: JSONProjecting {
    var json: JSON {
        .object([
            "baseVersion": baseVersion.json,
            "ops": .array(
                steps.map { step in
                    .object([
                        "op": .text(step.action.wireName),
                        "path": .array(step.path.map(\.json)), "value": step.action.json,
                    ])
                }),
        ])
    }
}

extension DeltaKey {
    var json: JSON {
        switch self {
        case .text(let text): .text(text)
        case .integer(let number):
            UInt64(exactly: number).map(JSON.number) ?? .negative(number)
        }
    }
}

extension DeltaStep.Action {
    /// The value as its encoding, for not every item is JSON.
    fileprivate var json: JSON? {
        let item: CBORValue
        switch self {
        case .remove: return nil
        case .increment(let number): item = CBORValue(number)
        case .set(let value), .arrayAppend(let value), .arrayRemove(let value),
            .replace(let value):
            item = value
        }
        return .object(["cbor": .text(hexText(item.encoded()))])
    }
}

/// The cases of `delta.json` in which a patch is applied.
@Suite struct DeltaVectorTests {
    static let vectors = MessageVector.all(.exact).filter { $0.apply != nil }

    @Test(arguments: vectors)
    func applyingGivesTheResultOrTheErrorAtItsPlace(_ vector: MessageVector) throws {
        let patch = try DeltaPatch(decoding: vector.bytes)

        for row in try #require(vector.apply) {
            let entity = try #require(TestVector.bytes(hex: row.entity))
            do throws(DeltaError) {
                let result = try patch.apply(to: entity, version: EntityVersion(row.version))
                #expect(hexText(result) == row.result, "\(row.entity)")
            } catch {
                #expect(error.kind.rawValue == row.error, "\(row.entity)")
                #expect(error.stepIndex == row.op, "\(row.entity)")
                #expect(error.path.map(\.json) == row.path ?? [], "\(row.entity)")
            }
        }
    }

    @Test func coversEveryOpAndEveryErrorThatBytesCanCause() throws {
        let cases = Self.vectors.flatMap { $0.apply ?? [] }
        let patches = try Self.vectors.map { try DeltaPatch(decoding: $0.bytes) }
        let names = Set(patches.flatMap { $0.steps.map(\.action.wireName) })
        let kinds: Set<DeltaError.Kind> = [
            .wrongBaseVersion, .invalidEntity, .missingPath, .indexOutOfRange, .wrongType,
            .missingElement, .overflow,
        ]

        #expect(
            names == ["set", "remove", "increment", "arrayAppend", "arrayRemove", "replace"])
        #expect(Set(cases.compactMap(\.error)) == Set(kinds.map(\.rawValue)))
        #expect(cases.allSatisfy { ($0.result == nil) != ($0.error == nil) })
    }
}
