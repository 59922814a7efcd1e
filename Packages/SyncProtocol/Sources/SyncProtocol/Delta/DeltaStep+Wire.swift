// SPDX-License-Identifier: MIT

public import CBOR

extension DeltaStep: WireValue {
    public func encode(to writer: inout CBORWriter) {
        let value = action.value
        writer.writeMapHeader(count: value == nil ? 2 : 3)
        writer.field("op", action.wireName)
        writer.field("path", list: path)
        if let value {
            writer.key("value")
            value.encode(to: &writer)
        }
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        var fields = Fields()
        let start = reader.offset
        try reader.readMap { reader, key throws(CBORError) in
            try fields.read(key, from: &reader)
        }
        self = try fields.step(at: start)
    }

    /// The keys read so far of a step, and where their values stand.
    private struct Fields {
        var name: String?
        var path: [DeltaKey]?
        var value: CBORValue?
        var offsets = (name: 0, path: 0, value: 0)

        mutating func read(_ key: CBORKey, from reader: inout CBORReader) throws(CBORError) {
            let start = reader.offset
            switch key {
            case "op":
                name = try reader.readText()
                offsets.name = start
            case "path":
                path = try readPath(from: &reader)
                offsets.path = start
            case "value":
                value = try CBORValue(from: &reader)
                offsets.value = start
            default: try reader.skip()
            }
        }

        private func readPath(from reader: inout CBORReader) throws(CBORError) -> [DeltaKey] {
            var path: [DeltaKey] = []
            try reader.readArray { reader, index throws(CBORError) in
                guard index < pathCountMax else {
                    throw reader.error(
                        .limitExceeded, "A path has at most \(pathCountMax) keys.")
                }
                path.append(try DeltaKey(from: &reader))
            }
            return path
        }

        func step(at start: Int) throws(CBORError) -> DeltaStep {
            let spelling = try require(name, "op", at: start)
            guard let name = Action.Name(spelling: spelling) else {
                throw CBORError(
                    .invalidValue, at: offsets.name, path: ["op"],
                    message: "The op \"\(spelling.prefix(32))\" is none of this version.")
            }
            let path = try require(path, "path", at: start)
            let step = DeltaStep(try action(name, at: start), at: path)
            guard let fault = step.fault else { return step }
            throw CBORError(
                fault.code, at: fault.part == .path ? offsets.path : offsets.value,
                path: [fault.part.rawValue], message: fault.message)
        }

        private func action(
            _ name: Action.Name, at start: Int
        ) throws(CBORError) -> Action {
            if name == .remove {
                guard value == nil else {
                    throw CBORError(
                        .invalidValue, at: offsets.value, path: ["value"],
                        message: "The op remove takes no value.")
                }
                return .remove
            }
            let value = try require(value, "value", at: start)
            return switch name {
            case .set: .set(value)
            case .remove: .remove
            case .increment: .increment(try summand(value))
            case .arrayAppend: .arrayAppend(value)
            case .arrayRemove: .arrayRemove(value)
            case .replace: .replace(value)
            }
        }

        private func summand(_ value: CBORValue) throws(CBORError) -> Int64 {
            if let number = value.signedInteger { return number }
            switch value {
            case .unsigned, .negative:
                throw CBORError(
                    .outOfRange, at: offsets.value, path: ["value"],
                    message: "The integer does not fit into 64 signed bits.")
            default:
                throw CBORError(
                    .wrongType, at: offsets.value, path: ["value"],
                    message: "The op increment takes an integer.")
            }
        }
    }
}
