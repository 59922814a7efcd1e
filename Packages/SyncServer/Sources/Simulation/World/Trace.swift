// SPDX-License-Identifier: MIT

/// Everything that happened, as a hash, and as text if somebody wants to read it.
///
/// In the hash are every byte that was sent, every operation that a log took, what the devices held
/// in the end, and the kind and time of each line; the lines' words are not (FNV-1a, 64 bits).
struct Trace {
    /// The hash of everything so far.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Takes each line as it comes, if somebody listens.
    private let listener: ((String) -> Void)?

    init(listener: ((String) -> Void)? = nil) { self.listener = listener }

    /// Notes that something happened.
    mutating func note(
        _ time: UInt64, _ kind: StaticString, _ numbers: UInt64..., text: @autoclosure () -> String
    ) {
        add(time)
        kind.withUTF8Buffer { add(UnsafeRawBufferPointer($0)) }
        for number in numbers { add(number) }
        listener?("\(Self.seconds(time)) \(text())")
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
