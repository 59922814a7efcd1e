// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import Testing

/// Faults that bytes cannot bring about, and messages.
@Suite struct DeltaErrorTests {
    private func fault(
        _ steps: [DeltaStep], on entity: CBORValue, version: EntityVersion = 1
    ) -> DeltaError? {
        #expect(throws: DeltaError.self) {
            try DeltaPatch(baseVersion: 1, steps: steps)
                .apply(to: entity.encoded(), version: version)
        }
    }

    private static func nested(_ levels: Int) -> CBORValue {
        (1..<max(levels, 1)).reduce(levels == 0 ? 0 : []) { value, _ in [value] }
    }

    private static let faulty: [DeltaStep] = [
        DeltaStep(.set(1), at: []), DeltaStep(.remove, at: []),
        DeltaStep(.arrayRemove([]), at: []), DeltaStep(.arrayRemove([:]), at: ["a"]),
        DeltaStep(.remove, at: .init(repeating: 0, count: 65)),
        DeltaStep(.set(nested(64)), at: ["a"]), DeltaStep(.replace(nested(65)), at: []),
        DeltaStep(.arrayAppend(nested(64)), at: []),
        DeltaStep(.arrayAppend(1), at: .init(repeating: 0, count: 64)),
    ]

    @Test(arguments: faulty)
    func aStepMadeInCodeKeepsTheRulesOfTheWire(_ step: DeltaStep) {
        let good = DeltaStep(.arrayAppend(1), at: [])

        let error = fault([good, step], on: [])

        #expect(error?.kind == .invalidStep)
        #expect(error?.stepIndex == 1)
        #expect(error?.path == step.path)
        let bytes = DeltaPatch(baseVersion: 1, steps: [step]).encoded()
        #expect(decodingError(bytes, as: DeltaPatch.self) != nil)
    }

    @Test func theVersionIsCheckedBeforeTheEntityAndItBeforeTheSteps() throws {
        let patch = DeltaPatch(baseVersion: 1, steps: [DeltaStep(.remove, at: ["a"])])

        let first = #expect(throws: DeltaError.self) { try patch.apply(to: [], version: 2) }
        let second = #expect(throws: DeltaError.self) { try patch.apply(to: [], version: 1) }

        #expect(first?.kind == .wrongBaseVersion)
        #expect(second?.kind == .invalidEntity)
        #expect(first?.stepIndex == nil && second?.stepIndex == nil)
    }

    @Test func messagesSayThePlaceAndNoValue() throws {
        let error = try #require(
            fault([DeltaStep(.increment(1), at: ["a", 0])], on: ["a": ["secret"]]))

        #expect(error.description.hasPrefix("wrongType, step 0 at [\"a\", 0]: "))
        #expect(!error.description.contains("secret"))
    }

    @Test func keysAreEqualByTheirBytes() {
        #expect(DeltaKey.text("\u{E9}") != .text("e\u{301}"))
        #expect(DeltaKey.text("1") != .integer(1))
        #expect(Set<DeltaKey>(["\u{E9}", "e\u{301}", 1, "1", 1]).count == 4)
    }
}
