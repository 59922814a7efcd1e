// SPDX-License-Identifier: MIT

/// Logs refusals, a line each, and no more of them than a log can bear: whoever can reach the
/// server can have itself refused as often as it likes.
struct AccessAudit {
    /// How many lines a second may have; the others of that second are counted.
    static let linesMax = 20

    private var second: UInt64 = 0
    private var count = 0
    private var dropped = 0

    /// Writes a line, or counts it.
    mutating func note(_ line: String, atMilliseconds now: UInt64, tell: (String) -> Void) {
        if now / 1_000 != second {
            flush(tell: tell)
            (second, count) = (now / 1_000, 0)
        }
        count += 1
        if count <= Self.linesMax { tell(line) } else { dropped += 1 }
    }

    /// Says how many lines were left out.
    mutating func flush(tell: (String) -> Void) {
        if dropped > 0 { tell("refused \(dropped) more requests") }
        dropped = 0
    }
}
