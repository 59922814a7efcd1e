// SPDX-License-Identifier: MIT

/// A workload on files, with a fault at each call that it makes of the disk.
///
/// The law that it holds the code under test to: whatever was acknowledged is there when the files
/// are opened again, once, and nothing else is but what was attempted; what an open has shown
/// stays; a second open has nothing to repair; and then everything works again.
///
/// The ledger is what the workload has been told. It is the test's own, kept apart from the code
/// under test.
public struct FaultMatrix<Ledger, Content: Equatable> {
    /// How many calls of the disk one step of a case may take before it counts as endless.
    public var callsMax = 100_000

    private let makeStart: () throws -> (SimulatedDisk, Ledger)
    private let run: (SimulatedDisk, inout Ledger) -> Bool
    private let open: (SimulatedDisk) throws -> OpenedFiles<Content>
    private let judge: (Content, inout Ledger) -> String?

    /// Creates a matrix.
    ///
    /// - Parameters:
    ///   - start: The disk that a case begins with, and what was told by then.
    ///   - run: Does everything that the files are for, and notes what it is told; goes on or ends
    ///     when a step fails, as an app would. Returns whether no step failed. It must do the same
    ///     in each case, and can be run again. What it opened must end with it.
    ///   - open: Opens the files and shows all that they hold.
    ///   - judge: What is wrong with the content, given what was told, or `nil`. Notes what was
    ///     attempted and is there as told from now on, and what was attempted and is not there as
    ///     never to be seen again.
    public init(
        start: @escaping () throws -> (SimulatedDisk, Ledger),
        run: @escaping (SimulatedDisk, inout Ledger) -> Bool,
        open: @escaping (SimulatedDisk) throws -> OpenedFiles<Content>,
        judge: @escaping (Content, inout Ledger) -> String?
    ) {
        makeStart = start
        self.run = run
        self.open = open
        self.judge = judge
    }

    /// How a workload ends.
    private enum End: Hashable {
        /// The process is killed; the machine goes on.
        case kill
        /// The power fails.
        case crash
    }

    /// How many calls of the disk the workload makes when nothing fails.
    public func callCount() throws -> Int {
        var (disk, ledger) = try makeStart()
        disk.startCounting()
        let isWhole = run(disk, &ledger)
        precondition(isWhole, "The workload works on a disk that does.")
        return disk.callCount
    }

    /// Ends the workload behind each of its calls: as a process that is killed, and by `crashes`
    /// power failures that keep different parts of what was not synced. Then the recovery is ended
    /// in the same way behind one of its calls, and tried again. Every third time the workload goes
    /// on behind it.
    public func endBehindEveryCall(crashes: UInt64) throws -> MatrixReport {
        var report = MatrixReport()
        for call in 0...(try callCount()) {
            for seed in 0...crashes {
                var (disk, ledger) = try makeStart()
                var generator = SeededGenerator(seed: UInt64(call) << 16 | seed)
                disk.startCounting()
                disk.halt(afterCalls: call)
                _ = run(disk, &ledger)
                end(disk, seed == 0 ? .kill : .crash, using: &generator)
                finish(
                    disk, &ledger, "ended behind call \(call), seed \(seed)",
                    interruptsRecovery: true, goesOn: (UInt64(call) + seed).isMultiple(of: 3),
                    using: &generator, &report)
            }
        }
        return report
    }

    /// Lets each call of the workload fail once with each of the errors. The files are opened again
    /// by another process and, every other time, after a power failure.
    ///
    /// - Parameter burst: How many calls fail, one behind the other, from each one on.
    public func failEveryCall(
        with errorNumbers: [Int32], burst: Int = 1
    ) throws -> MatrixReport {
        var report = MatrixReport()
        for call in 1...(try callCount()) {
            for (index, errorNumber) in errorNumbers.enumerated() {
                let ending = (call + index).isMultiple(of: 2) ? End.kill : .crash
                try fail(
                    "calls \(call)..<\(call + burst) fail with \(errorNumber), then \(ending)",
                    ending, seed: UInt64(call), &report
                ) { disk in
                    for number in call..<call + burst {
                        disk.failNextCall(number: number, errorNumber: errorNumber)
                    }
                }
            }
        }
        return report
    }

