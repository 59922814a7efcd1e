// SPDX-License-Identifier: MIT

import CBOR

extension Command {
    /// `entitysync cbor decode`: bytes to JSON.
    static let cborDecode: Command = Command(
        name: "cbor decode", operands: ["[FILE]"],
        summary: "Prints CBOR as JSON, as RFC 8949, section 6.1 advises.",
        discussion: """
            \(CBORInput.discussion)
            Each item of a CBOR sequence is a line. The items must be valid.

              $ entitysync cbor decode --hex a2626964182a6464617461420102
              {"id":42,"data":"AQI"}

            JSON cannot say all that CBOR can, and this is lost on the way:
              byte strings   become text: base64url without padding, or what tag 21, 22 or 23
                             asks for (base64url, base64, hex)
              tags           are left out. Big numbers become text: base64url, behind a ~ if
                             they are negative
              keys           become text: numbers, true, arrays and so on their diagnostic
                             notation, byte strings as above. So two keys may become the same,
                             and all of them come in the order of deterministic encoding
              NaN, Infinity  become null, and so do undefined and simple values
              how it was     lengths of heads, sizes of floats, chunks. Integers keep all their
              encoded        digits, which many readers of JSON do not
            Nothing of this is lost by `entitysync cbor diag`.
            """,
        flags: CBORInput.flags + [
            Flag(name: "--pretty", summary: "Put members and elements on lines of their own.")
        ],
        run: { arguments in
            let input = try CBORInput(arguments, isByLine: false, .cborDecode)
            let bytes = try input.bytes()
            var output = StandardOutput()
            defer { output.flush() }
            try input.forEachItem(of: bytes) { item throws(CBORError) in
                let value: CBORValue
                do throws(CBORError) {
                    value = try CBORValue(decoding: Array(item), limits: input.limits)
                } catch {
                    throw error.moved(by: item.startIndex)
                }
                let indent = arguments.has("--pretty") ? 2 : nil
                output.write(JSONOutput(value, indent: indent).text + "\n")
            }
            return 0
        })
}
