// SPDX-License-Identifier: MIT

/// The bytes of one direction of a connection: what was read and is not written yet, and what is to
/// happen to the rest. No I/O; the proxy asks it what to do.
struct ProxyPipe {
    /// What happens once everything before the fault has been written.
    enum Ending: Equatable {
        /// The source has ended: so does the sink.
        case ordinary
        case reset
        case finish
        case halfClose
    }

    /// Only what concerns this direction.
    private var fault: WireFault?
    private var waiting: [(bytes: [UInt8], due: Double)] = []
    private var carried = 0
    private(set) var ending: Ending?
    /// What arrives is thrown away.
    private(set) var isBlackHole = false
    private(set) var hasMetFault = false

    /// The most bytes that are held.
    static let heldBytesMax = 1 << 18

    /// Gives it a fault that counts bytes from now on, if it has none.
    mutating func spoil(_ fault: WireFault) {
        guard self.fault == nil else { return }
        self.fault = fault
        carried = 0
    }

    var heldBytes: Int { waiting.reduce(0) { $0 + $1.bytes.count } }

    /// Whether more should be read from the source.
    var wantsMore: Bool { heldBytes < Self.heldBytesMax && ending != .ordinary }

    /// When the next byte, or the ending, is due; `nil` if nothing is.
    var due: Double? { waiting.first?.due ?? (ending == nil ? nil : 0) }

    /// Takes bytes that came from the source; none mean its end.
    ///
    /// - Parameter isHealed: Whether nothing goes wrong any more.
    mutating func take(_ bytes: [UInt8], now: Double, isHealed: Bool) {
        guard !isBlackHole, ending == nil else { return }
        if bytes.isEmpty {
            ending = .ordinary
            return
        }
        guard let fault, !isHealed else { return hold(bytes, due: now) }
        switch fault.kind {
        case .delay:
            hasMetFault = true
            hold(bytes, due: now + Double(fault.milliseconds) / 1_000)
        case .trickle:
            hasMetFault = true
            drip(bytes, fault, now)
        default: cut(bytes, fault, now)
        }
        carried += bytes.count
    }

    private mutating func drip(_ bytes: [UInt8], _ fault: WireFault, _ now: Double) {
        var due = max(now, waiting.last?.due ?? 0)
        var rest = bytes[...]
        while !rest.isEmpty {
            due += Double(fault.milliseconds) / 1_000
            hold(Array(rest.prefix(fault.dropBytes)), due: due)
            rest = rest.dropFirst(fault.dropBytes)
        }
    }

    private mutating func cut(_ bytes: [UInt8], _ fault: WireFault, _ now: Double) {
        guard carried + bytes.count > fault.afterBytes else { return hold(bytes, due: now) }
        hold(Array(bytes.prefix(max(0, fault.afterBytes - carried))), due: now)
        hasMetFault = true
        switch fault.kind {
        case .finish: ending = .finish
        case .halfCloseToClient, .halfCloseToServer: ending = .halfClose
        case .blackHoleToClient, .blackHoleToServer: isBlackHole = true
        default: ending = .reset
        }
    }

    private mutating func hold(_ bytes: [UInt8], due: Double) {
        if !bytes.isEmpty { waiting.append((bytes, due)) }
    }

    /// The bytes that may be written now.
    func ready(now: Double, isHealed: Bool) -> [UInt8]? {
        guard let first = waiting.first, isHealed || first.due <= now else { return nil }
        return first.bytes
    }

    /// Notes that so many of the ready bytes were written.
    mutating func wrote(_ count: Int) {
        guard let first = waiting.first else { return }
        if count >= first.bytes.count {
            waiting.removeFirst()
        } else {
            waiting[0].bytes = Array(first.bytes.dropFirst(count))
        }
    }

    /// What is to happen now that everything is written; `nil` while something waits.
    var endingNow: Ending? { waiting.isEmpty ? ending : nil }
}
