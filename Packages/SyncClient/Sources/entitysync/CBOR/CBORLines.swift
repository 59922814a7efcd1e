// SPDX-License-Identifier: MIT

import CBOR

/// Judges an item on each line of the input, for programs that compare many.
struct CBORLines {
    let input: CBORInput
    let demand: CBORVerdict.Demand
    let isDeterministic: Bool
    let options: CBORDiagnosticOptions
    private var bytes: [UInt8] = []
    private var areAllGood = true

    init(
        _ input: CBORInput, _ demand: CBORVerdict.Demand, isDeterministic: Bool,
        options: CBORDiagnosticOptions
    ) {
        self.input = input
        self.demand = demand
        self.isDeterministic = isDeterministic
        self.options = options
    }

    /// Writes one line for each line, and returns the exit code: 0 if all are good.
    mutating func run() throws -> Int32 {
        let descriptor = try input.open()
        var output = StandardOutput()
        defer { output.flush() }
        var writer = CBORVerdictWriter(options: options, limits: input.limits)
        var buffer: [UInt8] = []
        while true {
            let searched = buffer.count
            let got = try Platform.read(1 << 18, from: descriptor, to: &buffer)
            guard got > 0 else { break }
            var start = 0
            var next = searched
            while let end = buffer[next...].firstIndex(of: UInt8(ascii: "\n")) {
                judge(buffer, start..<end, &writer, &output)
                start = end + 1
                next = start
            }
            buffer.removeSubrange(..<start)
            guard buffer.count <= 4 * input.limits.maxTotalBytes else {
                throw CommandError("a line is too long")
            }
            // Whoever waits for the verdicts on what it has written must not wait for more input.
            if got < 1 << 18 { output.flush() }
        }
        if !buffer.isEmpty { judge(buffer, buffer.indices, &writer, &output) }
        return areAllGood ? 0 : 1
    }

    private mutating func judge(
        _ buffer: [UInt8], _ line: Range<Int>, _ writer: inout CBORVerdictWriter,
        _ output: inout StandardOutput
    ) {
        bytes.removeAll(keepingCapacity: true)
        let wrong = buffer.withUnsafeBytes {
            input.format.decode(UnsafeRawBufferPointer(rebasing: $0[line]), to: &bytes)
        }
        if let wrong {
            areAllGood = false
            let name = input.format == .hex ? "invalidHex" : "invalidBase64"
            CBORVerdictWriter.write(
                error: name, offset: wrong,
                message: "The line is no \(input.format.rawValue) from this character on.",
                to: &output)
            return
        }
        bytes.withUnsafeBytes { bytes in
            let verdict = CBORVerdict(of: bytes, demand, limits: input.limits)
            if !verdict.isGood(deterministic: isDeterministic) { areAllGood = false }
            writer.write(verdict, on: bytes, to: &output)
        }
    }
}
