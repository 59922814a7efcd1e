// SPDX-License-Identifier: MIT

import CBOR

/// What the commands about CBOR read: a file, standard input, or a word of the command line.
struct CBORInput {
    static let flags = [
        Command.Flag(name: "--hex", value: "DIGITS", summary: "Take these bytes."),
        Command.Flag(name: "--base64", value: "TEXT", summary: "Take these bytes."),
        Command.Flag(
            name: "--from", value: "FORMAT",
            summary: "What the input is: binary (the default), hex or base64."),
        Command.Flag(
            name: "--max-depth", value: "N",
            summary: "How deep arrays, maps and tags may nest; 64 if not given."),
    ]

    static let discussion = """
        FILE holds the bytes; without it, or with -, they come from standard input. Blanks and
        line ends in hex and base64 do not count.
        """

    var limits: CBORLimits
    let format: CBORFormat
    private let arguments: Arguments

    init(_ arguments: Arguments, isByLine: Bool, _ command: Command) throws(UsageError) {
        self.arguments = arguments
        var limits = CBORLimits.default
        if let text = arguments.value("--max-depth") {
            guard let depth = Int(text), depth > 0 else {
                throw UsageError("--max-depth takes a number from 1, not \(text)", command)
            }
            limits.maxDepth = depth
        }
        self.limits = limits
        format = try CBORFormat(
            arguments, "--from", default: isByLine ? .hex : .binary, command)
        let words = [arguments.value("--hex"), arguments.value("--base64")].compactMap { $0 }
        guard words.count + arguments.operands.count <= 1 else {
            throw UsageError("\(command.name) takes one input", command)
        }
        guard !isByLine || words.isEmpty else {
            throw UsageError("--lines reads lines of a file or of standard input", command)
        }
        guard !isByLine || format != .binary else {
            throw UsageError("a line is hex or base64", command)
        }
    }

    /// A descriptor that what comes in can be read from.
    func open() throws(CommandError) -> Int32 {
        guard let path = arguments.operands.first, path != "-" else {
            return Platform.standardInput
        }
        return try Platform.open(path)
    }

    /// All of it, as bytes.
    func bytes() throws(CommandError) -> [UInt8] {
        if let word = arguments.value("--hex") { return try decode(Array(word.utf8), .hex) }
        if let word = arguments.value("--base64") { return try decode(Array(word.utf8), .base64) }
        return try decode(try raw(), format)
    }

    /// All of it, as it is.
    func raw() throws(CommandError) -> [UInt8] {
        let descriptor = try open()
        var bytes: [UInt8] = []
        // No more than a reader takes, and no less than it takes to say that it is too much.
        while try Platform.read(1 << 16, from: descriptor, to: &bytes) > 0 {
            guard bytes.count <= 4 * limits.maxTotalBytes else {
                throw CommandError("the input is too long")
            }
        }
        return bytes
    }

    private func decode(
        _ text: [UInt8], _ format: CBORFormat
    ) throws(CommandError) -> [UInt8] {
        guard format != .binary else { return text }
        var bytes: [UInt8] = []
        let wrong = text.withUnsafeBytes { format.decode($0, to: &bytes) }
        guard let wrong else { return bytes }
        throw CommandError("the input is no \(format.rawValue): wrong at character \(wrong + 1)")
    }
}

extension CBORInput {
    /// The items of a sequence, one after the other, each with its position.
    ///
    /// - Throws: What is not well-formed, at its offset in all of the bytes.
    func forEachItem(
        of bytes: [UInt8], _ body: (ArraySlice<UInt8>) throws(CBORError) -> Void
    ) throws(CBORError) {
        var start = 0
        while start < bytes.count {
            let length: Int
            do throws(CBORError) {
                length = try firstItemLength(bytes[start...])
            } catch {
                throw error.moved(by: start)
            }
            try body(bytes[start..<start + length])
            start += length
        }
    }

    private func firstItemLength(_ bytes: ArraySlice<UInt8>) throws(CBORError) -> Int {
        try bytes.withUnsafeBufferPointer { bytes throws(CBORError) in
            try CBORWellFormedness.firstItemLength(
                in: UnsafeRawBufferPointer(bytes), maxDepth: limits.maxDepth)
        }
    }
}

extension CBORError {
    /// The same error, with an offset that counts from further in front.
    func moved(by distance: Int) -> CBORError {
        CBORError(code, at: offset + distance, path: path, message: message)
    }
}
