// SPDX-License-Identifier: MIT

import CBOR

/// A map of an answer, whose keys are asked for by the types that the protocol gives to them. A
/// key that is missing, or has another type, fails the check with its path.
struct Fields {
    let map: CBORMap
    let answer: Answer
    let path: String

    init(_ value: CBORValue, answer: Answer, path: String) throws(ConformanceFailure) {
        guard case .map(let map) = value else {
            throw answer.failure("\(path) is no map.")
        }
        self.map = map
        self.answer = answer
        self.path = path
    }

    /// The value of a key, whatever it is.
    subscript(key: String) -> CBORValue? { map[key: .text(key)] }

    func has(_ key: String) -> Bool { self[key] != nil }

    func uint(_ key: String) throws(ConformanceFailure) -> UInt64 {
        guard case .unsigned(let value) = try value(key), value <= UInt64(Int64.max) else {
            throw wrongType(key, "an unsigned integer of at most 2^63 − 1")
        }
        return value
    }

    func text(_ key: String) throws(ConformanceFailure) -> String {
        guard case .text(let value) = try value(key) else { throw wrongType(key, "text") }
        return value
    }

    func bytes(_ key: String) throws(ConformanceFailure) -> [UInt8] {
        guard case .bytes(let value) = try value(key) else { throw wrongType(key, "bytes") }
        return value
    }

    func bool(_ key: String) throws(ConformanceFailure) -> Bool {
        guard case .bool(let value) = try value(key) else { throw wrongType(key, "a bool") }
        return value
    }

    func array(_ key: String) throws(ConformanceFailure) -> [CBORValue] {
        guard case .array(let value) = try value(key) else { throw wrongType(key, "an array") }
        return value
    }

    func map(_ key: String) throws(ConformanceFailure) -> Fields {
        try Fields(try value(key), answer: answer, path: "\(path).\(key)")
    }

    /// The elements of an array of maps.
    func maps(_ key: String) throws(ConformanceFailure) -> [Fields] {
        var maps: [Fields] = []
        for (index, element) in try array(key).enumerated() {
            maps.append(try Fields(element, answer: answer, path: "\(path).\(key)[\(index)]"))
        }
        return maps
    }

    /// Throws unless a key has exactly this value.
    func expect(_ key: String, _ wanted: CBORValue) throws(ConformanceFailure) {
        let got = try value(key)
        guard got == wanted else {
            throw answer.failure(
                "\(path).\(key) is \(Self.short(got)) instead of \(Self.short(wanted)).")
        }
    }

    /// Throws if a key is there.
    func expectNo(_ key: String) throws(ConformanceFailure) {
        guard let value = self[key] else { return }
        throw answer.failure("\(path).\(key) is \(Self.short(value)) and should be absent.")
    }

    /// A failure about this map.
    func failure(_ message: String) -> ConformanceFailure {
        answer.failure("\(path): \(message)")
    }

    private func value(_ key: String) throws(ConformanceFailure) -> CBORValue {
        guard let value = self[key] else { throw answer.failure("\(path) has no \(key).") }
        return value
    }

    private func wrongType(_ key: String, _ wanted: String) -> ConformanceFailure {
        let value = self[key].map(Self.short) ?? "absent"
        return answer.failure("\(path).\(key) is \(value) and not \(wanted).")
    }

    private static func short(_ value: CBORValue) -> String {
        let text = value.diagnosticNotation
        return text.count > 120 ? "\(text.prefix(120))…" : text
    }
}
