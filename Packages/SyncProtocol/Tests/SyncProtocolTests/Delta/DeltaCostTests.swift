// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import Testing

/// Patches that are only meant to cost time. The limit is far above what a slow machine needs, and
/// below what looking through all elements for each step takes.
@Suite(.timeLimit(.minutes(10))) struct DeltaCostTests {
    private static let count = 50_000

    private func apply(_ steps: [DeltaStep], to entity: CBORValue) throws -> CBORValue {
        let patch = DeltaPatch(baseVersion: 1, steps: steps)
        return try CBORValue(decoding: try patch.apply(to: entity.encoded(), version: 1))
    }

    private static let numbers = CBORValue.array((0..<UInt64(count)).map(CBORValue.unsigned))

    @Test func removingTheFirstElementAgainAndAgainTakesNoQuadraticTime() throws {
        let steps = [DeltaStep](
            repeating: DeltaStep(.remove, at: [0]), count: Self.count - 1)

        #expect(try apply(steps, to: Self.numbers) == [.unsigned(UInt64(Self.count - 1))])
    }

    @Test func removingByValueAgainAndAgainTakesNoQuadraticTime() throws {
        let steps = (1..<UInt64(Self.count)).reversed().map {
            DeltaStep(.arrayRemove(.unsigned($0)), at: [])
        }

        #expect(try apply(steps, to: Self.numbers) == [0])
    }

    @Test func addingToAMapInReverseOrderTakesNoQuadraticTime() throws {
        let steps = (0..<Int64(Self.count)).reversed().map {
            DeltaStep(.set(CBORValue($0)), at: [.integer($0)])
        }

        let result = try apply(steps, to: [:])

        guard case .map(let map) = result else { Issue.record("No map."); return }
        #expect(map.count == Self.count)
    }

    @Test func deepPathsTakeNoQuadraticTime() throws {
        let path = [DeltaKey](repeating: 0, count: 63)
        let steps = (0..<5_000).flatMap { _ in
            [DeltaStep(.arrayAppend(1), at: path), DeltaStep(.increment(1), at: path + [0])]
        }
        let entity = path.reduce(CBORValue.array([0])) { value, _ in [value] }

        var result = try apply(steps, to: entity)

        for _ in path {
            guard case .array(let elements) = result else { break }
            result = elements[0]
        }
        guard case .array(let elements) = result else { Issue.record("No array."); return }
        #expect(elements.count == 5_001)
        #expect(elements[0] == 5_000)
    }

    @Test func settingAndRemovingByValueInTurnTakesNoQuadraticTime() throws {
        let steps = (0..<UInt64(Self.count / 4)).flatMap { number in
            [
                DeltaStep(.set(.unsigned(number + 1_000_000)), at: [0]),
                DeltaStep(.arrayRemove(.unsigned(number + 1_000_000)), at: []),
            ]
        }

        let result = try apply(steps, to: Self.numbers)

        guard case .array(let elements) = result else { Issue.record("No array."); return }
        #expect(elements.count == Self.count - Self.count / 4)
        #expect(elements[0] == .unsigned(UInt64(Self.count / 4)))
    }

    @Test func aPathOfAMillionKeysIsRefusedAtThe65th() {
        let path: [UInt8] = [0x9A, 0x00, 0x0F, 0x42, 0x40] + .init(repeating: 0, count: 1_000_000)
        let bytes: [UInt8] =
            [0xA2, 0x63] + Array("ops".utf8) + [0x81, 0xA1, 0x64] + Array("path".utf8) + path

        let error = decodingError(bytes, as: DeltaPatch.self)

        #expect(error?.code == .limitExceeded)
        #expect(error?.path == ["ops", "[0]", "path", "[64]"])
    }
}
