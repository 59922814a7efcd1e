// SPDX-License-Identifier: MIT

import CBOR

/// What must hold of the reader, whatever the bytes are.
enum ReaderRules {
    /// Limits that inputs of a few bytes reach.
    private static let tight = CBORLimits(
        maxDepth: 4, maxItems: 12, maxStringBytes: 16, maxTotalBytes: 256)

    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        try checkDoors(bytes, .default)
        try checkDoors(bytes, tight)
        try checkDoors(bytes, CBORLimits(validatesTags: true))
        try checkDoors(bytes, CBORLimits(requiresDeterministic: true, keyOrder: .lengthFirst))
        let isWellFormed = fault { () throws(CBORError) in
            try CBORWellFormedness.check(bytes, maxDepth: CBORLimits.default.maxDepth)
        }
        let lenient = Self.skipFault(bytes, .default)
        let strict = strictFault(bytes, maxDepth: CBORLimits.default.maxDepth)
        if isWellFormed != nil {
            try demand(lenient != nil, "What is not well-formed is not read.")
        }
        if lenient != nil { try demand(strict != nil, "What is not read is not deterministic.") }
        if isWellFormed == nil, let lenient {
            try demand(
                lenient.family != .notWellFormed, "What is well-formed is not called otherwise.",
                found: "\(lenient)")
        }
        try checkSequence(bytes)
    }

    /// The items of a sequence lie one behind the other, and each is read by itself, too.
    private static func checkSequence(_ bytes: [UInt8]) throws(FuzzFailure) {
        var sequence = CBORSequenceReader(bytes)
        var end = 0
        do throws(CBORError) {
            while let item = try sequence.nextItem() {
                guard item.startIndex == end, skipFault(Array(item), .default) == nil else {
                    throw CBORError(.invalidValue, at: end, message: "It is no item by itself.")
                }
                end = item.endIndex
            }
        } catch {
            try demand(
                error.code != .invalidValue && (end...bytes.count).contains(error.offset),
                "A sequence is items, up to the first fault.", found: "\(error)")
        }
    }

    /// Skipping an item and reading all of it come to the same.
    private static func checkDoors(
        _ bytes: [UInt8], _ limits: CBORLimits
    ) throws(FuzzFailure) {
        let skipped = skipFault(bytes, limits)
        let walked = fault { () throws(CBORError) in
            try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
                try walk(&reader)
            }
        }
        for fault in [skipped, walked] {
            guard let fault else { continue }
            try demand(
                (0...bytes.count).contains(fault.offset), "An offset lies inside of the input.",
                found: "\(fault)")
        }
        // The one thing that is skipped and not walked over: a key that is no text.
        if walked?.code == .wrongType { return }
        try demandSame(walked?.code, skipped?.code, "Reading fails as skipping does.")
        try demandSame(walked?.offset, skipped?.offset, "Reading fails where skipping does.")
    }

    /// Reads an item through the functions for its type. Recurses as deep as the limits let it.
    private static func walk(_ reader: inout CBORReader) throws(CBORError) {
        switch try reader.peekType() {
        case .unsigned: _ = try reader.readUInt()
        case .negative, .undefined: try reader.skip()
        case .bytes: _ = try reader.readLentBytes().count
        case .text: _ = try reader.readText()
        case .array:
            try reader.readArray { reader, _ throws(CBORError) in try walk(&reader) }
        case .map:
            try reader.readMap { reader, key throws(CBORError) in
                _ = key.text
                try walk(&reader)
            }
        case .tag:
            _ = try reader.readTag()
            try walk(&reader)
        case .bool: _ = try reader.readBool()
        case .null: try reader.readNull()
        case .simple: _ = try reader.readSimple()
        case .float: _ = try reader.readDouble()
        }
    }

    static func skipFault(_ bytes: [UInt8], _ limits: CBORLimits) -> CBORError? {
        fault { () throws(CBORError) in
            try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
                try reader.skip()
            }
        }
    }

    /// Why bytes are not Core Deterministic Encoding of one item.
    static func strictFault(
        _ bytes: [UInt8], maxDepth: Int = CBORValue.maxDepth, keyOrder: CBORKeyOrder = .bytewise
    ) -> CBORError? {
        var limits = CBORLimits.depthOnly(maxDepth)
        limits.requiresDeterministic = true
        limits.keyOrder = keyOrder
        return skipFault(bytes, limits)
    }

    static func fault(_ body: () throws(CBORError) -> Void) -> CBORError? {
        do throws(CBORError) {
            try body()
            return nil
        } catch { return error }
    }
}