    /// Lets the disk become full in the middle of the workload, at places all along; there is room
    /// again when the files are opened.
    ///
    /// - Parameter step: How many bytes lie between two places, which go on until the workload has
    ///   room enough.
    public func fillUp(step: Int) throws -> MatrixReport {
        var report = MatrixReport()
        for place in 0... {
            let bytes = place * step
            var (disk, ledger) = try makeStart()
            disk.fullAfter(bytes: bytes)
            if run(disk, &ledger) { break }
            let ending = place.isMultiple(of: 2) ? End.kill : .crash
            try fail(
                "the disk is full after \(bytes) bytes, then \(ending)", ending,
                seed: UInt64(place), &report
            ) { $0.fullAfter(bytes: bytes) }
        }
        return report
    }

    /// Runs the workload with a fault, and all that follows.
    private func fail(
        _ place: String, _ ending: End, seed: UInt64, _ report: inout MatrixReport,
        plan: (SimulatedDisk) -> Void
    ) throws {
        var (disk, ledger) = try makeStart()
        var generator = SeededGenerator(seed: seed)
        disk.startCounting()
        plan(disk)
        disk.halt(afterCalls: callsMax)
        _ = run(disk, &ledger)
        end(disk, ending, using: &generator)
        disk.fullAfter(bytes: nil)
        finish(
            disk, &ledger, place, interruptsRecovery: false, goesOn: true, using: &generator,
            &report)
    }

    private func end(_ disk: SimulatedDisk, _ end: End, using generator: inout SeededGenerator) {
        switch end {
        case .kill: disk.killProcesses()
        case .crash: disk.crash(using: &generator)
        }
    }

    private func finish(
        _ disk: SimulatedDisk, _ ledger: inout Ledger, _ place: String, interruptsRecovery: Bool,
        goesOn: Bool, using generator: inout SeededGenerator, _ report: inout MatrixReport
    ) {
        do throws(Lie) {
            if interruptsRecovery { try interruptRecovery(disk, using: &generator) }
            let found = try look(disk, then: .kill, using: &generator)
            try hold(found.content, &ledger)
            let again = try look(disk, then: .crash, using: &generator)
            guard again.content == found.content, again.repairs == 0 else {
                throw Lie("a second open repairs \(again.repairs), or shows \(again.content)")
            }
            let durable = try look(disk, then: nil, using: &generator)
            guard durable.content == found.content else {
                throw Lie("a crash took back what an open had shown: \(durable.content)")
            }
            if goesOn { try goOn(disk, &ledger, using: &generator) }
            report.note(found.repairs > 0 ? .cut : .harmless)
        } catch {
            report.note(lie: "\(place): \(error.words)")
        }
    }

    /// Ends an open behind one of its calls.
    private func interruptRecovery(
        _ disk: SimulatedDisk, using generator: inout SeededGenerator
    ) throws(Lie) {
        // More calls than a recovery makes are no loss: then it ends just before its use.
        disk.halt(afterCalls: Int.random(in: 0..<40, using: &generator))
        // It must not be closed, so it lives as long as the disk answers it.
        var opened: OpenedFiles<Content>?
        do { opened = try open(disk) } catch {
            if error is DamageReport { throw Lie("the recovery reports damage: \(error)") }
        }
        end(disk, Bool.random(using: &generator) ? .kill : .crash, using: &generator)
        withExtendedLifetime(opened) {}
    }

    /// Opens the files, and ends as told, or in the orderly way.
    private func look(
        _ disk: SimulatedDisk, then end: End?, using generator: inout SeededGenerator
    ) throws(Lie) -> (content: Content, repairs: UInt64) {
        disk.halt(afterCalls: callsMax)
        do {
            let opened = try open(disk)
            guard let end else {
                opened.close()
                disk.killProcesses()
                return (opened.content, opened.repairs)
            }
            self.end(disk, end, using: &generator)
            return (opened.content, opened.repairs)
        } catch {
            throw Lie("it cannot be opened: \(error)")
        }
    }

    private func hold(_ content: Content, _ ledger: inout Ledger) throws(Lie) {
        if let fault = judge(content, &ledger) { throw Lie("\(fault): \(content)") }
    }

    /// Works on, and looks whether everything that is told now is there.
    private func goOn(
        _ disk: SimulatedDisk, _ ledger: inout Ledger, using generator: inout SeededGenerator
    ) throws(Lie) {
        disk.halt(afterCalls: callsMax)
        guard run(disk, &ledger) else { throw Lie("it does not work again") }
        disk.crash(using: &generator)
        let found = try look(disk, then: nil, using: &generator)
        try hold(found.content, &ledger)
        let closed = try look(disk, then: nil, using: &generator)
        guard closed.content == found.content, closed.repairs == 0 else {
            throw Lie("after an orderly end there is something to repair")
        }
    }
}
