// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What must hold of deltas. The input is a patch and two entities, one behind the other; any of
/// them may be no good.
enum DeltaRules {
    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        let parts = split(bytes)
        if parts.count >= 2, let patch = try? DeltaPatch(decoding: parts[0]) {
            try checkApply(patch, parts[1])
        }
        for (old, new) in zip(parts, parts.dropFirst()) {
            try checkDifference(old, new)
            try checkDifference(new, old)
        }
    }

    /// The items of a sequence, and what is left behind them.
    private static func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty, parts.count < 4 {
            let length = rest.withUnsafeBytes { buffer in
                try? CBORWellFormedness.firstItemLength(
                    in: buffer, maxDepth: DeltaPatch.maxDepth)
            }
            guard let length, length > 0 else { break }
            parts.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return rest.isEmpty ? parts : parts + [Array(rest)]
    }

    private static func checkApply(
        _ patch: DeltaPatch, _ entity: [UInt8]
    ) throws(FuzzFailure) {
        let result: [UInt8]
        do throws(DeltaError) {
            result = try patch.apply(to: entity, version: patch.baseVersion)
        } catch {
            if let index = error.stepIndex {
                try demand(
                    patch.steps.indices.contains(index), "An error names a step that there is.")
            }
            return
        }
        let fault = ReaderRules.strictFault(result)
        try demand(
            fault == nil, "What comes of a patch is deterministic.", found: "\(fault as Any)")
        guard let tree = try? CBORValue(decoding: entity, limits: .depthOnly(64)) else {
            throw FuzzFailure("What is patched was valid.", found: "\(entity)")
        }
        let again = try? patch.apply(to: tree.encoded(), version: patch.baseVersion)
        try demandSame(again, result, "The encoding of what is patched makes no difference.")
    }

    private static func checkDifference(_ old: [UInt8], _ new: [UInt8]) throws(FuzzFailure) {
        guard let patch = try? DeltaPatch.diff(from: old, to: new, baseVersion: 3) else { return }
        guard let expected = try? CBORValue(decoding: new, limits: .depthOnly(64)).encoded() else {
            throw FuzzFailure("What is compared is valid.", found: "\(new)")
        }
        let result = try? patch.apply(to: old, version: 3)
        try demandSame(result, expected, "A difference that is applied makes the new entity.")
        try demandSame(
            try? DeltaPatch(decoding: patch.encoded()), patch,
            "A difference is the same after encoding and decoding.")
    }
}
