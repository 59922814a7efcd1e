// SPDX-License-Identifier: MIT

import CBOR

extension Command {
    /// `entitysync cbor check`: which rule bytes break, and where.
    static let cborCheck: Command = Command(
        name: "cbor check", operands: ["[FILE]"],
        summary: "Says which rule of CBOR the input breaks, and at which byte.",
        discussion: """
            \(CBORInput.discussion)
            The input must be one item, or with --sequence any number of them, well-formed and
            valid: text is UTF-8, and no map has a key twice. With --deterministic it must also
            be in core deterministic encoding (RFC 8949, section 4.2.1), or with --length-first
            have shorter keys first (section 4.2.3). With --tags the contents of tags must be
            what the tags of RFC 8949 are for.

              $ entitysync cbor check --hex a201020103
              bad: duplicateKey at byte 3: The map has had this key before.
              $ entitysync cbor check --hex 1801
              good, but not deterministic: nonShortest at byte 0: The value fits a shorter form, …
              $ entitysync cbor check --deterministic --hex 9fff
              bad: indefiniteLength at byte 0: Deterministic encoding allows definite lengths only.

            Rules:
              not well-formed    truncated trailingBytes reservedInfo unexpectedBreak
                                 invalidChunk invalidSimple
              not valid          invalidUTF8 duplicateKey invalidTag
              not deterministic  nonShortest nonCanonicalNaN indefiniteLength unsortedKeys
              too much           depthExceeded limitExceeded

            The exit code is 0 for what is good, 1 for what is bad. With --json the verdict is a
            JSON object, as with --lines.

            \(linesDiscussion)
            Here, ok means well-formed and valid.
            """,
        flags: CBORInput.flags + [
            Flag(name: "--deterministic", summary: "What is not deterministic is bad."),
            Flag(
                name: "--length-first", summary: "Deterministic encoding has shorter keys first."),
            Flag(name: "--tags", summary: "Look into tags."),
            Flag(name: "--sequence", summary: "Take a CBOR sequence (RFC 8742)."),
            Flag(name: "--json", summary: "Print JSON objects, one to a line."),
            Flag(name: "--lines", summary: "Take an item on each line, in hex."),
        ],
        run: { arguments in
            let isByLine = arguments.has("--lines")
            let isDeterministic = arguments.has("--deterministic")
            var input = try CBORInput(arguments, isByLine: isByLine, .cborCheck)
            input.limits.validatesTags = arguments.has("--tags")
            if arguments.has("--length-first") { input.limits.keyOrder = .lengthFirst }
            if isByLine {
                var lines = CBORLines(
                    input, .valid, isDeterministic: isDeterministic, options: .init())
                return try lines.run()
            }
            let bytes = try input.bytes()
            var output = StandardOutput()
            defer { output.flush() }
            let isSequence = arguments.has("--sequence")
            if arguments.has("--json"), isSequence {
                return judgeSequence(
                    bytes, input, .valid, isDeterministic: isDeterministic, .init(), &output)
            }
            if arguments.has("--json") {
                return bytes.withUnsafeBytes { bytes in
                    let verdict = CBORVerdict(of: bytes, .valid, limits: input.limits)
                    var writer = CBORVerdictWriter(options: .init(), limits: input.limits)
                    writer.write(verdict, on: bytes, to: &output)
                    return verdict.isGood(deterministic: isDeterministic) ? 0 : 1
                }
            }
            let verdict = try firstComplaint(about: bytes, input, isSequence: isSequence)
            if let error = verdict.error {
                output.write("bad: \(error)\n")
            } else if let rule = verdict.rule {
                output.write(
                    "\(isDeterministic ? "bad" : "good, but not deterministic"): \(rule)\n")
            } else {
                output.write("good and deterministic\n")
            }
            return verdict.isGood(deterministic: isDeterministic) ? 0 : 1
        })

    /// The first thing to complain about in the items of the input.
    private static func firstComplaint(
        about bytes: [UInt8], _ input: CBORInput, isSequence: Bool
    ) throws -> CBORVerdict {
        guard isSequence else {
            return bytes.withUnsafeBytes { CBORVerdict(of: $0, .valid, limits: input.limits) }
        }
        var first = CBORVerdict()
        do throws(CBORError) {
            try input.forEachItem(of: bytes) { item throws(CBORError) in
                let verdict = item.withUnsafeBytes {
                    CBORVerdict(of: $0, .valid, limits: input.limits)
                }
                if let error = verdict.error { throw error.moved(by: item.startIndex) }
                if first.rule == nil { first.rule = verdict.rule?.moved(by: item.startIndex) }
            }
        } catch {
            first = CBORVerdict(error: error)
        }
        return first
    }
}
