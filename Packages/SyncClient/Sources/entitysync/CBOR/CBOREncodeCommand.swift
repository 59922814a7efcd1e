// SPDX-License-Identifier: MIT

import CBOR

extension Command {
    /// `entitysync cbor encode`: text to bytes.
    static let cborEncode: Command = Command(
        name: "cbor encode", operands: ["[FILE]"],
        summary: "Turns diagnostic notation or JSON into CBOR.",
        discussion: """
            FILE holds the text; without it, or with -, it comes from standard input.

              $ entitysync cbor encode --text "{1: [_ h'00ff', 'text'], 2: 1.5_3}"
              a2019f4200ff4474657874ff02fb3ff8000000000000
              $ echo '{"id": 42}' | entitysync cbor encode --json-input
              a1626964182a

            The notation is that of RFC 8949, section 8 and RFC 8610, appendix G:
              1 -1 0x1f 0o17 0b11        integers; beyond 64 bits they become tags 2 and 3
              1.5 1e3 0x1.8p1 NaN        floats, in the smallest size that has their value
              float'7e01'                a float by its bits
              h'00 ff' b64'AP8' b32'…' h32'…' 'text'                 byte strings
              "text" "\\u00fc" "\\u{fc}"   text
              "a" "b"   "a" + 'b'        parts of one string
              <<1, "a">>                 a byte string that holds CBOR
              [1, 2] {1: 2} 0("…")       arrays, maps, tags
              true false null undefined simple(99)
              [_ 1] {_ 1: 2} (_ "a", "b") ''_ ""_                    indefinite lengths
              1_0 1_1 1_2 1_3 1_i        a head of 1, 2, 4, 8 bytes or none besides the first;
                                         also behind strings, tag numbers and [ and {
              / comment /  # to the end of the line
            Commas separate several items, which give a CBOR sequence.

            Keys that are there twice and text that is not UTF-8 (`"" h'ff'`) are encoded as they
            are: `entitysync cbor check` finds them.

            With --json the result is {"ok":true,"hex":"…"} or
            {"ok":false,"error":…,"offset":…,"line":…,"column":…,"message":…}.
            """,
        flags: [
            Flag(name: "--text", value: "NOTATION", summary: "Take this text."),
            Flag(name: "--json-input", summary: "The text is JSON (RFC 8259) and nothing else."),
            Flag(
                name: "--to", value: "FORMAT",
                summary: "What to print: hex (the default), base64 or binary."),
            Flag(
                name: "--max-depth", value: "N",
                summary: "How deep arrays, maps and tags may nest; 64 if not given."),
            Flag(name: "--json", summary: "Print a JSON object."),
        ],
        run: { arguments in
            let format = try CBORFormat(arguments, "--to", default: .hex, .cborEncode)
            let input = try CBORInput(arguments, isByLine: false, .cborEncode)
            let text = try inputText(arguments, input)
            let isJSON = arguments.has("--json")
            var output = StandardOutput()
            defer { output.flush() }
            do throws(CBORDiagnosticError) {
                let bytes =
                    arguments.has("--json-input")
                    ? try CBORDiagnostic.bytes(ofJSON: text, limits: input.limits)
                    : try CBORDiagnostic.bytes(ofSequence: text, limits: input.limits)
                if isJSON {
                    output.write("{\"ok\":true,\"hex\":\"\(bytes.hex)\"}\n")
                } else {
                    output.write(format.encode(bytes))
                }
                return 0
            } catch {
                guard isJSON else { throw CommandError("\(error)") }
                output.write(
                    """
                    {"ok":false,"error":\(error.code.rawValue.jsonString),\
                    "offset":\(error.offset),"line":\(error.line),"column":\(error.column),\
                    "message":\(error.message.jsonString)}

                    """)
                return 1
            }
        })

    private static func inputText(
        _ arguments: Arguments, _ input: CBORInput
    ) throws -> String {
        if let text = arguments.value("--text") {
            guard arguments.operands.isEmpty else {
                throw UsageError("cbor encode takes one input", .cborEncode)
            }
            return text
        }
        guard let text = String(validating: try input.raw(), as: UTF8.self) else {
            throw CommandError("the input is not UTF-8, so it is no text")
        }
        return text
    }
}
