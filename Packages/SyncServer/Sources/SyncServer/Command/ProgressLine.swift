// SPDX-License-Identifier: MIT

/// A line on the terminal that says how far something long is; on anything but a terminal, nothing.
final class ProgressLine {
    /// Before this, it is not worth a line.
    private static let silentNanoseconds: UInt64 = 2_000_000_000
    private static let intervalNanoseconds: UInt64 = 200_000_000

    private let isShown: Bool
    private var due: UInt64
    private var hasLine = false

    init() {
        isShown = Terminal.errorIsTerminal
        due = SocketPlatform.monotonicNanoseconds + Self.silentNanoseconds
    }

    /// Shows that `done` of `total` bytes of the work are done, if it is time to.
    func show(_ work: String, _ done: UInt64, of total: UInt64) {
        guard isShown, SocketPlatform.monotonicNanoseconds >= due else { return }
        due = SocketPlatform.monotonicNanoseconds + Self.intervalNanoseconds
        hasLine = true
        let percent = total > 0 ? Int(Double(min(done, total)) / Double(total) * 100) : 100
        Terminal.errorText("\r\u{1B}[K\(work): \(done >> 20) of \(total >> 20) MiB (\(percent) %)")
    }

    /// Takes the line away.
    func clear() {
        if hasLine { Terminal.errorText("\r\u{1B}[K") }
        hasLine = false
    }
}
