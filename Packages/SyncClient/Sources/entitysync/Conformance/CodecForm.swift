// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What bytes of a vector are decoded as: CBOR, or one of the messages.
struct CodecForm {
    let name: String

    init(_ name: String) { self.name = name }

    /// The bytes, decoded and encoded again.
    func reencoded(_ bytes: [UInt8]) throws -> [UInt8] {
        switch name {
        case "cbor": try CBORValue(decoding: bytes).encoded()
        case "cbor-deterministic":
            try CBORValue(decoding: bytes, limits: CBORLimits(requiresDeterministic: true))
                .encoded()
        case "handshakeRequest": try HandshakeRequest(decoding: bytes).encoded()
        case "handshakeResponse": try HandshakeResponse(decoding: bytes).encoded()
        case "pullRequest": try PullRequest(decoding: bytes).encoded()
        case "pullResponse": try PullResponse(decoding: bytes).encoded()
        case "operation": try SyncOperation(decoding: bytes).encoded()
        case "pushRequest": try PushRequest(decoding: bytes).encoded()
        case "pushResponse": try PushResponse(decoding: bytes).encoded()
        case "acceptedRun": try AcceptedRun(decoding: bytes).encoded()
        case "rejection": try Rejection(decoding: bytes).encoded()
        case "conflict": try Conflict(decoding: bytes).encoded()
        case "serverState": try ServerState(decoding: bytes).encoded()
        case "error": try ErrorResponse(decoding: bytes).encoded()
        case "cursorReport": try CursorReport(decoding: bytes).encoded()
        case "cursorAnswer": try CursorAnswer(decoding: bytes).encoded()
        case "deltaPatch": try DeltaPatch(decoding: bytes).encoded()
        case "hybridTimestamp": try stamp(bytes)
        default: throw CommandError("it does not know \(name)")
        }
    }

    /// A stamp stands inside of other messages only; here an answer carries it.
    private func stamp(_ bytes: [UInt8]) throws -> [UInt8] {
        let head = [0xA1, 0x66] + Array("cursor".utf8)
        do throws(CBORError) {
            let answer = try CursorAnswer(decoding: head + bytes)
            return Array(answer.encoded().dropFirst(head.count))
        } catch {
            throw CBORError(
                error.code, at: error.offset - head.count, path: Array(error.path.dropFirst()),
                message: error.message)
        }
    }

    // MARK: As the vectors show values

    /// The value that some deterministic bytes are, as JSON; nil if JSON does not have it.
    func json(of bytes: [UInt8]) throws -> String? {
        let limits = CBORLimits(maxDepth: CBORValue.maxDepth)
        let item = try CBORValue(decoding: bytes, limits: limits)
        switch (name, item) {
        case ("hybridTimestamp", .unsigned(let number)):
            return "{\"milliseconds\":\(number >> 16),\"counter\":\(number & 0xFFFF)}"
        case ("deltaPatch", .map(let patch)):
            guard case .array(let steps) = patch[key: "ops"] else { return nil }
            let shown = try steps.map { step in
                guard case .map(let step) = step else { throw CommandError("a step is no map") }
                return try Self.object(step) { key, value in
                    key == "value" ? "{\"cbor\":\"\(value.encoded().hex)\"}" : try Self.json(value)
                }
            }
            let version = try Self.json(patch[key: "baseVersion"] ?? 0)
            return "{\"ops\":[\(shown.joined(separator: ","))],\"baseVersion\":\(version)}"
        default: return try? Self.json(item)
        }
    }

    private static func json(_ item: CBORValue) throws -> String {
        switch item {
        case .unsigned, .negative, .bool, .null: item.diagnosticNotation
        case .text(let text): text.jsonString
        case .bytes(let bytes): "{\"hex\":\"\(bytes.hex)\"}"
        case .array(let elements):
            "[" + (try elements.map(json)).joined(separator: ",") + "]"
        case .map(let map): try object(map) { _, value in try json(value) }
        default: throw CommandError("JSON does not have \(item)")
        }
    }

    private static func object(
        _ map: CBORMap, _ value: (String, CBORValue) throws -> String
    ) throws -> String {
        let members = try map.map { entry in
            guard case .text(let key) = entry.key else { throw CommandError("a key is no text") }
            return "\(key.jsonString):\(try value(key, entry.value))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// The item that a value in JSON stands for.
    func item(of value: CBORValue) throws -> CBORValue {
        switch (name, value) {
        case ("hybridTimestamp", .map(let map)):
            return .unsigned(
                (map.unsigned("milliseconds") ?? 0) << 16 | (map.unsigned("counter") ?? 0))
        case ("deltaPatch", .map(var patch)):
            guard case .array(let steps) = patch[key: "ops"] else { return value }
            patch[key: "ops"] = .array(try steps.map(Self.step))
            return .map(patch)
        case ("cbor", _): return value
        default: return Self.item(value)
        }
    }

    private static func step(_ step: CBORValue) throws -> CBORValue {
        guard case .map(var members) = step, case .map(let value) = members[key: "value"],
            let bytes = value.bytes("cbor")
        else { return step }
        members[key: "value"] = try CBORValue(decoding: bytes)
        return .map(members)
    }

    private static func item(_ value: CBORValue) -> CBORValue {
        switch value {
        case .array(let elements): return .array(elements.map(item))
        case .map(let map):
            if map.count == 1, let bytes = map.bytes("hex") { return .bytes(bytes) }
            var result = CBORMap()
            for entry in map { result[key: entry.key] = item(entry.value) }
            return .map(result)
        default: return value
        }
    }
}
