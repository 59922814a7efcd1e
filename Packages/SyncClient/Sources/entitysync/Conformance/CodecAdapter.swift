// SPDX-License-Identifier: MIT

import CBOR
import SyncConformance
import SyncProtocol

/// What the requests of `conformance codec` are answered with by this project's own codec.
enum CodecAdapter {
    /// The answer to a request, as JSON on one line.
    static func answer(to request: CBORMap) -> String {
        var members: [(String, String)]
        do {
            members = try answers(to: request)
        } catch let error as CBORError {
            members = refusal(error)
        } catch let error as DeltaError {
            members = refusal(error)
        } catch {
            members = [("skip", "\(error)".jsonString)]
        }
        members.insert(("n", "\(request.unsigned("n") ?? 0)"), at: 0)
        return JSONText.object(members)
    }

    private static func answers(to request: CBORMap) throws -> [(String, String)] {
        let form = request.text("as") ?? ""
        switch request.text("do") {
        case "hello": return [("ok", "true"), ("name", "EntitySync".jsonString)]
        case "decode":
            guard let bytes = request.bytes("hex") else { throw CommandError("there is no hex") }
            return try decoded(bytes, form)
        case "encode":
            guard let value = request[key: "value"] else { throw CommandError("there is no value") }
            return [("ok", "true"), ("hex", try encoding(of: value, form).hex.jsonString)]
        case "apply": return try applied(request)
        case "judge":
            let operation = try SyncOperation(decoding: request.bytes("hex") ?? [])
            guard let violation = operation.violation(maxEntityBytes: 1 << 20) else {
                return [("ok", "true")]
            }
            return [("ok", "false"), ("error", violation.code.rawValue.jsonString)]
        default: throw CommandError("it does not know what to do")
        }
    }

    private static func decoded(_ bytes: [UInt8], _ form: String) throws -> [(String, String)] {
        let encoded = try CodecForm(form).reencoded(bytes)
        var members = [("ok", "true"), ("hex", encoded.hex.jsonString)]
        if let value = try CodecForm(form).json(of: encoded) { members.append(("value", value)) }
        return members
    }

    private static func encoding(of value: CBORValue, _ form: String) throws -> [UInt8] {
        let item = try CodecForm(form).item(of: value)
        return try CodecForm(form).reencoded(item.encoded())
    }

    private static func applied(_ request: CBORMap) throws -> [(String, String)] {
        guard let hex = request.bytes("hex"), let entity = request.bytes("entity"),
            let version = request.unsigned("version")
        else { throw CommandError("it takes hex, entity and version") }
        let result = try DeltaPatch(decoding: hex)
            .apply(to: entity, version: EntityVersion(version))
        return [("ok", "true"), ("hex", result.hex.jsonString)]
    }

    private static func refusal(_ error: CBORError) -> [(String, String)] {
        let path = error.path.reduce("") { text, component in
            text.isEmpty || component.utf8.first == UInt8(ascii: "[")
                ? text + component : text + "." + component
        }
        return [
            ("ok", "false"), ("error", error.code.rawValue.jsonString),
            ("offset", "\(error.offset)"), ("path", path.jsonString),
        ]
    }

    private static func refusal(_ error: DeltaError) -> [(String, String)] {
        var members = [("ok", "false"), ("error", error.kind.rawValue.jsonString)]
        if let index = error.stepIndex {
            let keys = error.path.map { key in
                switch key {
                case .text(let text): text.jsonString
                case .integer(let number): "\(number)"
                }
            }
            members += [("op", "\(index)"), ("path", "[" + keys.joined(separator: ",") + "]")]
        }
        return members
    }
}
