// SPDX-License-Identifier: MIT

import CBOR

/// What is to be said about bytes that should be one item.
struct CBORVerdict {
    /// What makes them unreadable.
    var error: CBORError?
    /// The rule of deterministic encoding that they break, if they are readable.
    var rule: CBORError?

    /// How much is asked of bytes.
    enum Demand {
        /// That they are CBOR at all.
        case wellFormed
        /// That text is UTF-8 and no key is there twice, too.
        case valid
    }

    init(error: CBORError? = nil) {
        self.error = error
    }

    init(of bytes: UnsafeRawBufferPointer, _ demand: Demand, limits: CBORLimits) {
        var strict = limits
        strict.requiresDeterministic = true
        guard let rule = Self.error(bytes, strict) else { return }
        switch demand {
        case .valid: error = Self.error(bytes, limits)
        case .wellFormed:
            do throws(CBORError) {
                try CBORWellFormedness.check(bytes, maxDepth: limits.maxDepth)
            } catch {
                self.error = error
            }
        }
        if error == nil { self.rule = rule }
    }

    private static func error(
        _ bytes: UnsafeRawBufferPointer, _ limits: CBORLimits
    ) -> CBORError? {
        do throws(CBORError) {
            try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
                try reader.skip()
            }
            return nil
        } catch {
            return error
        }
    }

    /// Whether there is nothing to complain about.
    func isGood(deterministic: Bool) -> Bool {
        error == nil && (rule == nil || !deterministic)
    }
}

/// Writes verdicts as JSON objects, one to a line.
struct CBORVerdictWriter {
    private var notation: [UInt8] = []
    let options: CBORDiagnosticOptions
    let limits: CBORLimits

    init(options: CBORDiagnosticOptions, limits: CBORLimits) {
        self.options = options
        self.limits = limits
    }

    /// Writes the verdict on one item, which begins at `start` in its input.
    mutating func write(
        _ verdict: CBORVerdict, on bytes: UnsafeRawBufferPointer, startingAt start: Int = 0,
        to output: inout StandardOutput
    ) {
        var verdict = verdict
        notation.removeAll(keepingCapacity: true)
        if verdict.error == nil {
            do throws(CBORError) {
                try CBORDiagnostic.append(
                    notationOf: bytes, to: &notation, options: options, limits: limits)
            } catch {
                verdict.error = error
            }
        }
        if let error = verdict.error {
            Self.write(
                error: error.code.rawValue, offset: error.offset + start, message: error.message,
                to: &output)
            return
        }
        if let rule = verdict.rule {
            output.write(#"{"ok":true,"deterministic":false,"rule":""#)
            output.write(rule.code.rawValue)
            output.write("\",\"offset\":\(rule.offset + start),\"diagnostic\":")
        } else {
            output.write(
                #"{"ok":true,"deterministic":true,"rule":null,"offset":null,"diagnostic":"#)
        }
        output.write(json: notation)
        output.write("}\n")
    }

    /// Writes what is wrong.
    static func write(
        error: String, offset: Int, message: String, to output: inout StandardOutput
    ) {
        output.write(#"{"ok":false,"error":"# + error.jsonString)
        output.write(",\"offset\":\(offset),\"message\":\(message.jsonString)}\n")
    }
}

extension StandardOutput {
    /// Writes UTF-8 as a JSON string.
    mutating func write(json text: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        write(CollectionOfOne(quote))
        var start = 0
        for (index, byte) in text.enumerated() {
            guard byte < 0x20 || byte == quote || byte == backslash else { continue }
            write(text[start..<index])
            start = index + 1
            switch byte {
            case quote: write([backslash, quote])
            case backslash: write([backslash, backslash])
            case 0x0A: write([backslash, UInt8(ascii: "n")])
            default:
                let digits = [byte].hex
                write("\\u00" + digits)
            }
        }
        write(text[start...])
        write(CollectionOfOne(quote))
    }
}
