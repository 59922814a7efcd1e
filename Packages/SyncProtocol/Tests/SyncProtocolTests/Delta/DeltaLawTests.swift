// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// Laws that hold for any two revisions of an entity.
@Suite struct DeltaLawTests {
    private static let seeds: Range<UInt64> = 0..<20

    @Test(arguments: seeds)
    func applyingTheDifferenceGivesTheOtherRevision(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<150 {
            let old = source.entity()
            let new = source.chance(80) ? source.edited(old) : source.entity()

            let patch = try DeltaPatch.diff(
                from: old.encoded(), to: new.encoded(), baseVersion: 3)

            let result = try patch.apply(to: old.encoded(), version: 3)
            #expect(result == new.encoded(), "\(old) \(new) \(patch)")
            #expect(patch.isEmpty == (old == new))
        }
    }

    @Test(arguments: seeds)
    func nothingDependsOnHowRevisionsAreEncoded(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<60 {
            let old = source.entity()
            let new = source.edited(old)
            let loose = old.looselyEncoded(&source.generator)

            let patch = try DeltaPatch.diff(
                from: loose, to: new.looselyEncoded(&source.generator), baseVersion: 1)

            let strict = try DeltaPatch.diff(
                from: old.encoded(), to: new.encoded(), baseVersion: 1)
            #expect(patch == strict)
            #expect(try patch.apply(to: loose, version: 1) == new.encoded())
            #expect(
                try DeltaPatch.diff(from: old.encoded(), to: loose, baseVersion: 1).isEmpty)
        }
    }

    @Test(arguments: seeds)
    func aDifferenceRoundTripsOnTheWireAndKnowsItsSize(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<60 {
            let old = source.entity()
            let patch = try DeltaPatch.diff(
                from: old.encoded(), to: source.edited(old).encoded(),
                baseVersion: source.number())

            let bytes = patch.encoded()

            #expect(try DeltaPatch(decoding: bytes) == patch)
            #expect(try DeltaPatch(decoding: bytes).encoded() == bytes)
            #expect(patch.estimatedSize == bytes.count)
        }
    }

    /// Any patch fits or does not; if it does not, the entity is as it was.
    @Test(arguments: seeds)
    func applyingAnyStepsNeverTraps(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        var applied = 0
        for _ in 0..<400 {
            let entity = source.entity().encoded()
            var patch = source.deltaPatch()
            patch.baseVersion = 1
            do throws(DeltaError) {
                let result = try patch.apply(to: entity, version: 1)
                let tree = try? CBORValue(
                    decoding: result, limits: CBORLimits(requiresDeterministic: true))
                #expect(tree != nil, "\(patch)")
                applied += patch.isEmpty ? 0 : 1
            } catch {
                let index = try #require(error.stepIndex)
                #expect(patch.steps[index].path.starts(with: error.path))
                patch.steps.removeSubrange(index...)
                #expect(throws: Never.self) { try patch.apply(to: entity, version: 1) }
            }
        }
        #expect(applied > 0)
    }

    /// Applying a patch is applying its steps one after the other.
    @Test(arguments: seeds)
    func stepsApplyInOrder(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<60 {
            let old = source.entity()
            let patch = try DeltaPatch.diff(
                from: old.encoded(), to: source.edited(old).encoded(), baseVersion: 1)

            let oneByOne = try patch.steps.reduce(old.encoded()) { entity, step in
                try DeltaPatch(baseVersion: 1, steps: [step]).apply(to: entity, version: 1)
            }

            #expect(try patch.apply(to: old.encoded(), version: 1) == oneByOne)
        }
    }

    /// An array that is changed step by step agrees with one that is rebuilt for each step.
    @Test(arguments: seeds)
    func manyStepsOnOneArrayAgreeWithAPlainArray(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let start: [CBORValue] = (0..<20).map { _ in
            .unsigned(.random(in: 0...4, using: &generator))
        }
        var model = start
        var steps: [DeltaStep] = []
        for _ in 0..<300 {
            let value = CBORValue.unsigned(.random(in: 0...4, using: &generator))
            let index = Int.random(in: 0...max(model.count - 1, 0), using: &generator)
            switch Int.random(in: 0...9, using: &generator) {
            case 0 where model.contains(value):
                steps.append(DeltaStep(.arrayRemove(value), at: []))
                model.removeAll { $0 == value }
            case 1...2 where !model.isEmpty:
                steps.append(DeltaStep(.remove, at: [.integer(Int64(index))]))
                model.remove(at: index)
            case 3...4 where !model.isEmpty:
                steps.append(DeltaStep(.set(value), at: [.integer(Int64(index))]))
                model[index] = value
            default:
                steps.append(DeltaStep(.arrayAppend(value), at: []))
                model.append(value)
            }
        }

        let result = try DeltaPatch(baseVersion: 1, steps: steps)
            .apply(to: CBORValue.array(start).encoded(), version: 1)

        #expect(result == CBORValue.array(model).encoded())
    }
}
