// SPDX-License-Identifier: MIT

/// CBOR as text and back: the diagnostic notation of RFC 8949 §8, with the extensions of RFC 8610
/// appendix G and the literals in use beyond both.
///
///     let text = try CBORDiagnostic.text(of: [0x82, 0x18, 0x01, 0x5F, 0xFF])   // [1_0, ''_]
///     let bytes = try CBORDiagnostic.bytes(of: "[1_0, ''_]")                    // the same again
///
/// Parsing the text of any well-formed item gives its bytes again, bit for bit, whatever the
/// options are, as long as they keep the encoding indicators. The text of an item in preferred
/// encoding has none, and is the text that RFC 8949 appendix A has for it.
///
/// Neither direction builds a tree or recurses: both take time in proportion to input and output,
/// and memory for the open containers besides the output.
///
/// What is well-formed can be invalid, and both directions let it: a map may repeat a key, and text
/// that is no UTF-8 is `"" h'ff'`. `CBORReader` refuses such bytes, and so does `CBORValue`.
public enum CBORDiagnostic {
    /// The notation of one item.
    ///
    /// - Throws: `CBORError` of the family `notWellFormed`, `depthExceeded` or `limitExceeded`.
    public static func text(
        of bytes: [UInt8], options: CBORDiagnosticOptions = .init(), limits: CBORLimits = .default
    ) throws(CBORError) -> String {
        try text(of: bytes, isSequence: false, options, limits)
    }

    /// The notation of a CBOR sequence (RFC 8742), with a comma and a line feed between items;
    /// empty for no items.
    ///
    /// - Throws: As for one item; offsets count from the start of `bytes`. The limits hold for all
    ///   items together.
    public static func text(
        ofSequence bytes: [UInt8], options: CBORDiagnosticOptions = .init(),
        limits: CBORLimits = .default
    ) throws(CBORError) -> String {
        try text(of: bytes, isSequence: true, options, limits)
    }

    /// Appends the notation of one item to `output` as UTF-8, for callers that print many.
    ///
    /// - Throws: As `text(of:options:limits:)`; `output` is then as it was.
    public static func append(
        notationOf bytes: UnsafeRawBufferPointer, to output: inout [UInt8],
        options: CBORDiagnosticOptions = .init(), limits: CBORLimits = .default
    ) throws(CBORError) {
        let start = output.count
        var printer = DiagnosticPrinter(bytes, options: options, limits: limits)
        swap(&printer.output, &output)
        do throws(CBORError) {
            try printer.print(isSequence: false)
            swap(&printer.output, &output)
        } catch {
            swap(&printer.output, &output)
            output.removeLast(output.count - start)
            throw error
        }
    }

    private static func text(
        of bytes: [UInt8], isSequence: Bool, _ options: CBORDiagnosticOptions, _ limits: CBORLimits
    ) throws(CBORError) -> String {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            let bytes = UnsafeRawBufferPointer(buffer)
            var printer = DiagnosticPrinter(bytes, options: options, limits: limits)
            try printer.print(isSequence: isSequence)
            return String(decoding: printer.output, as: UTF8.self)
        }
    }
}

extension CBORDiagnostic {
    /// The bytes of one item in notation.
    ///
    /// Numbers, lengths and floats have their preferred encoding (RFC 8949 §4.1) unless an encoding
    /// indicator asks for another one; map entries stay in the order of the text.
    ///
    /// - Parameter limits: For the bytes that come out; the text itself may have any length.
    ///   `requiresDeterministic` has no effect.
    public static func bytes(
        of text: String, limits: CBORLimits = .default
    ) throws(CBORDiagnosticError) -> [UInt8] {
        try parse(text, .notation, isSequence: false, limits)
    }

    /// The bytes of items in notation with commas between them, one behind the other (RFC 8742).
    public static func bytes(
        ofSequence text: String, limits: CBORLimits = .default
    ) throws(CBORDiagnosticError) -> [UInt8] {
        try parse(text, .notation, isSequence: true, limits)
    }

    /// The bytes of a JSON text (RFC 8259), as RFC 8949 §6.2 advises: a number with neither
    /// fraction nor exponent becomes an integer, beyond 64 bits a big number (tags 2 and 3), any
    /// other number the shortest float with its binary64 value. Members stay in their order.
    ///
    /// Notation contains JSON, so this differs from `bytes(of:)` in what it refuses.
    public static func bytes(
        ofJSON text: String, limits: CBORLimits = .default
    ) throws(CBORDiagnosticError) -> [UInt8] {
        try parse(text, .json, isSequence: false, limits)
    }

    private static func parse(
        _ text: String, _ dialect: DiagnosticParser.Dialect, isSequence: Bool, _ limits: CBORLimits
    ) throws(CBORDiagnosticError) -> [UInt8] {
        var text = text
        let parsed: Result<[UInt8], CBORDiagnosticError> = text.withUTF8 { utf8 in
            var parser = DiagnosticParser(utf8, dialect: dialect, limits: limits)
            do throws(CBORDiagnosticError) {
                return .success(try parser.parse(isSequence: isSequence))
            } catch {
                return .failure(error)
            }
        }
        return try parsed.get()
    }

    /// Where in a notation that parses its items begin, tags and map keys included, in the order in
    /// which their heads stand in the bytes. Items inside of byte strings are left out.
    static func itemOffsets(of text: String, limits: CBORLimits) -> [Int] {
        var text = text
        return text.withUTF8 { utf8 in
            var parser = DiagnosticParser(utf8, dialect: .notation, limits: limits)
            parser.itemOffsets = []
            _ = try? parser.parse(isSequence: false)
            return parser.itemOffsets ?? []
        }
    }
}
