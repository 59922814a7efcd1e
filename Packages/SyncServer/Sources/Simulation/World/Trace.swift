// SPDX-License-Identifier: MIT

/// Everything that happened, as a hash, and as text if somebody wants to read it.
///
/// Two runs with the same hash did the same: every byte that was sent and every decision that was
/// taken is in it (FNV-1a, 64 bits).
struct Trace {
    /// The hash of everything so far.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    /// The latest lines, if they are kept.
    private(set) var lines: [String] = []
    /// Takes each line as it comes, if somebody listens.
    var listener: ((String) -> Void)?
    private let linesMax: Int

    /// - Parameter linesMax: How many lines are kept; 0 for none.
    init(keeping linesMax: Int) { self.linesMax = linesMax }

    /// Notes that something happened.
    mutating func note(
        _ time: UInt64, _ kind: StaticString, _ numbers: UInt64..., text: @autoclosure () -> String
    ) {
        add(time)
        kind.withUTF8Buffer { add(UnsafeRawBufferPointer($0)) }
        for number in numbers { add(number) }
        guard linesMax > 0 || listener != nil else { return }
        let line = "\(Self.seconds(time)) \(text())"
        listener?(line)
        guard linesMax > 0 else { return }
        if lines.count == 2 * linesMax { lines.removeFirst(linesMax) }
        lines.append(line)
    }

    /// Adds bytes that were sent or stored.
    mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

    private mutating func add(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { add($0) }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var hash = hash
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.hash = hash
    }

    private static func seconds(_ time: UInt64) -> String {
        let milliseconds = String(time / 1_000_000 % 1_000)
        let padding = String(repeating: "0", count: 3 - milliseconds.count)
        return "\(time / 1_000_000_000).\(padding)\(milliseconds)"
    }
}
