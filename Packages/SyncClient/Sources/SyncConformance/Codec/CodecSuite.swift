// SPDX-License-Identifier: MIT

import CBOR

extension ConformanceSuite where Subject == Adapter {
    /// Every entry of the vectors, as checks named `FILE/ACTION/ID`.
    public static func codec(_ vectors: CodecVectors) -> ConformanceSuite {
        ConformanceSuite(
            name: "codec", entries: vectors.entries.flatMap(CodecRules.checks))
    }
}

/// What an entry of the vectors asks of a codec.
enum CodecRules {
    typealias Check = ConformanceSuite<Adapter>.Entry

    static func checks(of vector: CodecVectors.Entry) -> [Check] {
        var checks = [check("decode", of: vector, expectation(of: vector), decode)]
        // Encoding is asked from a value that is JSON; all that CBOR has is not.
        if vector.kind == .exact, vector.value != nil, vector.form != "cbor-deterministic" {
            checks.append(
                check("encode", of: vector, "Encoding the value gives these bytes.", encode))
        }
        if !vector.cases.isEmpty {
            checks.append(
                check("apply", of: vector, "Applying gives these results and errors.", apply))
        }
        if vector.kind == .exact, vector.form == "operation" {
            let expectation =
                vector.rejection.map { "A server rejects it alone, as \($0)." }
                ?? "No rule about values is broken."
            checks.append(check("judge", of: vector, expectation, judge))
        }
        return checks
    }

    private static func check(
        _ action: String, of vector: CodecVectors.Entry, _ expectation: String,
        _ body: @escaping @Sendable (CodecVectors.Entry, Adapter) throws -> Void
    ) -> Check {
        Check(
            "\(vector.file)/\(action)/\(vector.id)", "TestVectors/\(vector.file).json",
            "\(vector.summary) \(expectation)"
        ) { adapter in
            try body(vector, adapter)
        }
    }

    private static func expectation(of vector: CodecVectors.Entry) -> String {
        switch vector.kind {
        case .exact: "It is decoded, and encoded again gives the same bytes."
        case .accept: "It is decoded, and encoded again gives the deterministic bytes."
        case .reject:
            "It is refused: \(vector.error ?? "") at byte \(vector.offset ?? 0)"
                + (vector.path.isEmpty ? "." : ", path \(vector.path).")
        }
    }

    private static func request(
        _ action: String, _ vector: CodecVectors.Entry, _ more: [(String, String)]
    ) -> [(name: String, value: String)] {
        [
            ("do", JSONText.quoted(action)), ("id", JSONText.quoted("\(vector.file)/\(vector.id)")),
            ("as", JSONText.quoted(vector.form)),
        ] + more
    }

    private static func decode(_ vector: CodecVectors.Entry, _ adapter: Adapter) throws {
        let hex = ("hex", JSONText.quoted(vector.hex))
        let answer = try adapter.ask(request("decode", vector, [hex]))
        guard vector.kind != .reject else {
            try expectRefusal(answer, vector, hex: vector.hex)
            return
        }
        guard answer.bool("ok") == true else {
            throw answer.failure("It is refused.").adding("hex", shown(vector.hex))
        }
        try expectBytes(answer, vector.encoding ?? "", of: vector)
        // A value that is not said is not compared: not every language has every number in JSON.
        if let wanted = vector.value, let value = answer["value"], value != wanted {
            throw answer.failure("What is read from it is something else.")
                .adding("wanted", JSONText.text(of: wanted))
                .adding("value", JSONText.text(of: value)).adding("hex", shown(vector.hex))
        }
    }

    private static func encode(_ vector: CodecVectors.Entry, _ adapter: Adapter) throws {
        guard let value = vector.value else { return }
        let text = JSONText.text(of: value)
        let answer = try adapter.ask(request("encode", vector, [("value", text)]))
        guard answer.bool("ok") == true else {
            throw answer.failure("The value is not encoded.").adding("value", text)
        }
        try expectBytes(answer, vector.hex, of: vector)
    }

    private static func judge(_ vector: CodecVectors.Entry, _ adapter: Adapter) throws {
        let hex = ("hex", JSONText.quoted(vector.hex))
        let answer = try adapter.ask(request("judge", vector, [hex]))
        guard answer.bool("ok") == (vector.rejection == nil) else {
            throw answer.failure("It is judged otherwise.").adding("hex", shown(vector.hex))
        }
        if let code = answer["error"], let wanted = vector.rejection, code != .text(wanted) {
            throw answer.failure("It is rejected with another code than \(wanted).")
        }
    }

    private static func apply(_ vector: CodecVectors.Entry, _ adapter: Adapter) throws {
        for wanted in vector.cases {
            let more = ["entity", "version"].compactMap { name in
                wanted[key: .text(name)].map { (name, JSONText.text(of: $0)) }
            }
            let hex = ("hex", JSONText.quoted(vector.hex))
            let answer = try adapter.ask(request("apply", vector, [hex] + more))
            let facts = { (failure: ConformanceFailure) in
                failure.adding("case", shown(JSONText.text(of: .map(wanted))))
            }
            let isResult = wanted[key: "result"] != nil
            guard answer.bool("ok") == isResult else {
                throw facts(answer.failure(isResult ? "It does not apply." : "It applies."))
            }
            if isResult {
                guard answer["hex"] == wanted[key: "result"] else {
                    throw facts(answer.failure("The result is another one."))
                }
            } else {
                for name in ["error", "op", "path"] {
                    guard let said = answer[name] else { continue }
                    guard said == wanted[key: .text(name)] else {
                        throw facts(answer.failure("The error's \(name) is another one."))
                    }
                }
            }
        }
    }

    private static func expectBytes(
        _ answer: AdapterAnswer, _ hex: String, of vector: CodecVectors.Entry
    ) throws {
        guard let encoded = answer.text("hex") else {
            throw answer.failure("The answer has no hex.")
        }
        guard encoded.lowercased() == hex else {
            throw answer.failure("The bytes are others.")
                .adding("wanted", shown(hex)).adding("hex", shown(encoded))
        }
    }

    /// What the adapter says about the fault has to be right; it need not say anything.
    private static func expectRefusal(
        _ answer: AdapterAnswer, _ vector: CodecVectors.Entry, hex: String
    ) throws {
        guard answer.bool("ok") == false else {
            throw answer.failure("It is taken.").adding("hex", shown(hex))
        }
        var wanted: [(String, CBORValue)] = [
            ("error", .text(vector.error ?? "")), ("offset", .unsigned(vector.offset ?? 0)),
        ]
        // The files about CBOR alone name no paths.
        if !vector.isPlainCBOR { wanted.append(("path", .text(vector.path))) }
        for (name, value) in wanted {
            if let said = answer[name], said != value {
                throw answer.failure(
                    "It is refused, but the \(name) is \(JSONText.text(of: said)) and not "
                        + "\(JSONText.text(of: value)).")
            }
        }
    }

    private static func shown(_ text: String) -> String {
        text.count > 400 ? "\(text.prefix(400))…" : text
    }
}
