// SPDX-License-Identifier: MIT

import CBOR

extension Command {
    /// `entitysync cbor diag`: bytes to text.
    static let cborDiag: Command = Command(
        name: "cbor diag", operands: ["[FILE]"],
        summary: "Prints CBOR in diagnostic notation (RFC 8949, section 8).",
        discussion: """
            \(CBORInput.discussion)
            A CBOR sequence is printed with one item to a line and a comma between items.
            Everything that is well-formed has a text, and `entitysync cbor encode` makes the
            same bytes of it. An encoding that is not the preferred one is shown by an indicator:

              $ entitysync cbor diag --hex 821801fa3fc00000
              [1_0, 1.5_2]
              $ entitysync cbor diag --hex 9f5f4101ff61ffff
              [_ (_ h'01'), "" h'ff']

            With --json each item is a line with a JSON object, as with --lines.

            \(linesDiscussion)
            Here, ok means well-formed.
            """,
        flags: CBORInput.flags + [
            Flag(name: "--pretty", summary: "Put the content of arrays and maps on lines."),
            Flag(name: "--no-indicators", summary: "Show values only, not how they are encoded."),
            Flag(
                name: "--bytes", value: "STYLE",
                summary: "Show byte strings as hex (the default), base64 or text."),
            Flag(name: "--embedded", summary: "Show the CBOR in tag 24 as <<…>>."),
            Flag(name: "--ascii", summary: "Escape all that is not ASCII."),
            Flag(name: "--json", summary: "Print JSON objects, one to a line."),
            Flag(name: "--lines", summary: "Take an item on each line, in hex."),
        ],
        run: { arguments in
            let options = try notationOptions(arguments, .cborDiag)
            let isByLine = arguments.has("--lines")
            let input = try CBORInput(arguments, isByLine: isByLine, .cborDiag)
            if isByLine {
                var lines = CBORLines(
                    input, .wellFormed, isDeterministic: false, options: options)
                return try lines.run()
            }
            let bytes = try input.bytes()
            var output = StandardOutput()
            defer { output.flush() }
            guard arguments.has("--json") else {
                let text = try CBORDiagnostic.text(
                    ofSequence: bytes, options: options, limits: input.limits)
                if !text.isEmpty { output.write(text + "\n") }
                return 0
            }
            return judgeSequence(
                bytes, input, .wellFormed, isDeterministic: false, options, &output)
        })

    /// What `--lines` writes.
    static let linesDiscussion = """
        With --lines each line of the input, hex unless --from says base64, gives one line with
        a JSON object; a bad line does not stop the others. It is one of
          {"ok":true,"deterministic":true,"rule":null,"offset":null,"diagnostic":"[1]"}
          {"ok":true,"deterministic":false,"rule":"nonShortest","offset":0,"diagnostic":"1_0"}
          {"ok":false,"error":"truncated","offset":1,"message":"The input ends inside an item."}
        rule is the first rule of deterministic encoding (RFC 8949, section 4.2.1) that the item
        breaks, and offset says at which byte. For the errors invalidHex and invalidBase64 the
        offset is that of a character of the line. The exit code is 1 if any line is bad.
        """

    private static func notationOptions(
        _ arguments: Arguments, _ command: Command
    ) throws(UsageError) -> CBORDiagnosticOptions {
        var options = CBORDiagnosticOptions()
        options.showsEncoding = !arguments.has("--no-indicators")
        options.showsEmbedded = arguments.has("--embedded")
        options.isASCII = arguments.has("--ascii")
        if arguments.has("--pretty") {
            if arguments.has("--lines") {
                throw UsageError("--lines prints each item on a line, not --pretty", command)
            }
            options.indent = 2
        }
        switch arguments.value("--bytes") {
        case nil, "hex": options.byteStrings = .hex
        case "base64": options.byteStrings = .base64
        case "text": options.byteStrings = .text
        case let style?:
            throw UsageError("--bytes takes hex, base64 or text, not \(style)", command)
        }
        return options
    }

    /// Writes a line with a JSON object for each item of a sequence, up to the first that is not
    /// well-formed, and returns the exit code.
    static func judgeSequence(
        _ bytes: [UInt8], _ input: CBORInput, _ demand: CBORVerdict.Demand, isDeterministic: Bool,
        _ options: CBORDiagnosticOptions, _ output: inout StandardOutput
    ) -> Int32 {
        var writer = CBORVerdictWriter(options: options, limits: input.limits)
        var areAllGood = true
        do throws(CBORError) {
            try input.forEachItem(of: bytes) { item throws(CBORError) in
                item.withUnsafeBytes { bytes in
                    let verdict = CBORVerdict(of: bytes, demand, limits: input.limits)
                    if !verdict.isGood(deterministic: isDeterministic) { areAllGood = false }
                    writer.write(
                        verdict, on: bytes, startingAt: item.startIndex, to: &output)
                }
            }
        } catch {
            CBORVerdictWriter.write(
                error: error.code.rawValue, offset: error.offset, message: error.message,
                to: &output)
            return 1
        }
        return areAllGood ? 0 : 1
    }
}
